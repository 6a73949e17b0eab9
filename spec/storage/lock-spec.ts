import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { AsyncLocalStorage } from 'node:async_hooks'
import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  type Stats,
  writeFileSync,
} from 'node:fs'
import fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { sealed } from '../../src/storage/files.js'
import type { Lock } from '../../src/storage/lock.js'

type Step = 'writeFile' | 'readdir' | 'rm' | 'stat' | 'rename'

/** Called before a step of a lock on the file system. What it throws, the file system says. */
let before: ((step: Step, path: string) => Promise<void>) | undefined
/** Nobody's claims are removed. */
let isLax = false

const seen =
  <Args extends [path: unknown, ...rest: unknown[]], Result>(step: Step, work: (...args: Args) => Promise<Result>) =>
  async (...args: Args): Promise<Result> => {
    await before?.(step, String(args[0]))
    return isLax && step === 'rm' ? (undefined as Result) : work(...args)
  }

jest.unstable_mockModule('node:fs/promises', () => ({
  ...fs,
  writeFile: seen('writeFile', fs.writeFile as (path: string) => Promise<void>),
  readdir: seen('readdir', fs.readdir as (path: string) => Promise<string[]>),
  rm: seen('rm', fs.rm),
  stat: seen('stat', fs.stat as (path: string) => Promise<Stats>),
  rename: seen('rename', fs.rename),
}))
const { InUse, lockDirectory, startOf } = await import('../../src/storage/lock.js')

const failure = (code: string): Error => Object.assign(new Error(code), { code })

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tinyp2p-files-'))
})

afterEach(() => {
  before = undefined
  isLax = false
  jest.restoreAllMocks()
  rmSync(directory, { recursive: true, force: true })
})

function ownerOf(where: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(where, 'lock'), 'utf8').slice(9)) as Record<string, unknown>
}

function writeOwner(owner: object): void {
  writeFileSync(join(directory, 'lock'), sealed(JSON.stringify(owner)))
}

/** The lock that is there becomes ours, as if there had been none. */
async function takesOver(): Promise<void> {
  const lock = await lockDirectory(directory)
  await expect(lockDirectory(directory)).rejects.toThrow(InUse)
  await lock.release()
  expect(readdirSync(directory)).toEqual([])
}

