/**
 * The reader against a million inputs: valid frames, bent frames, splices of both, and noise. `FUZZ_SEED` starts
 * somewhere else; what fails is printed with its seed.
 */
import { describe, expect, it } from '@jest/globals'
import { Random } from '../../../src/testing/network/random.js'
import { MAX_FRAME, WITHOUT_HELLO } from '../../../src/wire/session/format.js'
import {
  createReader,
  createRequestFields,
  readCredit,
  readFail,
  readFrames,
  readHello,
  readRequest,
  rest,
  type Frame,
} from '../../../src/wire/session/reader.js'
import { readVarint } from '../../../src/wire/varint.js'
import { bend, cutSomewhere, someFrame } from '../../support/session-hostile.js'
import { join } from '../../support/session.js'

const SEED = process.env['FUZZ_SEED'] ?? '1'
const ROUNDS = 200
const INPUTS = 5_000

/** Frames to build inputs of: to write each anew would take most of the time. */
function stock(random: Random): Uint8Array[] {
  return Array.from({ length: 100 }, () => someFrame(random))
}

function input(random: Random, frames: Uint8Array[]): Uint8Array {
  const frame = (): Uint8Array => frames[random.below(frames.length)]!
  switch (random.below(5)) {
    case 0:
      return random.bytes(1 + random.below(40))
    case 1:
      return join(frame(), frame(), frame())
    case 2:
      return bend(random, frame())
    case 3:
      return join(frame(), bend(random, frame()), frame())
    default: {
      const one = frame()
      const other = frame()
      return join(one.subarray(0, random.below(one.length)), other.subarray(random.below(other.length)), frame())
    }
  }
}

const fields = createRequestFields()

/** Reads the body as its type demands, and folds all that was read into one number. */
function digest(frame: Frame, sum: number): number {
  const { type, flags, id } = frame
  let next = (Math.imul(sum, 31) + type + flags + (id % 65_537)) | 0
  if (type === 0) next += readHello(frame, { ...WITHOUT_HELLO })?.length ?? 0
  if (type === 1) next += readRequest(frame, fields)?.length ?? fields.total % 65_537
  if (type === 3) next += readVarint(frame) % 65_537
  if (type === 5) next += readFail(frame)?.message.length ?? 0
  if (type === 7) next += readCredit(frame) % 65_537
  for (const byte of rest(frame)) next = (Math.imul(next, 31) + byte) | 0
  return next
}

interface Outcome {
  frames: number
  sum: number
  violation: string | undefined
}

function readAll(chunks: Uint8Array[]): Outcome {
  const reader = createReader()
  const outcome: Outcome = { frames: 0, sum: 0, violation: undefined }
  for (const chunk of chunks) {
    const violation = readFrames(reader, chunk, (frame) => {
      if (frame.at > frame.end || frame.end > frame.bytes.length) throw new Error('a frame is not in its bytes')
      outcome.frames++
      outcome.sum = digest(frame, outcome.sum)
      return undefined
    })
    if ((reader.body?.length ?? 0) > MAX_FRAME) throw new Error(`${reader.body!.length} bytes are kept`)
    if (violation !== undefined) return { ...outcome, violation }
  }
  return outcome
}

describe('a reader of hostile bytes', () => {
  it('never throws, keeps no more than a frame, and reads the same however the bytes are cut', () => {
    const seen = { frames: 0, violations: new Map<string, number>() }
    for (let round = 0; round < ROUNDS; round++) {
      const seed = `${SEED}/${round}`
      const random = new Random(seed)
      const frames = stock(random)
      for (let i = 0; i < INPUTS; i++) {
        const bytes = input(random, frames)
        try {
          const whole = readAll([bytes])
          const inPieces = readAll(cutSomewhere(random, bytes))
          if (whole.frames !== inPieces.frames || whole.sum !== inPieces.sum) throw new Error('other frames')
          if (whole.violation !== inPieces.violation) throw new Error('another violation')
          seen.frames += whole.frames
          if (whole.violation !== undefined) {
            seen.violations.set(whole.violation, (seen.violations.get(whole.violation) ?? 0) + 1)
          }
        } catch (error) {
          const hex = Buffer.from(bytes).toString('hex')
          throw new Error(`FUZZ_SEED=${SEED}, round ${round}, input ${i}: ${hex}`, { cause: error })
        }
      }
    }
    // The inputs are neither all noise nor all good, and every rule of the format was broken.
    expect(seen.frames).toBeGreaterThan(ROUNDS * INPUTS)
    const violations = [...seen.violations.keys()].join()
    for (const rule of ['too short', 'too long', 'not minimal', 'is broken', 'unknown', 'may not have']) {
      expect(violations).toContain(rule)
    }
  }, 120_000)
})
