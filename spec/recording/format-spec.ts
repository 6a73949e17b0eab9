import { describe, expect, it } from '@jest/globals'
import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import type { Event } from '../../src/core/events.js'
import type { Settings } from '../../src/core/settings.js'
import { crc32 } from '../../src/platform/checksums.js'
import {
  readRecording,
  RecordingError,
  RecordingWriter,
  TINYP2P_VERSION,
  type RecordingHeader,
  type Source,
} from '../../src/recording/format.js'
import { anyEvent, anyTime, eventsByType } from '../support/arbitraries.js'
import { bytes, SELF, settingsWith } from '../support/core.js'
import { withoutCauses } from '../support/recorded-core.js'

const HEADER: RecordingHeader = {
  peerId: SELF,
  settings: settingsWith(),
  tinyp2p: TINYP2P_VERSION,
  redacted: false,
}

/** Written by tinyp2p 0.1.0. */
const GOLDEN = [
  '89543250520d0a1a00010000005613fed459d864aae2a56670656572496463616e6e6873657474696e6773a3676d6178',
  '4f70656e19012c666c697374656e8065726174696ffb3fe00000000000006774696e7970327065302e312e3068726564',
  '6163746564f4647365656426000000a42b80ff176674ad35831903e8a3647479706564646174616673747265616d1a00',
  '011170666368756e6b7381430102ffa964747970656a6469616c4661696c65646674617267657462c3a9676661696c75',
  '7265a1676d657373616765781e7878787878787878787878787878787878787878787878787878787878786574726965',
  '6480626174f7626f6bf5646e6f6e65f6656c617267651b0000010000000000636e6f74fb80000000000000000000001b',
  '91336b3e16ab0b35a3676261746368657301666576656e7473026566696e616c623030',
].join('')

describe('the format', () => {
  it.each(Object.keys(eventsByType) as Event['type'][])('keeps every event of type %s', (type) => {
    fc.assert(fc.property(anyTime, fc.array(eventsByType[type] as fc.Arbitrary<Event>, { maxLength: 5 }), roundTrip), {
      numRuns: 50,
    })
  })

  it('keeps any batches', () => {
    fc.assert(fc.property(anyTime, fc.array(anyEvent, { maxLength: 30 }), roundTrip))
  })

  function roundTrip(at: number, events: Event[]): void {
    const writer = new RecordingWriter()
    const recording = Buffer.concat([
      writer.header(HEADER),
      writer.batch(at, events),
      writer.batch(at, []),
      writer.trailer({ batches: 2, events: events.length, final: '-' }),
    ])
    const { header, batches } = readRecording(recording)
    const source = batches()
    expect(header).toEqual(HEADER)
    expect(source.next().value).toEqual({ at, events: withoutCauses(events) })
    expect(source.next().value).toEqual({ at, events: [] })
    expect(source.next()).toMatchObject({ done: true, value: { trailer: { batches: 2 } } })
  }

  it('gives plain byte arrays, of which none is a view of the file', () => {
    const writer = new RecordingWriter()
    const data = { type: 'data', stream: 2, chunks: [Buffer.from('ab'), bytes('c')] } as const
    const recording = Buffer.concat([writer.header(HEADER), writer.batch(1, [data as unknown as Event])])
    const batch = readRecording(recording).batches().next().value as unknown as { events: (typeof data)[] }
    for (const chunk of batch.events[0]!.chunks) {
      expect(chunk.constructor.name).toBe('Uint8Array')
      expect(chunk.buffer.byteLength).toBe(chunk.length)
    }
  })

  it('leaves foreign errors out', () => {
    const writer = new RecordingWriter()
    const failure = { message: 'refused', cause: new Error('ECONNREFUSED') }
    const batch = writer.batch(1, [{ type: 'dialFailed', target: 'eve', failure, tried: [] }])
    expect(Buffer.from(batch).toString('latin1')).toContain('refused')
    expect(Buffer.from(batch).toString('latin1')).not.toContain('ECONNREFUSED')
  })

  it('is what version 1 has always been', () => {
    const writer = new RecordingWriter()
    const settings = { maxOpen: 300, listen: [], ratio: 0.5 } as unknown as Settings
    const failure = { message: 'x'.repeat(30), cause: 1 }
    const rest = { at: undefined, ok: true, none: null, large: 2 ** 40, not: -0 }
    const header = { peerId: 'ann', settings, tinyp2p: '0.1.0', redacted: false, seed: -7 }
    const events = [
      { type: 'data', stream: 70_000, chunks: [Uint8Array.of(1, 2, 255)] },
      { type: 'dialFailed', target: 'é', failure, tried: [], ...rest },
    ] as Event[]
    const trailer = { batches: 1, events: 2, final: '00' }
    const recording = Buffer.concat([writer.header(header), writer.batch(1_000, events), writer.trailer(trailer)])
    expect(recording.toString('hex')).toBe(GOLDEN)
    const read = readRecording(Buffer.from(GOLDEN, 'hex'))
    expect(read.header).toEqual(header)
    const batches = read.batches()
    expect(batches.next().value).toEqual({ at: 1_000, events: withoutCauses(events) })
    expect(batches.next().value).toEqual({ trailer })
  })

  it('is read a record at a time, and a record that says to be too long is not read', () => {
    const writer = new RecordingWriter()
    const header = { peerId: 'ann', settings: {} as Settings, tinyp2p: '0', redacted: false }
    const begin = writer.header(header)
    const head = new Uint8Array(12)
    const view = new DataView(head.buffer)
    view.setUint32(0, 2 ** 32 - 1)
    view.setUint32(8, crc32(head.subarray(0, 8)))
    const all = Buffer.concat([begin, writer.batch(1, []), head])
    let most = 0
    const source: Source = {
      length: 2 ** 40,
      read(at, end) {
        most = Math.max(most, end - at)
        return all.subarray(at, end)
      },
    }
    const batches = readRecording(source).batches()
    expect(batches.next().value).toEqual({ at: 1, events: [] })
    const { fault } = batches.next().value as { fault: RecordingError }
    expect(fault.message).toMatch(/damaged at byte \d+, batch 2: it is longer than 268435456 bytes/)
    expect(most).toBeLessThan(begin.length)
  })

  it('has no word of its own in an error that a terminal would take for more than text', () => {
    const { message } = new RecordingError('Diverged', `by tinyp2p \x1b[2J${'x'.repeat(1e6)}`)
    expect(message).toMatch(/^by tinyp2p \ufffd\[2Jx/)
    expect(message).toHaveLength(1_000)
  })

  it('names the version of the package', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string }
    expect(TINYP2P_VERSION).toBe(version)
  })
})