describe('the lock of a directory', () => {
  it('is one process’s at a time, and free after it was given back', async () => {
    const lock = await lockDirectory(directory)
    await expect(lockDirectory(directory)).rejects.toThrow(InUse)
    await lock.release()
    await (await lockDirectory(directory)).release()
    expect(readdirSync(directory)).toEqual([])
  })

  it('is taken over from a process that is dead', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    writeFileSync(join(directory, 'lock'), sealed(JSON.stringify({ pid, started: '1' })))
    await takesOver()
  })

  it('is taken over from a dead process whose number another one has now', async () => {
    writeFileSync(join(directory, 'lock'), sealed(JSON.stringify({ pid: process.pid, started: '1' })))
    await takesOver()
  })

  it('is not taken over from a living process of which nobody knows when it was started', async () => {
    writeFileSync(join(directory, 'lock'), sealed(JSON.stringify({ pid: process.ppid, started: null })))
    await expect(lockDirectory(directory)).rejects.toThrow(`process ${process.ppid} uses it`)
  })

  it('knows when a process was started, also where there is no /proc', async () => {
    for (const proc of ['/proc', '/there/is/none']) {
      expect(await startOf(process.pid, proc)).toMatch(/\d/)
      expect(await startOf(process.pid, proc)).toBe(await startOf(process.pid, proc))
      expect(await startOf(process.pid, proc)).not.toBe(await startOf(1, proc))
      expect(await startOf(2 ** 22 + 1, proc)).toBeNull()
    }
  })

  it('is not taken over from another process that lives', async () => {
    const file = join(directory, 'idle.cjs')
    writeFileSync(file, "process.send('up'); setInterval(() => {}, 1000)")
    const child = fork(file, { execArgv: [] })
    await new Promise((resolve) => child.once('message', resolve))
    const started = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19]
    writeFileSync(join(directory, 'lock'), sealed(JSON.stringify({ pid: child.pid, started })))
    try {
      await expect(lockDirectory(directory)).rejects.toThrow(`process ${child.pid} uses it`)
    } finally {
      child.kill('SIGKILL')
    }
  })

  it('is nobody’s if a power cut has damaged it, whatever the clock says', async () => {
    const path = join(directory, 'lock')
    for (const hours of [-1, 0, 1]) {
      writeFileSync(path, '')
      const time = Date.now() / 1_000 + hours * 3_600
      utimesSync(path, time, time)
      await takesOver()
    }
  })

  it.each(['x', 'null', '[]', '{}', '{"pid":"1"}', '{"pid":0}', '{"pid":-1,"started":null}', '{"pid":1.5}'])(
    'is nobody’s if none of ours can have written it: %s',
    async (content) => {
      writeFileSync(join(directory, 'lock'), sealed(content))
      await takesOver()
    },
  )

  it('that cannot be read is told, and nobody’s claim stays there', async () => {
    const path = join(directory, 'lock')
    const refused = (): Promise<unknown> => expect(lockDirectory(directory)).rejects.toThrow(/lock/)
    expect(spawnSync('mkfifo', [path]).status).toBe(0)
    await refused()
    rmSync(path)
    mkdirSync(path)
    await refused()
    rmSync(path, { recursive: true })
    symlinkSync('nowhere', path)
    await refused()
    expect(readdirSync(directory)).toEqual(['lock'])
  })

  it('is not given back by one who has lost it', async () => {
    const lock = await lockDirectory(directory)
    expect(await lock.isHeld()).toBe(true)
    writeFileSync(join(directory, 'lock'), 'of somebody else')
    expect(await lock.isHeld()).toBe(false)
    await lock.release()
    expect(readFileSync(join(directory, 'lock'), 'utf8')).toBe('of somebody else')
  })

  it('is taken over from a process of the same number in an earlier container, or before this start of the machine', async () => {
    await lockDirectory(directory)
    const { pid, started, ...rest } = ownerOf(directory)
    writeOwner({ ...rest, pid, started: '1' })
    await takesOver()
    writeOwner({ ...rest, pid, started, boot: 'another' })
    await takesOver()
    writeOwner({ ...rest, pid: process.ppid, started: await startOf(process.ppid), boot: 'another' })
    await takesOver()
  })

  it('is taken over from a node of this process that has ended while its directory had another name, and from no living one', async () => {
    const other = join(directory, '..', `${basename(directory)}-renamed`)
    const lock = await lockDirectory(directory)
    renameSync(directory, other)
    try {
      await expect(lockDirectory(other)).rejects.toThrow(InUse)
      await lock.release()
      await (await lockDirectory(other)).release()
      expect(readdirSync(other)).toEqual([])
    } finally {
      renameSync(other, directory)
    }
  })

  it('is not taken over from another thread of this process', async () => {
    writeOwner({ pid: process.pid, started: await startOf(process.pid), thread: 7 })
    await expect(lockDirectory(directory)).rejects.toMatchObject({ pid: process.pid, isUnsure: true })
  })

  it('is taken over from a thread that has ended, and not before', async () => {
    const program = `const { parentPort, threadId } = require('node:worker_threads')
      parentPort.on('message', () => undefined)
      parentPort.postMessage({ thread: threadId, id: require('node:fs').readlinkSync('/proc/thread-self').split('/')[2] })`
    const worker = new Worker(program, { eval: true })
    const [{ thread, id }] = (await once(worker, 'message')) as [{ thread: number; id: string }]
    const task = { id, started: await startOf(process.pid, '/proc', id) }
    writeOwner({ pid: process.pid, started: await startOf(process.pid), thread, task })
    await expect(lockDirectory(directory)).rejects.toMatchObject({ pid: process.pid, isUnsure: false })
    await worker.terminate()
    await takesOver()
    // Its number is another thread's by now.
    writeOwner({
      pid: process.ppid,
      started: await startOf(process.ppid),
      thread: 0,
      task: { id: `${process.ppid}`, started: '1' },
    })
    await takesOver()
  })

  it('names its own thread', async () => {
    const lock = await lockDirectory(directory)
    expect(ownerOf(directory)).toMatchObject({ thread: 0, task: { id: expect.stringMatching(/^\d+$/) as unknown } })
    await lock.release()
  })

  it('of a copy of a directory in use is that of the original, as long as this is in use', async () => {
    const lock = await lockDirectory(directory)
    const copy = join(directory, 'copy')
    mkdirSync(copy)
    cpSync(join(directory, 'lock'), join(copy, 'lock'))
    await expect(lockDirectory(copy)).rejects.toThrow(InUse)
    await lock.release()
    await (await lockDirectory(copy)).release()
  })
})

