import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  chmodSync,
  cpSync,
  existsSync,
  renameSync,
  symlinkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Event } from '../../src/core/events.js'
import type { P2pError } from '../../src/errors.js'
import { newSecret } from '../../src/secret.js'
import { openDataDir, type DataDir } from '../../src/storage/data-dir.js'
import { sealed } from '../../src/storage/files.js'
import { Core, KAD } from '../support/core.js'

const PEERS = [
  '12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu',
  '12D3KooWGC6TvWhfagifX6GhkBuRdBzsfxkPLgKMTFBMDHpJbS4p',
]

/** Other peers, that come later. */
const newcomers = [
  '12D3KooWSCufgHzV4fCwRijfH2k3abrpAJxTKxEvN1FDuRXA2U9x',
  '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo',
]

let directory: string
let lines: string[]

const log = (level: string, message: string): void => void lines.push(`${level} ${message}`)
const open = (secret?: string): Promise<DataDir> => openDataDir(directory, secret, log)
const at = (name: string): string => join(directory, name)
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: P2pError) => `${error.code}: ${error.message}`,
  )

/** Flips a bit of a file. */
function flip(name: string, byte: number): void {
  const bytes = readFileSync(at(name))
  bytes[byte]! ^= 4
  writeFileSync(at(name), bytes)
}

/** A node that was connected to one peer, and is to the other. */
function busy(): Core {
  const core = new Core()
  PEERS.forEach((peer, i) => {
    const address = `/ip4/10.0.0.${i + 1}/tcp/1`
    core.connect(peer, i + 1)
    core.in({ type: 'identified', connection: i + 1, peer, protocols: [KAD], addresses: [address], agent: 'x' })
  })
  core.now = 500
  core.in({ type: 'connectionClosed', connection: 1 })
  core.now = 2_000
  core.in({ type: 'woken' })
  return core
}

const ANY = '/ip4/127.0.0.1/tcp/0'

/** A directory with peers and a port in it, which is closed. */
async function kept(): Promise<DataDir> {
  const data = await open()
  data.watch(busy().state)
  data.listens([ANY], [['/ip4/127.0.0.1/tcp/47123']])
  await data.close()
  return data
}

async function until(isSo: () => boolean): Promise<void> {
  for (let left = 200; !isSo(); left--) {
    if (left === 0) throw new Error('it did not come to be')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'tinyp2p-data-')), 'node')
  lines = []
})

afterEach(() => {
  rmSync(join(directory, '..'), { recursive: true, force: true })
})

