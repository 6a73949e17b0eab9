import { describe, expect, it } from '@jest/globals'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Event } from '../../src/core/events.js'
import { digestOf } from '../../src/recording/digest.js'
import {
  readRecording,
  RecordingError,
  RecordingWriter,
  TINYP2P_VERSION,
  type RecordingHeader,
} from '../../src/recording/format.js'
import { replay, type ReplayedStep } from '../../src/testing/replay.js'
import { bytes, SELF, settingsWith, V1 } from '../support/core.js'
import { effectsOf, RecordedCore, withoutCauses } from '../support/recorded-core.js'

const HEADER: RecordingHeader = {
  peerId: SELF,
  settings: settingsWith(),
  tinyp2p: TINYP2P_VERSION,
  redacted: false,
}

/** A short life: a request each way, a dial that fails, a tick, and the end. */
function aLife(redacted = false): RecordedCore {
  const core = new RecordedCore({ redacted, settings: { topics: ['block'] } }).begin(1_000)
  core.in(1_002, { type: 'request', ask: 1, peer: 'bob', addresses: [], data: bytes('ping'), timeout: 500 })
  core.in(1_003, { type: 'streamOpened', stream: 1, protocol: V1 })
  core.in(1_004, { type: 'data', stream: 1, chunks: [Uint8Array.of(4), bytes('po')] }, { type: 'writable', stream: 1 })
  core.in(1_005, { type: 'data', stream: 1, chunks: [bytes('ng')] }, { type: 'streamEnded', stream: 1 })
  core.in(1_006, { type: 'streamInbound', stream: 2, connection: 1, protocol: V1 })
  core.in(1_007, { type: 'data', stream: 2, chunks: [Uint8Array.of(2, 104, 105)] })
  core.in(1_007, { type: 'respond', exchange: 2, data: bytes('ho') })
  core.in(1_010, { type: 'dialPeer', ask: 2, target: 'eve', addresses: ['/ip4/127.0.0.1/tcp/1'] })
  const failure = { message: 'refused', cause: new Error('ECONNREFUSED') }
  core.in(1_020, { type: 'dialFailed', target: 'eve', failure, tried: [] })
  core.in(1_030, {
    type: 'message',
    topic: 'block',
    data: bytes('b1'),
    from: 'ann',
    via: 'bob',
    held: false,
    proof: bytes('proof'),
    id: '123',
  })
  core.in(1_040, { type: 'tableChanged', peer: 'ann', addresses: ['/ip4/127.0.0.1/tcp/2'] })
  core.in(1_050, { type: 'request', ask: 3, peer: 'ann', addresses: [], data: bytes('late'), timeout: 100 })
  core.in(1_150, { type: 'woken' })
  core.in(6_000, { type: 'tick' })
  return core
}

/** How a replay went. */
async function faultOf(recording: Uint8Array | string, options = {}): Promise<RecordingError> {
  const result = await replay(recording, options).then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(result).toBeInstanceOf(RecordingError)
  return result as RecordingError
}

