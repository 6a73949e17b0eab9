/**
 * What the other side of a connection may say in frames of Yamux: how many streams it opens, and how much of what leads to nothing.
 * It reads headers alone, before the muxer does.
 */
import { createBucket, take } from '../../../core/limits/rate.js'
import { FrameFlag, FrameType } from '../../../wire/yamux.js'
import { MUXER } from '../../defaults.js'
import type { Rates } from './openings.js'
import type { Turn } from './turns.js'

/** Why a frame is not taken. `turn`: others have a turn first. */
export type Refusal = 'turn' | 'streamRate' | 'frameRate' | 'frameWaste' | 'frameMalformed'

export class FrameRules {
  /** The clock, ms, as of the chunk that is being read. */
  now = 0
  /** After `wait` and `end`: why, whether the other side has brought that about itself, and for how long, ms. */
  why: Refusal = 'turn'
  own = true
  wait = 0
  hasEnded = false
  /** Streams that the other side has opened since this was emptied. One that it has opened before may have ended since, and be another. */
  readonly opened = new Set<number>()
  /** The streams that are there. */
  private readonly live = new Set<number>()
  /** The highest stream that the other side has opened, and that we have. */
  private theirs = 0
  private ours = 0
  /** It has said that it opens no more. */
  private saidGoodbye = false
  private readonly waste = createBucket()
  private readonly pings = createBucket()

  constructor(
    /** Ours have odd numbers. */
    private readonly isClient: boolean,
    private readonly rates: Rates,
    private readonly turn: Turn,
  ) {}

  /** It is there. */
  add(stream: number): void {
    this.live.add(stream)
    if (!this.isTheirs(stream) && stream > this.ours) this.ours = stream
  }

  delete(stream: number): void {
    this.live.delete(stream)
  }

  readonly see = (type: number, flags: number, stream: number, length: number): 'take' | 'wait' | 'end' => {
    if (isMalformed(type, flags, stream, length)) return this.end('frameMalformed')
    if (!this.turn.isFree()) return this.hold('turn', 0)
    const seen = this.seeSound(type, flags, stream, length)
    // The rest of a body that is longer is asked about when it comes.
    const bytes = type === FrameType.DATA ? Math.min(length, MUXER.bytesAtOnce) : 0
    if (seen === 'take') this.turn.use(1 + bytes / MUXER.bytesPerFrame)
    return seen
  }

  private seeSound(type: number, flags: number, stream: number, length: number): 'take' | 'wait' | 'end' {
    if (type === FrameType.PING) return this.seePing(flags)
    if (type === FrameType.GO_AWAY) {
      this.saidGoodbye = true
      return 'take'
    }
    if ((flags & FrameFlag.SYN) !== 0) return this.seeOpening(stream)
    return this.live.has(stream) ? this.seeFrame(type, flags, length) : this.seeStray(type, stream, length)
  }

  /** Each is answered, whether or not the answers are read. */
  private seePing(flags: number): 'take' | 'end' {
    if ((flags & FrameFlag.ACK) !== 0) return 'take'
    return take(this.pings, MUXER.pings, this.now) === 0 ? 'take' : this.end('frameRate')
  }

  private seeOpening(stream: number): 'take' | 'wait' | 'end' {
    if (this.saidGoodbye || !this.isTheirs(stream)) return this.end('frameMalformed')
    const { openings } = this.rates
    const wait = openings.take(this.now)
    if (wait > 0) return this.hold('streamRate', wait, openings.isOwn)
    this.turn.use(MUXER.opening)
    this.live.add(stream)
    this.opened.add(stream)
    if (stream > this.theirs) this.theirs = stream
    return 'take'
  }

  /**
   * Of a stream that is there. Each costs as much, whatever it carries, so each counts. Who sends data in small pieces is read later, and
   * that is all: it may be an honest node that writes each word by itself.
   */
  private seeFrame(type: number, flags: number, length: number): 'take' | 'wait' | 'end' {
    const isNothing = length === 0 && flags === 0
    if (isNothing || length > MUXER.largestWindow) return this.wasted(isNothing ? MUXER.empty : MUXER.impossible)
    const { frames } = this.rates
    const wait = frames.take(this.now)
    return wait === 0 ? 'take' : this.hold('frameRate', wait, frames.isOwn && type !== FrameType.DATA)
  }

  /** Of a stream that is not there. It may have ended a moment ago, unless nobody has ever opened it. */
  private seeStray(type: number, stream: number, length: number): 'take' | 'end' {
    if (stream > (this.isTheirs(stream) ? this.theirs : this.ours)) return this.wasted(MUXER.impossible)
    return this.wasted(type === FrameType.DATA ? 1 + length / MUXER.strayBytes : 1)
  }

  private isTheirs(stream: number): boolean {
    return (stream % 2 === 0) === this.isClient
  }

  /** So much has led to nothing. */
  wasted(amount: number): 'take' | 'end' {
    return take(this.waste, MUXER.waste, this.now, amount) === 0 ? 'take' : this.end('frameWaste')
  }

  private hold(why: Refusal, wait: number, own = true): 'wait' {
    this.why = why
    this.own = own
    this.wait = wait
    return 'wait'
  }

  private end(why: Refusal): 'end' {
    this.why = why
    this.own = true
    this.hasEnded = true
    return 'end'
  }
}

const FLAGS = FrameFlag.SYN | FrameFlag.ACK | FrameFlag.FIN | FrameFlag.RST

function isMalformed(type: number, flags: number, stream: number, length: number): boolean {
  switch (type) {
    case FrameType.DATA:
      // Who opens a stream has been given the first window alone.
      if (length > ((flags & FrameFlag.SYN) === 0 ? MUXER.frame : MUXER.firstFrame)) return true
      return stream === 0 || (flags & ~FLAGS) !== 0
    case FrameType.WINDOW:
      return stream === 0 || (flags & ~FLAGS) !== 0
    case FrameType.PING:
      return stream !== 0 || (flags !== FrameFlag.SYN && flags !== FrameFlag.ACK)
    case FrameType.GO_AWAY:
      return stream !== 0
    default:
      return true
  }
}
