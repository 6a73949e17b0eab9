/** The golden bytes of docs/session.md: our reader reads exactly these frames, our writer writes exactly these bytes. */
import { describe, expect, it } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { FEATURES, FrameType, WITHOUT_HELLO, type Farewell } from '../../../src/wire/session/format.js'
import {
  createReader,
  createRequestFields,
  isIgnorable,
  readCredit,
  readFail,
  readFrames,
  readGoodbye,
  readRequest,
  rest,
  type Frame,
} from '../../../src/wire/session/reader.js'
import { readVarint } from '../../../src/wire/varint.js'
import * as writer from '../../../src/wire/session/writer.js'
import { join, LAST, LOSSY, MORE, ONE, SERVICE } from '../../support/session.js'

interface Golden {
  name: string
  hex: string
  frames: GoldenFrame[]
}

interface GoldenFrame {
  type: keyof typeof FrameType
  id: number
  flags: string[]
  pairs?: [number, number][]
  timeout?: number
  credit?: number
  policy?: number
  buffer?: number
  total?: number
  payload?: string
  code?: string
  retryAfter?: number
  message?: string
  amount?: number
  says?: Farewell
}

const goldens = JSON.parse(readFileSync(new URL('../fixtures/session.json', import.meta.url), 'utf8')) as Golden[]

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(/[^0-9a-f]/g, ''), 'hex'))
}

/** A frame as the fixture shows it. `begun`: requests whose value has begun and goes on. */
function shown(frame: Frame, begun: Set<number>): GoldenFrame {
  const { id, flags } = frame
  const type = (Object.keys(FrameType) as (keyof typeof FrameType)[])[frame.type]!
  const one: GoldenFrame = { type, id, flags: [] }
  const hasMore = (flags & MORE) !== 0
  if (hasMore) one.flags.push('MORE')
  if (type === 'HELLO') {
    one.pairs = []
    while (frame.at < frame.end) one.pairs.push([readVarint(frame), readVarint(frame)])
  } else if (type === 'REQUEST') {
    const fields = createRequestFields()
    expect(readRequest(frame, fields)).toBeUndefined()
    const { timeout, credit, policy, buffer, total } = fields
    if ((flags & ONE) !== 0) one.flags.push('ONE')
    if ((flags & SERVICE) !== 0) one.flags.push('SERVICE')
    Object.assign(one, { timeout, credit })
    if ((flags & LOSSY) !== 0) {
      one.flags.push('LOSSY')
      Object.assign(one, { policy, buffer })
    }
    if (hasMore) one.total = total
  } else if (type === 'REPLY') {
    if ((flags & LAST) !== 0) one.flags.push('LAST')
    if (hasMore && !begun.has(id)) one.total = readVarint(frame)
    if (hasMore) begun.add(id)
    else begun.delete(id)
  } else if (type === 'FAIL') {
    const { code, retryAfterMs, message } = readFail(frame)!
    Object.assign(one, { code, retryAfter: retryAfterMs, message })
  } else if (type === 'CREDIT') one.amount = readCredit(frame)
  else if (type === 'GOODBYE') one.says = readGoodbye(frame)!
  if (type === 'REQUEST' || type === 'DATA' || type === 'REPLY') one.payload = Buffer.from(rest(frame)).toString('hex')
  return one
}

function read(bytes: Uint8Array): GoldenFrame[] {
  const frames: GoldenFrame[] = []
  const begun = new Set<number>()
  const violation = readFrames(createReader(), bytes, (frame) => {
    if (!isIgnorable(frame, { ...WITHOUT_HELLO, features: FEATURES })) frames.push(shown(frame, begun))
    return undefined
  })
  expect(violation).toBeUndefined()
  return frames
}

/** Writes a frame that stands in the fixture; `begun` as above. */
function write(w: writer.FrameWriter, one: GoldenFrame, begun: Set<number>): void {
  const { type, id, flags, timeout = 0, credit = 0 } = one
  const piece = bytesOf(one.payload ?? '')
  const hasMore = flags.includes('MORE')
  // The writer sees from the value's size whether more of it follows.
  const size = one.total ?? piece.length + (hasMore ? 1 : 0)
  const value = join(piece, new Uint8Array(size - piece.length))
  if (type === 'HELLO') writer.writeHello(w)
  else if (type === 'REQUEST') {
    const lossy = flags.includes('LOSSY') ? { policy: one.policy!, buffer: one.buffer! } : undefined
    const [isOne, service] = [flags.includes('ONE'), flags.includes('SERVICE')]
    writer.writeRequest(w, id, { timeout, credit, one: isOne, service, lossy }, value, piece.length)
  } else if (type === 'DATA') writer.writeData(w, id, value, 0, piece.length)
  else if (type === 'REPLY') {
    writer.writeReply(w, id, value, 0, piece.length, !begun.has(id), flags.includes('LAST'))
    if (hasMore) begun.add(id)
    else begun.delete(id)
  } else if (type === 'END') writer.writeEnd(w, id)
  else if (type === 'FAIL') writer.writeFail(w, id, one.code!, one.message!, one.retryAfter!)
  else if (type === 'CANCEL') writer.writeCancel(w, id)
  else if (type === 'GOODBYE') writer.writeGoodbye(w, id, one.says!)
  else writer.writeCredit(w, id, one.amount!)
}

/** We name our features as askers, announce more as answerers, and have no frames of later versions. */
function isOurs({ name, frames }: Golden): boolean {
  return !name.includes('skipped') && frames.every(({ pairs = [[0, 3]] }) => JSON.stringify(pairs) === '[[0,3]]')
}

describe('the golden bytes', () => {
  it.each(goldens.map((golden): [string, Golden] => [golden.name, golden]))(
    '%s: are read',
    (_name, { hex, frames }) => {
      expect(read(bytesOf(hex))).toEqual(frames)
    },
  )

  it.each(goldens.filter(isOurs).map((golden): [string, Golden] => [golden.name, golden]))(
    '%s: are written',
    (_name, { hex, frames }) => {
      const w = writer.createWriter(0)
      const begun = new Set<number>()
      for (const one of frames) write(w, one, begun)
      expect(Buffer.from(join(...writer.takeChunks(w))).toString('hex')).toBe(Buffer.from(bytesOf(hex)).toString('hex'))
    },
  )

  it('hold every type of frame', () => {
    const types = new Set(goldens.flatMap(({ frames }) => frames.map(({ type }) => type)))
    expect([...types].sort()).toEqual(Object.keys(FrameType).sort())
  })
})
