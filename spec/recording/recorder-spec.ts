import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../src/core/events.js'
import { Recorder } from '../../src/recording/recorder.js'
import { TINYP2P_VERSION } from '../../src/recording/format.js'
import { replay } from '../../src/testing/replay.js'
import { bytes, runningState, SELF, settingsWith } from '../support/core.js'
import { Memory, RecordedCore } from '../support/recorded-core.js'
import { textOf } from '../support/said.js'

function recorderInto(sink: ConstructorParameters<typeof Recorder>[0]): { recorder: Recorder; log: string[] } {
  const log: string[] = []
  const header = { peerId: SELF, settings: settingsWith(), tinyp2p: TINYP2P_VERSION, redacted: false }
  const recorder = new Recorder(sink, header, (level, said) => {
    log.push(`${level} ${textOf(said)}`)
  })
  recorder.watch(runningState())
  return { recorder, log }
}

const tick = { at: 1, events: [{ type: 'tick' }] as Event[] }

describe('a recorder', () => {
  it('writes the header at once, then each batch before it is stepped, then the trailer', () => {
    const core = new RecordedCore()
    expect(core.memory.chunks.length).toBe(1)
    core.recorder.batch(tick)
    expect(core.memory.chunks.length).toBe(2)
    core.state.lifecycle.phase = 'ended'
    core.recorder.end()
    expect(core.memory).toMatchObject({ chunks: { length: 3 }, closed: 1 })
  })

  it('takes the bytes as they are at that moment', async () => {
    const core = new RecordedCore().begin()
    const data = bytes('before')
    core.in(5, { type: 'request', ask: 1, peer: 'bob', addresses: [], data, timeout: 5 })
    core.stop(6)
    data.fill(0)
    let sent: unknown
    await replay(core.memory.bytes, {
      onStep: ({ batch: { events } }) => {
        if (events[0]?.type === 'request') sent = events[0].data
      },
    })
    expect(sent).toEqual(bytes('before'))
  })

  it('writes no trailer for a node that was cut off', async () => {
    const core = new RecordedCore().begin()
    core.recorder.end()
    expect(core.memory.closed).toBe(1)
    await expect(replay(core.memory.bytes)).rejects.toMatchObject({ code: 'CutShort' })
  })

  it('writes nothing after its end', () => {
    const core = new RecordedCore().begin().stop(5)
    const { length } = core.memory.chunks
    core.recorder.batch(tick)
    core.recorder.end()
    expect(core.memory).toMatchObject({ chunks: { length }, closed: 1 })
    expect(core.log).toEqual([])
  })

  it('ends, saying why in the log, when its sink throws', async () => {
    const memory = new Memory()
    const { recorder, log } = recorderInto({
      write: (chunk) => {
        if (memory.chunks.length === 3) throw new Error('the sink is full')
        memory.write(chunk)
      },
      close: () => memory.close(),
    })
    for (let i = 0; i < 10; i++) recorder.batch(tick)
    recorder.end()
    expect(log).toEqual(['warn the recording ends after batch 2, and the node goes on: the sink is full'])
    expect(memory).toMatchObject({ chunks: { length: 3 }, closed: 1 })
    expect(await replay(memory.bytes, { partial: true })).toMatchObject({ batches: 2, complete: false })
  })

  it('says when the sink fails after the end, while it still writes', () => {
    const core = new RecordedCore().begin().stop(5)
    core.recorder.giveUp(new Error('the disk is full'))
    core.recorder.giveUp(new Error('the disk is broken'))
    expect(core.log).toEqual(['warn the end of the recording could not be written: the disk is full'])
    expect(core.memory.closed).toBe(1)
  })

  it('ends when an event is no plain data', () => {
    const core = new RecordedCore()
    core.recorder.batch({ at: 1, events: [{ type: 'status', ask: 1n } as unknown as Event] })
    expect(core.log).toEqual([
      'warn the recording ends after batch 0, and the node goes on: a bigint is not plain data',
    ])
  })

  it('survives a sink that cannot be closed, at once or later', async () => {
    for (const close of [
      () => {
        throw new Error('no')
      },
      () => Promise.reject(new Error('no')),
    ]) {
      // prettier-ignore
      const { recorder, log } = recorderInto({ write: () => undefined, close })
      recorder.end()
      await recorder.closed
      expect(log).toEqual(['warn the recording could not be closed'])
    }
  })
})
