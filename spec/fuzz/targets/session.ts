/** Sessions: frames, both roles, and what a redacted recording keeps of them. */
import { MAX_FRAME, WITHOUT_HELLO } from '../../../src/wire/session/format.js'
import {
  createReader,
  createRequestFields,
  readCredit,
  readFail,
  readFrames,
  readGoodbye,
  readHello,
  readRequest,
  rest,
  type Frame,
} from '../../../src/wire/session/reader.js'
import { readVarint } from '../../../src/wire/varint.js'
import { IdNames } from '../../../src/recording/redaction/id-names.js'
import { NOTHING_OPEN, SessionRedactor } from '../../../src/recording/redaction/session.js'
import { Random } from '../../../src/testing/network/random.js'
import { join } from '../../support/bytes.js'
import { someFrame } from '../../support/session-hostile.js'
import type { Target } from '../target.js'
import { bothWays, hold } from '../tools/chunks.js'
import { live, type Role } from '../tools/session-life.js'

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
  if (type === 8) next += readGoodbye(frame) ?? 0
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
      hold(frame.at <= frame.end && frame.end <= frame.bytes.length, 'a frame is in its bytes')
      outcome.frames++
      outcome.sum = digest(frame, outcome.sum)
      return undefined
    })
    hold((reader.body?.length ?? 0) <= MAX_FRAME, 'no more than a frame is kept')
    if (violation !== undefined) return { ...outcome, violation }
  }
  return outcome
}

function frames(random: Random): Uint8Array {
  return join(random.bytes(1), ...Array.from({ length: 1 + random.below(3) }, () => someFrame(random)))
}

/** What a socket hands on at once, and more. */
const CHUNKS = 131_072

export const sessionFrames: Target = {
  name: 'session: frames',
  share: 30,
  most: CHUNKS,
  // Frames of three bytes, read twice.
  memory: 256,
  outcomes: 8,
  good: frames,
  read(input) {
    const { whole, pieces } = bothWays(input)
    const [one, other] = [readAll([whole]), readAll(pieces)]
    hold(one.frames === other.frames && one.sum === other.sum, 'the same frames are read however they are cut')
    hold(one.violation === other.violation, `it is ${one.violation} in one piece, and not ${other.violation}`)
    return one.violation ?? (one.frames === 0 ? 'no whole frame' : 'frames')
  },
}

const redaction: Target = {
  name: 'session: redaction',
  share: 2,
  most: 65_536,
  // It looks at heads byte by byte, for whoever records a node.
  memory: 1_024,
  outcomes: 2,
  good: frames,
  read(input) {
    const { whole, pieces } = bothWays(input)
    const redactor = new SessionRedactor(createReader(), NOTHING_OPEN, new IdNames())
    for (const piece of pieces) hold(redactor.copy(piece).length === piece.length, 'a copy is as long')
    const { frames: before, violation } = readAll([whole])
    const copy = new SessionRedactor(createReader(), NOTHING_OPEN, new IdNames()).copy(whole)
    hold(readAll([copy]).frames >= before, 'the core reads as many frames of the copy')
    return violation === undefined ? 'good' : 'broken'
  },
}

/** Chance that is an input: what is drawn from it is in its bytes, and behind them always the same. */
class Tape extends Random {
  private at = 0

  constructor(private readonly tape: Uint8Array) {
    super(0)
  }

  override uint32(): number {
    const { at, tape } = this
    // (Random draws some by itself, before there is a tape.)
    if ((tape as Uint8Array | undefined) === undefined || at + 4 > tape.length) return super.uint32()
    this.at += 4
    return ((tape[at]! << 24) | (tape[at + 1]! << 16) | (tape[at + 2]! << 8) | tape[at + 3]!) >>> 0
  }
}

/** What one core lives through. Each step of it draws some ten numbers. */
const LIFE = 24

/** A core and a hostile peer: the input is all the chance that there is. */
function role(name: string, part: Role): Target {
  return {
    name,
    share: 0.1,
    most: 4_096,
    outcomes: 3,
    memory: 1_024,
    good: (random) => random.bytes(512 + random.below(2_048)),
    read(input) {
      const counts = new Map<string, number>()
      live(new Tape(input), part, counts, LIFE)
      const end = counts.has('reset') ? 'a reset' : 'the end'
      return `${counts.has(part === 'asking' ? 'settle' : 'handle') ? 'requests' : 'no request'}, then ${end}`
    },
  }
}

export const session: Target[] = [
  sessionFrames,
  redaction,
  role('session: asker', 'asking'),
  role('session: answerer', 'answering'),
]