describe('the key of a dataDir', () => {
  it('is made once, for its owner alone, and is there when the directory is open', async () => {
    const first = await open()
    expect(statSync(at('key')).mode & 0o777).toBe(0o600)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(readFileSync(at('key'), 'utf8')).toContain(first.secret)
    await first.close()
    const second = await open()
    expect(second.secret).toBe(first.secret)
    await second.close()
    expect(lines).toEqual([])
  })

  it('is the secret of the config where there is none yet, and no other later', async () => {
    const secret = newSecret()
    const first = await open(secret)
    expect(first.secret).toBe(secret)
    await first.close()
    await (await open(secret)).close()
    expect(await codeOf(open(newSecret()))).toMatch(/^InvalidConfig: secret and dataDir/)
    // It was given back.
    await (await open()).close()
  })

  it('survives any flipped bit and any lost end, but for the loss of both copies', async () => {
    const first = await open()
    await first.close()
    const whole = readFileSync(at('key'))
    for (let byte = 0; byte < whole.length; byte++) {
      writeFileSync(at('key'), whole)
      flip('key', byte)
      const again = await open()
      expect(again.secret).toBe(first.secret)
      await again.close()
    }
    for (let end = whole.length - 1; end >= whole.length / 2; end--) {
      writeFileSync(at('key'), whole.subarray(0, end))
      const again = await open()
      expect(again.secret).toBe(first.secret)
      await again.close()
    }
    expect(lines).toContainEqual(expect.stringMatching(/^warn the key file was damaged.*damaged-1$/))
    expect(readFileSync(at('key'))).toEqual(whole)
  })

  it('is whole with the line ends and blanks of other editors', async () => {
    const first = await open()
    await first.close()
    const whole = readFileSync(at('key'), 'utf8')
    for (const saved of [
      whole.replaceAll('\n', '\r\n'),
      whole.replaceAll('\n', '  \n'),
      `\ufeff${whole}`,
      whole.trim(),
    ]) {
      writeFileSync(at('key'), saved)
      const again = await open()
      expect(again.secret).toBe(first.secret)
      await again.close()
    }
    expect(lines).toEqual([])
  })

  it('is never replaced by a new one because it is damaged', async () => {
    await (await open()).close()
    writeFileSync(at('key'), '')
    expect(await codeOf(open())).toMatch(/^InvalidSecretKey: the key in .* is damaged: restore it/)
    expect(readFileSync(at('key'), 'utf8')).toBe('')
    const secret = newSecret()
    const repaired = await open(secret)
    expect(repaired.secret).toBe(secret)
    await repaired.close()
  })

  it('is never replaced by a new one because it is missing, where anything else of the node is there', async () => {
    for (const trace of ['peers', 'ports', 'peers.damaged-1', 'key.damaged-2']) {
      mkdirSync(directory, { recursive: true })
      writeFileSync(at(trace), 'whatever')
      const expected = `InvalidSecretKey: the key is missing in ${directory}, where ${trace} is still there: restore it`
      expect(await codeOf(open())).toContain(expected)
      expect(readdirSync(directory)).toEqual([trace])
      const secret = newSecret()
      const restored = await open(secret)
      expect(restored.secret).toBe(secret)
      await restored.close()
      rmSync(directory, { recursive: true })
    }
  })

  it('is new where a first start was cut off before there was one', async () => {
    mkdirSync(directory)
    writeFileSync(at('key.new'), 'half')
    await (await open()).close()
    expect(readdirSync(directory)).toEqual(['key'])
  })

  it('that others may read is told', async () => {
    await (await open()).close()
    chmodSync(at('key'), 0o644)
    await (await open()).close()
    expect(lines).toEqual([expect.stringContaining('chmod 600')])
  })
})