describe('a replay', () => {
  it('goes through the same states to the same effects', async () => {
    const core = aLife().stop(7_000)
    expect(await effectsOf(core.memory.bytes)).toEqual(withoutCauses(core.effects))
    const { state, complete, batches, header } = await replay(core.memory.bytes)
    expect(state).toEqual(core.state)
    expect({ complete, batches }).toEqual({ complete: true, batches: core.batches })
    expect(header).toEqual({ ...HEADER, settings: core.state.settings })
  })

  it('shows each step: the batch, its effects and the state after it', async () => {
    const steps: Pick<ReplayedStep, 'index' | 'effects'>[] = []
    const phases: string[] = []
    await replay(aLife().stop(7_000).memory.bytes, {
      onStep: ({ index, effects, state, batch }) => {
        steps.push({ index, effects })
        phases.push(`${batch.at} ${state.lifecycle.phase}`)
      },
    })
    expect(steps[0]).toEqual({ index: 1, effects: [{ type: 'listen', addresses: ['/ip4/0.0.0.0/tcp/0'] }] })
    expect(phases.slice(0, 2)).toEqual(['1000 starting', '1000 running'])
    expect(phases.slice(-2)).toEqual(['7000 stopping', '7001 ended'])
  })

  it('has the status of the node before it was stopped', async () => {
    const { status } = await replay(aLife().stop(7_000).memory.bytes)
    expect(status).toEqual({
      access: { deny: [], bans: [] },
      peerId: SELF,
      addresses: [`/ip4/127.0.0.1/tcp/4000/p2p/${SELF}`],
      knownPeersCount: 1,
      knownPeers: { ann: ['/ip4/127.0.0.1/tcp/2/p2p/ann'] },
      connections: ['bob'],
      topics: { block: { subscribers: 0, dropped: 0 } },
    })
  })

  it('keeps the order of the boot nodes', async () => {
    const bootNodes = { zoe: ['/z'], al: ['/a'], mimi: ['/m'] }
    const core = new RecordedCore({ settings: { bootNodes } }).begin().stop(10)
    expect(await effectsOf(core.memory.bytes)).toEqual(core.effects)
  })

  it('takes the path of a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tinyp2p-replay-'))
    try {
      const path = join(folder, 'life.t2pr')
      await writeFile(path, aLife().stop(7_000).memory.bytes)
      expect((await replay(path)).complete).toBe(true)
      expect(await faultOf(join(folder, 'none'))).toMatchObject({
        code: 'NotARecording',
        message: expect.stringMatching(/none.*ENOENT/),
      })
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('throws what the core throws, and says at which batch', async () => {
    const core = aLife()
    const nonsense = { type: 'data', stream: 1, chunks: undefined } as unknown as Event
    core.in(7_000, { type: 'request', ask: 9, peer: 'bob', addresses: [], data: bytes('ping'), timeout: 500 })
    core.in(7_001, { type: 'streamOpened', stream: 3, protocol: V1 })
    expect(() => core.in(7_002, { ...nonsense, stream: 3 } as Event)).toThrow(TypeError)
    core.recorder.end()
    let last: ReplayedStep | undefined
    const onStep = (step: ReplayedStep): void => void (last = step)
    const fault = await faultOf(core.memory.bytes, { partial: true, onStep })
    expect(fault).toMatchObject({ code: 'StepFailed', cause: expect.any(TypeError) })
    expect(fault.message).toContain(`batch ${core.batches + 1} (7002 ms)`)
    expect(last?.batch.at).toBe(7_001)
  })

  it('is not taken in by a state that is another', async () => {
    const core = aLife()
    core.state.discovery.probeCursor = 7 // Nobody but the core may do that.
    core.stop(7_000)
    const fault = await faultOf(core.memory.bytes)
    expect(fault.code).toBe('Diverged')
    expect(fault.message).toMatch(/before it was stopped .* verify: false/)
    expect((await replay(core.memory.bytes, { verify: false })).complete).toBe(true)
  })

  it('says which versions differ when a newer core ends in another state', async () => {
    const writer = new RecordingWriter()
    const recording = Buffer.concat([
      writer.header({ ...HEADER, tinyp2p: '0.0.1' }),
      writer.trailer({ batches: 0, events: 0, final: '0123456789abcdef' }),
    ])
    expect((await faultOf(recording)).message).toContain(`with tinyp2p 0.0.1, and this is ${TINYP2P_VERSION}`)
  })

  it.each([undefined, 7, {}, null])('refuses %p', async (recording) => {
    await expect(replay(recording as string)).rejects.toMatchObject({ code: 'InvalidConfig' })
  })
})