describe('the lock of a directory that several take at the same moment', () => {
  const self = new AsyncLocalStorage<number>()

  /** Those who get it. `choose`: whose next step is done, of those who wait for one. */
  async function race(takers: number, choose: (of: number) => number): Promise<Lock[]> {
    const place = mkdtempSync(join(directory, 'race-'))
    writeFileSync(join(place, 'lock'), sealed(JSON.stringify({ pid: 2 ** 22 + 1, started: '1' })))
    const waiting = new Map<number, () => void>()
    before = () => {
      const taker = self.getStore()
      return taker === undefined ? Promise.resolve() : new Promise((go) => waiting.set(taker, go))
    }
    const locks: Lock[] = []
    let left = takers
    for (let taker = 0; taker < takers; taker++) {
      const taking = self.run(taker, () => lockDirectory(place, join(directory, 'none')))
      void taking
        .then((lock) => locks.push(lock))
        .catch((error: unknown) => expect(error).toBeInstanceOf(InUse))
        .finally(() => left--)
    }
    while (left > 0) {
      // Each of them has come to its next step.
      while (waiting.size < left) await new Promise(setImmediate)
      const ready = [...waiting.keys()].sort()
      const next = ready[choose(ready.length)]
      if (next === undefined) continue
      waiting.get(next)!()
      waiting.delete(next)
      // (It may end without another one.)
      await new Promise(setImmediate)
    }
    const held = []
    for (const lock of locks) if (await lock.isHeld()) held.push(lock)
    // Whoever has got it has it.
    expect(held).toHaveLength(locks.length)
    for (const lock of locks) await lock.release()
    return locks
  }

  /** How many have got it, for every order of the first `depth` steps of two. */
  async function everyOrder(depth: number): Promise<Set<number>> {
    const amounts = new Set<number>()
    for (let order = 0; order < 2 ** depth; order++) {
      let step = 0
      const locks = await race(2, (of) => (step < depth ? (order >> step++) & 1 : 0) % of)
      amounts.add(locks.length)
    }
    return amounts
  }

  beforeEach(() => {
    // No pause is long.
    jest.spyOn(Math, 'random').mockReturnValue(0)
  })

  it('is one’s, in whichever order their steps are done', async () => {
    expect(await everyOrder(8)).toEqual(new Set([1]))
  }, 60_000)

  it('is never two’s, of three', async () => {
    let seed = 1
    const chance = (of: number): number => (seed = (seed * 48_271) % 2_147_483_647) % of
    for (let round = 0; round < 150; round++) expect((await race(3, chance)).length).toBeLessThanOrEqual(1)
  }, 60_000)

  it('would be two’s if they left the claims of others alone', async () => {
    isLax = true
    await expect(everyOrder(8)).rejects.toThrow('toHaveLength')
  }, 60_000)
})

