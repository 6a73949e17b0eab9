/** The byte streams of one host: half-close, reset, pause and windows, over its links. */
import { STREAMS } from '../../core/parameters.js'
import type { PortEffect, PortEvent, StreamId } from '../../core/port.js'
import { SESSION } from '../../wire/protocols.js'
import { copyOf, cutAt, sizeOf } from './chunks.js'
import type { Side } from './link.js'

/**
 * Bytes that may be on their way to a side that has not read them. The model differs: in Yamux a window grows with the round
 * trips that it measures, up to 4 MiB, which would make a run depend on the machine's load.
 */
function windowOf(protocol: string): number {
  return protocol === SESSION ? STREAMS.sessionWindow : STREAMS.window
}

/** About how many bytes of TCP/IP, Noise and Yamux a packet has beside its payload. The model sends no real ones. */
const OVERHEAD = 70
const NEGOTIATION_SIZE = 50
const YAMUX_HEADER = 12

/** One side's end of a stream. */
class End {
  other: End | undefined
  /** What we may still send. */
  credit: number = STREAMS.window
  /** Bytes that the other side may still send. Half of the window is given back at once, as Yamux implementations do. */
  window: number = STREAMS.window
  /** Bytes that we have read since we last gave credit back. */
  taken = 0
  /** Chunks that wait for credit. */
  waiting: Uint8Array[] = []
  ending = false
  /** Its opening was reported. */
  opened: boolean
  /** Our write side is closed. */
  ended = false
  /** The other one's is, and all of it was reported. */
  remoteEnded = false
  paused = false
  /** Arrived while we were paused: chunks, and then perhaps the end. */
  kept: Uint8Array[] = []
  keptEnd = false

  constructor(
    readonly id: StreamId,
    readonly streams: Streams,
    readonly side: Side,
    readonly inbound: boolean,
  ) {
    this.opened = inbound
  }
}

type EffectOf<Type extends PortEffect['type']> = Extract<PortEffect, { type: Type }>

export class Streams {
  private readonly ends = new Map<StreamId, End>()
  private readonly inbound = new Map<Side, number>()
  private nextInbound: StreamId = 2

  constructor(
    private readonly emit: (event: PortEvent) => void,
    private readonly protocols: readonly string[],
    /** Where to cut the bytes that arrive, from 0 to 1; 0: they stay whole. */
    private readonly cut: () => number,
    /** The streams of the host at the other end. */
    private readonly beyond: (side: Side) => Streams,
  ) {}

  open(effect: EffectOf<'open'>, side: Side): void {
    const { stream, protocols } = effect
    const end = new End(stream, this, side, false)
    this.ends.set(stream, end)
    this.send(end, NEGOTIATION_SIZE, () => {
      const remote = this.beyond(side)
      const protocol = protocols.find((name) => remote.protocols.includes(name))
      if (protocol === undefined) return this.refuse(end, `none of ${protocols.join(', ')} is spoken there`)
      if (!remote.accept(end, protocol)) {
        return side.link.send(side.other, YAMUX_HEADER, () => {
          this.closed(end, 'reset')
        })
      }
      end.other!.streams.send(end.other!, NEGOTIATION_SIZE, () => {
        if (this.ends.get(stream) !== end) return
        end.opened = true
        this.emit({ type: 'streamOpened', stream, protocol })
        // A session's window is wider: the news of it comes with the answer.
        this.widen(end, windowOf(protocol))
      })
    })
  }

  private refuse(end: End, message: string): void {
    end.side.link.send(end.side.other, NEGOTIATION_SIZE, () => {
      if (!this.ends.delete(end.id)) return
      this.emit({ type: 'streamOpenFailed', stream: end.id, reason: 'unsupported', failure: { message } })
    })
  }

  /** The other side of a stream that is being opened to us. */
  private accept(other: End, protocol: string): boolean {
    const side = other.side.other
    const open = this.inbound.get(side) ?? 0
    if (open >= STREAMS.maxInbound) return false
    this.inbound.set(side, open + 1)
    const end = new End(this.nextInbound, this, side, true)
    this.nextInbound += 2
    end.other = other
    other.other = end
    end.window = windowOf(protocol)
    end.credit = end.window
    this.ends.set(end.id, end)
    this.emit({ type: 'streamInbound', stream: end.id, connection: side.id, protocol })
    return true
  }