describe('a dataDir', () => {
  it('is one node’s at a time', async () => {
    const first = await open()
    expect(await codeOf(open())).toMatch(/^InvalidConfig: dataDir .* is in use by another node of this process/)
    await first.close()
    await (await open()).close()
  })

  it('that cannot be one is refused', async () => {
    writeFileSync(join(directory, '..', 'node'), 'a file')
    expect(await codeOf(open())).toMatch(/^InvalidConfig: dataDir .* cannot be used/)
    directory = join(directory, 'below', 'a file')
    expect(await codeOf(open())).toMatch(/^InvalidConfig: dataDir .* cannot be used: .*ENOTDIR/)
    directory = join(directory, '..', '..', '..', 'not there', 'nor this')
    await (await open()).close()
    expect(statSync(join(directory, '..')).mode & 0o777).toBe(0o700)
  })

  ;(existsSync('/proc/self') ? it : it.skip)('where none can be made is refused, and not tried for ever', async () => {
    for (const path of ['/proc/nope', '/proc/nope/below']) {
      const code = await codeOf(openDataDir(path, undefined, log))
      expect(code).toMatch(new RegExp(`^InvalidConfig: dataDir ${path} cannot be used: .*ENOENT`))
    }
  })

  it('that is relative to a working directory that is gone is refused', async () => {
    const [before, gone] = [process.cwd(), mkdtempSync(join(tmpdir(), 'tinyp2p-data-'))]
    process.chdir(gone)
    rmdirSync(gone)
    try {
      const code = await codeOf(openDataDir('data', undefined, log))
      expect(code).toMatch(/^InvalidConfig: dataDir data cannot be used: .*ENOENT/)
    } finally {
      process.chdir(before)
    }
  })

  it('with a lock that is damaged, or of a clock that was ahead, is free', async () => {
    for (const content of ['', 'rubbish']) {
      mkdirSync(directory, { recursive: true })
      writeFileSync(at('lock'), content)
      utimesSync(at('lock'), Date.now() / 1_000 + 3_600, Date.now() / 1_000 + 3_600)
      await (await open()).close()
    }
  })

  it('with a key, a lock or peers that are no file does not hang, and says what is in its way', async () => {
    await kept()
    for (const name of ['key', 'lock']) {
      const there = existsSync(at(name)) ? readFileSync(at(name)) : undefined
      rmSync(at(name), { force: true })
      expect(spawnSync('mkfifo', [at(name)]).status).toBe(0)
      expect(await codeOf(open())).toMatch(new RegExp(`^InvalidConfig: dataDir .*/${name} is no regular file$`))
      rmSync(at(name))
      if (there !== undefined) writeFileSync(at(name), there, { mode: 0o600 })
    }
    renameSync(at('key'), at('key-elsewhere'))
    symlinkSync('nowhere', at('key'))
    expect(await codeOf(open())).toMatch(/^InvalidConfig: .*key is a link to nothing$/)
    rmSync(at('key'))
    symlinkSync('key-elsewhere', at('key'))
    for (const name of ['peers', 'ports']) {
      rmSync(at(name))
      expect(spawnSync('mkfifo', [at(name)]).status).toBe(0)
    }
    const data = await open()
    expect(lines).toEqual([
      expect.stringMatching(
        /^warn the remembered peers could not be read: .*peers is no regular file; what was there is .*peers.damaged-1$/,
      ),
      expect.stringMatching(
        /^warn the remembered ports could not be read: .*ports is no regular file; what was there is .*ports.damaged-1$/,
      ),
    ])
    await data.close()
  })

  it('in which a pipe takes the place of a file is written, and does not hang', async () => {
    const data = await open()
    data.watch(busy().state)
    data.listens([ANY], [['/ip4/127.0.0.1/tcp/47123']])
    expect(spawnSync('mkfifo', [at('ports'), at('peers'), at('peers.new')]).status).toBe(0)
    await data.close()
    expect(lines).toEqual([])
    expect((await open()).remembered).toHaveLength(2)
  })

  it('that is a copy of one in use is refused, and says what to do', async () => {
    const first = await open()
    const original = directory
    directory = `${directory}-copy`
    cpSync(original, directory, { recursive: true })
    expect(await codeOf(open())).toMatch(/of which this is a copy, remove .*-copy\/lock; only one of both may run/)
    await first.close()
  })

  it('gives back the peers, the one that was good last first', async () => {
    const core = busy()
    const first = await open()
    first.watch(core.state)
    await first.close()
    const second = await open()
    expect(second.remembered).toEqual([
      { peer: PEERS[1], addresses: ['/ip4/127.0.0.1/tcp/2', '/ip4/10.0.0.2/tcp/1'], age: 0 },
      { peer: PEERS[0], addresses: ['/ip4/127.0.0.1/tcp/1', '/ip4/10.0.0.1/tcp/1'], age: 1_500 },
    ])
    await second.close()
    const next = new Core({ remembered: second.remembered })
    next.state.lifecycle.phase = 'starting'
    const dials = next.in({ type: 'listening', addresses: [] }).filter(({ type }) => type === 'dial')
    expect(dials).toMatchObject([{ target: PEERS[1] }, { target: PEERS[0] }])
    expect([...next.state.memory.peers.keys()]).toEqual([PEERS[0], PEERS[1]])
  })

  it('keeps what was known before the end, which empties the state', async () => {
    const core = busy()
    const first = await open()
    first.watch(core.state)
    const shutdown = { type: 'shutdown', ask: 1 } as const
    first.batch({ at: core.now, events: [shutdown] })
    core.in(shutdown)
    await first.close()
    const second = await open()
    expect(second.remembered).toHaveLength(2)
    await second.close()
  })

  it('keeps the peers that come while the node is stopping, during a long drain too', async () => {
    const core = busy()
    const data = await open()
    data.watch(core.state)
    const step = (...events: Event[]): void => {
      data.batch({ at: core.now, events })
      core.in(...events)
    }
    // Something that goes on for ever.
    core.request(1, PEERS[1]!, undefined, 600_000)
    step({ type: 'shutdown', ask: 2, drain: 60_000 })
    const came = newcomers.map((peer, i): Event => {
      core.connect(peer, 7 + i)
      const addresses = [`/ip4/10.0.1.${i + 1}/tcp/1`]
      return { type: 'identified', connection: 7 + i, peer, protocols: [KAD], addresses, agent: 'x' }
    })
    step(came[0]!)
    expect(core.state.lifecycle.phase).toBe('draining')
    await until(() => existsSync(at('peers')) && readFileSync(at('peers'), 'utf8').includes(newcomers[0]!))
    step(came[1]!)
    core.now += 60_000
    step({ type: 'woken' })
    expect(core.state.lifecycle.phase).toBe('stopping')
    step({ type: 'stopped' })
    await data.close()
    const second = await open()
    expect(second.remembered.map(({ peer }) => peer).sort()).toEqual([...PEERS, ...newcomers].sort())
    await second.close()
  })

  it('keeps what was known, though nobody has listened in this life, or listening came to an end', async () => {
    const core = busy()
    const first = await open()
    first.watch(core.state)
    const failed = { type: 'listenFailed', failure: { message: 'gone' } } as const
    first.batch({ at: core.now, events: [failed] })
    core.in(failed)
    await first.close()
    const second = await open()
    const never = new Core({ remembered: second.remembered })
    never.state.lifecycle.phase = 'starting'
    second.watch(never.state)
    second.batch({ at: 0, events: [failed] })
    never.in(failed)
    await second.close()
    const third = await open()
    expect(third.remembered).toHaveLength(2)
    await third.close()
  })

  it('writes nothing else when it stops half a second after news', async () => {
    const core = busy()
    const data = await open()
    data.watch(core.state)
    data.batch({ at: core.now, events: [] })
    await Promise.resolve()
    const shutdown = { type: 'shutdown', ask: 1 } as const
    data.batch({ at: core.now, events: [shutdown] })
    core.in(shutdown)
    // Longer than what is written together.
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(readFileSync(at('peers'), 'utf8')).toContain(PEERS[1])
    await data.close()
  })

  it('writes when a peer or an address comes or goes, and else after five minutes at a tick', async () => {
    const core = busy()
    const data = await open()
    data.watch(core.state)
    /** Is anything written soon after this batch, whatever its events are called? */
    const writes = async (...events: Event[]): Promise<boolean> => {
      rmSync(at('peers'), { force: true })
      data.batch({ at: core.now, events })
      core.in(...events)
      await new Promise((resolve) => setTimeout(resolve, 700))
      return existsSync(at('peers'))
    }
    const tick = { type: 'tick' } as const
    expect(await writes(tick)).toBe(true)
    // Ages change, and failures.
    core.connect(PEERS[0]!, 3)
    expect(await writes({ type: 'connectionClosed', connection: 3 }, tick)).toBe(false)
    core.now += 300_000
    expect(await writes(tick)).toBe(true)
    expect(await writes(tick)).toBe(false)
    // One is forgotten, at a wake-up.
    core.state.settings.memoryLifetime = 1_000
    for (let i = 0; i < 8; i++) core.state.memory.peers.set(`o${i}`, core.state.memory.peers.get(PEERS[1]!)!)
    core.state.memory.version++
    core.now += 30_000
    expect(await writes({ type: 'dialFailed', target: PEERS[0]!, failure: { message: 'no' }, tried: [] }, tick)).toBe(
      true,
    )
    core.now += 30_000
    // (After a quiet interval the next write is soon again.)
    data.batch({ at: core.now, events: [tick] })
    expect([await writes({ type: 'woken' }), core.state.memory.peers.has(PEERS[0]!)]).toEqual([true, false])
    await data.close()
  }, 15_000)

  it('leaves out addresses that it does not dial, and keeps the rest', async () => {
    const core = busy()
    core.in({
      type: 'identified',
      connection: 2,
      peer: PEERS[1]!,
      protocols: [KAD],
      addresses: ['/ip4/10.0.0.9/udp/1/quic-v1', '/ip4/10.0.0.9/tcp/1'],
      agent: 'x',
    })
    const first = await open()
    first.watch(core.state)
    await first.close()
    const second = await open()
    expect(second.remembered[0]).toMatchObject({ addresses: ['/ip4/127.0.0.1/tcp/2', '/ip4/10.0.0.9/tcp/1'] })
    expect(second.remembered).toHaveLength(2)
    expect(lines).toEqual([])
    await second.close()
  })

  it('has its peers and ports while one copy of each is whole', async () => {
    const first = await kept()
    const { remembered } = await open().then(async (data) => {
      await data.close()
      return data
    })
    const whole = new Map(['peers', 'ports'].map((name) => [name, readFileSync(at(name))]))
    for (const [name, bytes] of whole) {
      const middle = Math.floor(bytes.length / 2)
      for (const byte of [0, 9, 40, middle - 2, middle - 1, middle, middle + 9, bytes.length - 1]) {
        writeFileSync(at(name), bytes)
        flip(name, byte)
        lines = []
        const again = await open()
        expect([name, byte, again.remembered]).toEqual([name, byte, remembered])
        expect(await again.listen([ANY])).toEqual(await first.listen([ANY]))
        expect(lines).toEqual([
          expect.stringMatching(`^warn the remembered ${name} were damaged, and are whole in a second copy`),
        ])
        await again.close()
      }
      writeFileSync(at(name), bytes)
    }
  })

  it('has its port still when its peers are damaged, and says what is lost and what follows', async () => {
    const first = await kept()
    writeFileSync(at('peers'), 'rubbish')
    const second = await open()
    expect(second.remembered).toEqual([])
    expect(await second.listen([ANY])).toEqual(await first.listen([ANY]))
    expect(lines).toEqual([
      expect.stringMatching(/^warn the remembered peers were damaged, and are lost: the node knows nobody until/),
    ])
    await second.close()
    writeFileSync(at('ports'), 'rubbish')
    lines = []
    const third = await open()
    expect(await third.listen([ANY])).toEqual([ANY])
    expect(lines).toEqual([
      expect.stringMatching(/^warn the remembered ports were damaged, and are lost: .* another one/),
    ])
    await third.close()
  })

  it('has the port that an earlier version kept beside the peers, and keeps it in its own file from then on', async () => {
    const first = await kept()
    const listen = await first.listen([ANY])
    expect(listen).not.toEqual([ANY])
    rmSync(at('ports'))
    const peers = [{ peer: PEERS[0], addresses: ['/ip4/10.0.0.1/tcp/1'], age: 5 }]
    const old = (ports: unknown): void =>
      writeFileSync(at('peers'), sealed(JSON.stringify({ version: 1, peers, ports })))
    old({ [ANY]: 47_123 })
    const second = await open()
    expect([await second.listen([ANY]), second.remembered]).toEqual([listen, peers])
    second.watch(busy().state)
    await second.close()
    expect(readFileSync(at('ports'), 'utf8')).toContain('47123')
    expect(readFileSync(at('peers'), 'utf8')).not.toContain('47123')
    const third = await open()
    expect(await third.listen([ANY])).toEqual(listen)
    await third.close()
    // The file of its own counts more, and ports that are none cost no peers.
    old({ [ANY]: 47_124 })
    const fourth = await open()
    expect(await fourth.listen([ANY])).toEqual(listen)
    await fourth.close()
    rmSync(at('ports'))
    for (const none of [{ [ANY]: 'x' }, 5, null, undefined]) {
      old(none)
      const again = await open()
      expect([await again.listen([ANY]), again.remembered]).toEqual([[ANY], peers])
      await again.close()
    }
    expect(lines).toEqual([])
  })

  it('keeps peers when its ports cannot be written, and ports when its peers cannot, and says which', async () => {
    for (const [name, other] of [
      ['ports', 'peers'],
      ['peers', 'ports'],
    ] as const) {
      rmSync(directory, { recursive: true, force: true })
      lines = []
      const data = await open()
      mkdirSync(at(name))
      data.watch(busy().state)
      data.listens([ANY], [['/ip4/127.0.0.1/tcp/47123']])
      await until(() => lines.length > 0)
      await data.close()
      expect(lines).toEqual([
        expect.stringMatching(`^warn the remembered ${name} could not be written, and the node goes on: `),
      ])
      expect(statSync(at(other)).isFile()).toBe(true)
    }
  })

  it('sets damaged peers aside, says so, and opens', async () => {
    const core = busy()
    const first = await open()
    first.watch(core.state)
    await first.close()
    writeFileSync(at('peers'), readFileSync(at('peers'), 'utf8').replaceAll('age', 'agE'))
    const second = await open()
    expect(second.remembered).toEqual([])
    expect(lines).toEqual([expect.stringMatching(/^warn the remembered peers were damaged.*peers\.damaged-1$/)])
    await second.close()
    writeFileSync(at('peers'), sealed('{"peers":[{"peer":"nobody","addresses":[],"age":1}]}'))
    await (await open()).close()
    expect(readdirSync(directory)).toEqual(['key', 'peers.damaged-1', 'peers.damaged-2'])
  })

  it('that is deleted under its node, or its key alone, is made again with key and peers, and that is told', async () => {
    const core = busy()
    const first = await open()
    first.watch(core.state)
    const key = readFileSync(join(directory, 'key'), 'utf8')
    const tick = { at: core.now, events: [{ type: 'tick' } as const] }
    for (const gone of [directory, at('key'), at('lock')]) {
      rmSync(gone, { recursive: true })
      // What is written last.
      rmSync(at('peers'), { force: true })
      first.batch(tick)
      await until(() => ['key', 'lock', 'peers'].every((name) => existsSync(at(name))))
      expect(readFileSync(at('key'), 'utf8')).toBe(key)
      expect(await codeOf(open())).toMatch(/in use/)
    }
    // When it stops too.
    rmSync(directory, { recursive: true })
    await first.close()
    expect(readdirSync(directory)).toEqual(['key', 'peers'])
    const told = /^warn the key was gone from dataDir .*, and is written again$/
    expect(lines).toHaveLength(3)
    for (const line of lines) expect(line).toMatch(told)
  })

  it('that is another node’s by now is left to that one', async () => {
    const core = busy()
    const first = await open()
    first.watch(core.state)
    renameSync(directory, `${directory}-renamed`)
    const second = await open()
    expect(second.secret).not.toBe(first.secret)
    await first.close()
    expect(readdirSync(directory)).toEqual(['key', 'lock'])
    expect(lines).toEqual([expect.stringMatching(/could not be written, and the node goes on: dataDir .* is in use/)])
    // It has ended, so the lock that it could not find does not count.
    const third = await openDataDir(`${directory}-renamed`, undefined, log)
    expect(third.secret).toBe(first.secret)
    await third.close()
    await second.close()
  })

  it('with the key of another node is left to that one', async () => {
    const core = busy()
    const first = await open()
    first.watch(core.state)
    rmSync(directory, { recursive: true })
    const second = await open()
    await second.close()
    // Each tick tries again.
    for (const number of [1, 2, 3]) {
      const touched = statSync(directory).mtimeMs
      first.batch({ at: core.now, events: [{ type: 'tick' }] })
      await until(
        () =>
          lines.length > 0 &&
          statSync(directory).mtimeMs > touched &&
          !readdirSync(directory).some((name) => name.startsWith('lock')),
      )
      expect([number, readdirSync(directory)]).toEqual([number, ['key']])
    }
    await first.close()
    expect(readFileSync(at('key'), 'utf8')).toContain(second.secret)
    expect(lines).toEqual([expect.stringMatching(/could not be written, and the node goes on: .* two identities/)])
    expect(readdirSync(directory)).toEqual(['key'])
    // Its owner has it when it comes back.
    await (await open(second.secret)).close()
  })

  it('is the same through a link, and a link may take its place under the node', async () => {
    const core = busy()
    const first = await open()
    first.watch(core.state)
    const moved = `${directory}-moved`
    renameSync(directory, moved)
    symlinkSync(moved, directory)
    expect(await codeOf(open())).toMatch(/in use/)
    await first.close()
    expect(readdirSync(moved)).toEqual(['key', 'peers'])
    expect(lines).toEqual([])
  })

  it('in which nothing can be written is told once, and the node goes on', async () => {
    const core = busy()
    const first = await open()
    mkdirSync(at('peers'))
    first.watch(core.state)
    await first.close()
    expect(lines).toEqual([
      expect.stringMatching(/^warn the remembered peers could not be written, and the node goes on/),
    ])
  })
})