describe('the lock of a directory that can be written no more', () => {
  const isOfNode = (path: string): boolean => path.startsWith(join(directory, 'node'))
  /** No file can be made in the directory. */
  const isFull: typeof before = async (step, path) => {
    if (step === 'writeFile' && isOfNode(path)) throw failure('ENOSPC')
  }
  const node = (): string => join(directory, 'node')
  const temporary = (): string => join(directory, 'temporary')
  const lock = (): Promise<Lock> => lockDirectory(node(), temporary())

  beforeEach(() => {
    mkdirSync(node())
    mkdirSync(temporary())
  })

  it.each(['ENOSPC', 'EROFS', 'EACCES'])('is in force, in the directory and elsewhere: %s', async (code) => {
    const first = await lock()
    before = isFull
    await expect(lock()).rejects.toThrow(InUse)
    await first.release()
    const second = await lock()
    expect(second.trouble).toBeDefined()
    // There nothing can be written either.
    before = async (step) => {
      if (step === 'writeFile') throw failure(code)
    }
    await expect(lock()).rejects.toThrow(InUse)
    before = undefined
    await expect(lock()).rejects.toThrow(InUse)
    await second.release()
    await (await lock()).release()
    expect([readdirSync(node()), readdirSync(temporary())]).toEqual([[], []])
  })

  it('is one’s, though another one takes it elsewhere in the same moment', async () => {
    for (const isFirst of [true, false]) {
      let other: Lock | undefined
      before = async (step, path) => {
        if (step !== 'writeFile' || isOfNode(path) === isFirst) return isFirst ? isFull(step, path) : undefined
        // The disk has room for one of both.
        before = isFirst ? undefined : isFull
        other = await lock()
        before = undefined
      }
      await expect(lock()).rejects.toThrow(InUse)
      expect(await other?.isHeld()).toBe(true)
      await other?.release()
      expect([readdirSync(node()), readdirSync(temporary())]).toEqual([[], []])
    }
  })
})

describe('the lock of a directory that cannot be written', () => {
  // Where nobody can make a file, whoever runs the tests.
  const lock = (temporary = directory): Promise<Lock> => lockDirectory('/proc/self', temporary)

  it('is among the temporary files, and keeps others out', async () => {
    const first = await lock()
    expect(first.trouble).toBeDefined()
    expect(readdirSync(directory)).toEqual([expect.stringMatching(/^tinyp2p-\d+-\d+\.lock$/)])
    await expect(lock()).rejects.toThrow(InUse)
    await first.release()
    expect(readdirSync(directory)).toEqual([])
    await (await lock()).release()
  })

  /** Where the lock would be. */
  async function place(): Promise<string> {
    const held = await lock()
    const [name] = readdirSync(directory)
    await held.release()
    return join(directory, name!)
  }

  const lives = sealed(JSON.stringify({ pid: process.ppid, started: null }))

  it('is not believed if another user has made it, and is told to keep nobody out', async () => {
    const path = await place()
    writeFileSync(path, lives)
    await expect(lock()).rejects.toThrow(InUse)
    // A file is its who has made it, which counts for a process that runs as another user than the one who has started it.
    const { geteuid } = process
    process.geteuid = () => geteuid!() + 1
    try {
      // A directory that can be written needs no other lock.
      const own = join(directory, 'own')
      mkdirSync(own)
      const { dev, ino } = statSync(own, { bigint: true })
      writeFileSync(join(directory, `tinyp2p-${dev}-${ino}.lock`), lives)
      const held = await lockDirectory(own, directory)
      expect(held.trouble).toBeUndefined()
      await held.release()
      expect(await lock()).toMatchObject({ isShared: true })
    } finally {
      process.geteuid = geteuid!
    }
    expect(readFileSync(path, 'utf8')).toBe(lives)
  })

  it('is not believed if it is a link or a pipe', async () => {
    const path = await place()
    const other = join(directory, 'other')
    writeFileSync(other, lives)
    symlinkSync(other, path)
    expect(await lock()).toMatchObject({ isShared: true })
    rmSync(path)
    expect(spawnSync('mkfifo', [path]).status).toBe(0)
    expect(await lock()).toMatchObject({ isShared: true })
  })

  it('is none where temporary files cannot be written either, which is told', async () => {
    expect(await lock('/proc')).toMatchObject({ isShared: true })
    expect(await (await lock('/proc')).isHeld()).toBe(true)
  })
})