  write(effect: EffectOf<'write'>): void {
    const end = this.ends.get(effect.stream)
    if (end === undefined) return
    if (effect.chunks.length > 0) end.waiting.push(copyOf(effect.chunks))
    end.ending = effect.end
    this.flush(end)
  }

  /** Sends what the credit allows; the writer may go on when nothing waits any more. */
  private flush(end: End): void {
    const chunks: Uint8Array[] = []
    let size = 0
    while (end.waiting.length > 0 && end.credit > 0) {
      const chunk = end.waiting[0]!
      const part = chunk.length <= end.credit ? chunk : chunk.subarray(0, end.credit)
      if (part === chunk) end.waiting.shift()
      else end.waiting[0] = chunk.subarray(part.length)
      end.credit -= part.length
      size += part.length
      chunks.push(part)
    }
    const done = end.waiting.length === 0
    if (done && end.ending) end.ended = true
    const { ended } = end
    if (size > 0 || ended) this.send(end, size + OVERHEAD, () => end.other?.streams.receive(end.other, chunks, ended))
    if (!done) return
    if (ended) this.closeWhenOver(end)
    else this.emit({ type: 'writable', stream: end.id })
  }

  private receive(end: End, chunks: Uint8Array[], last: boolean): void {
    if (this.ends.get(end.id) !== end) return
    if (end.paused) {
      end.kept.push(...chunks)
      end.keptEnd ||= last
      return
    }
    this.report(end, chunks, last)
  }

  private report(end: End, chunks: Uint8Array[], last: boolean): void {
    const stream = end.id
    const size = sizeOf(chunks)
    if (size > 0) {
      for (const part of cutAt(chunks, Math.floor(this.cut() * size))) this.emit({ type: 'data', stream, chunks: part })
      end.taken += size
      if (end.taken >= end.window / 2) this.giveBack(end)
    }
    if (!last) return
    end.remoteEnded = true
    this.emit({ type: 'streamEnded', stream })
    this.closeWhenOver(end)
  }

  private widen(end: End, window: number): void {
    end.credit += window - end.window
    end.window = window
    if (end.waiting.length > 0) this.flush(end)
  }

  private giveBack(end: End): void {
    const { taken, other } = end
    end.taken = 0
    this.send(end, YAMUX_HEADER, () => {
      if (other === undefined) return
      other.credit += taken
      if (other.waiting.length > 0) other.streams.flush(other)
    })
  }

  reset(stream: StreamId): void {
    const end = this.ends.get(stream)
    if (end === undefined) return
    this.forget(end)
    this.send(end, YAMUX_HEADER, () => {
      if (end.other !== undefined) end.other.streams.closed(end.other, 'reset')
    })
  }

  pause(stream: StreamId): void {
    const end = this.ends.get(stream)
    if (end !== undefined) end.paused = true
  }

  resume(stream: StreamId): void {
    const end = this.ends.get(stream)
    if (end === undefined || !end.paused) return
    end.paused = false
    const { kept, keptEnd } = end
    end.kept = []
    end.keptEnd = false
    this.report(end, kept, keptEnd)
  }

  /** The other side has closed each of its streams, in good order. One that is being opened to it gets no answer any more. */
  onLinkEnding(side: Side): void {
    for (const end of [...this.ends.values()]) {
      if (end.side !== side) continue
      if (!end.opened) this.closed(end, 'closed')
      else if (!end.remoteEnded) this.receive(end, [], true)
    }
  }

  /** The link is gone, and every stream on it. */
  onLinkClosed(side: Side): void {
    for (const end of this.ends.values()) if (end.side === side) this.closed(end, 'lost')
    this.inbound.delete(side)
  }

  private closeWhenOver(end: End): void {
    if (end.ended && end.remoteEnded) this.closed(end, 'closed')
  }

  private closed(end: End, reason: 'closed' | 'reset' | 'lost'): void {
    if (this.ends.get(end.id) !== end) return
    this.forget(end)
    const stream = end.id
    if (!end.opened) {
      const failure = { message: 'the stream was refused or the connection lost' }
      this.emit({ type: 'streamOpenFailed', stream, reason: reason === 'lost' ? 'lost' : 'failed', failure })
      return
    }
    this.emit({ type: 'streamClosed', stream, reason })
  }

  private forget(end: End): void {
    this.ends.delete(end.id)
    if (!end.inbound) return
    const open = this.inbound.get(end.side)
    if (open !== undefined) this.inbound.set(end.side, open - 1)
  }

  private send(end: End, size: number, arrive: () => void): void {
    end.side.link.send(end.side, size, arrive)
  }
}