describe('a bad recording', () => {
  const whole = aLife().stop(7_000).memory.bytes
  const ends = aLife()
    .stop(7_000)
    .memory.chunks.reduce<number[]>((all, { length }) => [...all, (all.at(-1) ?? 0) + length], [])

  it('is cut short at any byte: an error says where, and partial replays the batches that are whole', async () => {
    for (let at = 0; at < whole.length; at++) {
      const cut = whole.subarray(0, at)
      const fault = await faultOf(cut)
      expect(fault.code).toBe('CutShort')
      expect(fault.message).toContain(`ends at byte ${at}`)
      const batches = ends.filter((end) => end <= at).length - 1
      if (batches < 0) {
        expect(fault.message).toContain('nothing of it can be replayed')
        expect(await faultOf(cut, { partial: true })).toMatchObject({ code: 'CutShort' })
      } else {
        expect(fault.message).toMatch(new RegExp(`batch ${batches}:|batch ${batches + 1};`))
        expect(fault.message).toContain('partial: true')
        const partial = await replay(cut, { partial: true })
        expect(partial).toMatchObject({ complete: false, batches, fault: { code: 'CutShort' } })
      }
    }
  })

  it('is noticed whichever byte was changed', async () => {
    for (let at = 0; at < whole.length; at++) {
      const changed = whole.slice()
      changed[at]! ^= 1 + (at % 255)
      const fault = await faultOf(changed)
      expect(fault.code).toBe(at < 8 ? 'NotARecording' : at < 10 ? 'OtherVersion' : 'Damaged')
      if (at < ends[0]!) {
        expect(await faultOf(changed, { partial: true })).toMatchObject({ code: fault.code })
      } else {
        const batch = ends.filter((end) => end <= at).length
        expect(fault.message).toContain(`batch ${batch}: its checksum is wrong`)
        const partial = await replay(changed, { partial: true })
        expect(partial).toMatchObject({ complete: false, batches: batch - 1, fault: { code: 'Damaged' } })
      }
    }
  })

  it('of any bytes is an error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 50 }), async (noise) => {
        expect((await faultOf(noise)).code).toMatch(/NotARecording|CutShort/)
        expect((await faultOf(Buffer.concat([whole, Buffer.of(0), noise]))).code).toBe('Damaged')
        const headless = Buffer.concat([whole.subarray(0, 10), noise])
        expect((await faultOf(headless)).code).toMatch(/Damaged|CutShort/)
      }),
    )
  })

  it('of another version names both', async () => {
    const other = whole.slice()
    other[9] = 7
    const fault = await faultOf(other)
    expect(fault).toMatchObject({
      code: 'OtherVersion',
      message: expect.stringMatching(/version 7, and this tinyp2p reads version 1/),
    })
  })

  it('lacks a batch: its trailer knows', async () => {
    const { chunks } = aLife().stop(7_000).memory
    const fault = await faultOf(Buffer.concat(chunks.filter((_, index) => index !== 5)))
    expect(fault).toMatchObject({
      code: 'Damaged',
      message: expect.stringMatching(/names 19 batches with \d+ events, and has 18/),
    })
  })

  it('has settings that no node has had', async () => {
    const settings = { ...HEADER.settings, guardedTopics: 5 as unknown as string[] }
    expect(await faultOf(new RecordingWriter().header({ ...HEADER, settings }))).toMatchObject({
      code: 'Damaged',
      message: expect.stringMatching(/the settings in the header are those of no node/),
    })
  })

  it('holds something else under a right checksum', async () => {
    const writer = new RecordingWriter()
    const batch = (events: unknown): Promise<RecordingError> =>
      faultOf(Buffer.concat([writer.header(HEADER), writer.batch(1, events as Event[])]))
    expect(await batch([{ no: 'type' }])).toMatchObject({
      code: 'Damaged',
      message: expect.stringMatching(/batch 1: it is no batch/),
    })
    expect(await batch([['type']])).toMatchObject({ code: 'Damaged' })
    const headless = writer.header('no header' as unknown as RecordingHeader)
    expect(await faultOf(headless)).toMatchObject({
      code: 'Damaged',
      message: expect.stringMatching(/the header: it is no header/),
    })
  })
})

describe('a digest', () => {
  it('is in the trailer, so a changed core is found', async () => {
    const core = aLife()
    const before = digestOf(core.state)
    core.stop(7_000)
    const source = readRecording(core.memory.bytes).batches()
    let next = source.next()
    while (next.done !== true) next = source.next()
    expect(next.value.trailer).toMatchObject({ running: before, final: digestOf(core.state) })
  })
})

describe('a recording of anybody', () => {
  it('is replayed, or is a RecordingError, whatever is in it', async () => {
    const core = aLife()
    core.stop(7_000)
    const batches = [...readRecording(core.memory.bytes).batches()]
    const odd = fc.constantFrom<unknown>(
      undefined,
      null,
      -1,
      0,
      1e308,
      NaN,
      Infinity,
      'x',
      '\x1b',
      [],
      {},
      [[]],
      new Uint8Array(1),
    )
    const names = Object.keys(HEADER.settings)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.nat(),
        odd,
        fc.option(fc.constantFrom(...names)),
        async (which, key, value, setting) => {
          const writer = new RecordingWriter()
          const settings = setting === null ? HEADER.settings : { ...HEADER.settings, [setting]: value }
          const chosen = which % batches.length
          const all = batches.map(({ at, events }, i) => {
            const changed = events.map((event, j) => {
              const keys = Object.keys(event)
              return i === chosen && j === 0 ? { ...event, [keys[key % keys.length]!]: value } : event
            })
            return writer.batch(at, changed)
          })
          const recording = Buffer.concat([writer.header({ ...HEADER, settings }), ...all])
          const outcome = await replay(recording, { partial: true }).catch((error: unknown) => error)
          if (outcome instanceof Error) expect(outcome).toBeInstanceOf(RecordingError)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('says nothing in its errors that a terminal would take for more than text', async () => {
    const core = aLife()
    core.stop(7_000)
    const writer = new RecordingWriter()
    const { batches } = readRecording(core.memory.bytes)
    const events = [...batches()].map((batch) => writer.batch(batch.at, batch.events))
    const trailer = writer.trailer({ batches: events.length, events: 0, final: '0' })
    const header = writer.header({ ...HEADER, tinyp2p: '\x1b[2J' })
    const { message } = await faultOf(Buffer.concat([header, ...events, trailer]))
    // eslint-disable-next-line no-control-regex
    expect(message).not.toMatch(/[\0-\x1f]/)
  })
})
