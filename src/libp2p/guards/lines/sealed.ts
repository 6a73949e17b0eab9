/**
 * What comes over a connection is decrypted in turns of the event loop, by frames of Noise: each costs some µs, whatever is in it, before
 * anybody knows what it is. All messages begin with their length, those of the handshake too
 * (https://github.com/libp2p/specs/blob/master/noise/README.md#wire-format), and behind the handshake everything waits until it is done. The
 * last word of a handshake is read in a turn of its own, because what follows from it takes some milliseconds.
 */
import type { MessageStream, StreamMessageEvent } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { createBucket, take } from '../../../core/limits/rate.js'
import { SEALED } from '../../defaults.js'
import type { Blame } from '../refusals.js'
import { hearFirst } from './first.js'
import type { HandshakeTurns } from './handshake-turns.js'
import { Holding } from './holding.js'
import type { Taking } from './openings.js'
import type { Turn } from './turns.js'

interface Listener {
  refused(what: 'frameRate' | 'frameWaste', how: Blame & { hungUp?: boolean }): void
  /** Calls back when others have had their turn. */
  wait(go: () => void): void
}

export class Sealed {
  private readonly holding: Holding
  private readonly empties = createBucket()
  private rate: Taking | undefined
  private listener: Listener | undefined
  /** Messages of the handshake that are still to come. */
  private greetings: number
  /** The last of them has its turn. */
  private isLast = false
  /** The first byte of a length; -1: none is there. */
  private high = -1
  /** Bytes of a frame that are still to come. */
  private left = 0
  private now = 0
  /** Why it waits: for so long, ms, or for others. */
  private wait = 0
  private isOver = false

  /** To be made before the handshake, in which whoever dials says two messages, and the other one says one. */
  constructor(
    private readonly connection: MessageStream,
    isDialled: boolean,
    private readonly turn: Turn,
    private readonly handshakeTurns: Pick<HandshakeTurns, 'wait'>,
  ) {
    this.greetings = isDialled ? 1 : 2
    this.holding = new Holding(connection)
    hearFirst(connection, (event) => this.received(event))
  }

  /** The handshake is done. */
  open(rate: Taking, listener: Listener): void {
    this.rate = rate
    this.listener = listener
    this.holding.release()
  }

  private received(event: StreamMessageEvent): void {
    if (this.isOver || this.holding.keeps(event)) return event.stopImmediatePropagation()
    const { data } = event
    const chunks = data instanceof Uint8Array ? [data] : [...data]
    this.now = performance.now()
    for (const [index, chunk] of chunks.entries()) {
      const read = this.read(chunk)
      if (read < 0) return event.stopImmediatePropagation()
      if (read === chunk.length) continue
      this.hold([chunk.subarray(read), ...chunks.slice(index + 1)])
      const out = chunks.slice(0, index)
      if (read > 0) out.push(chunk.subarray(0, read))
      if (out.length === 0) return event.stopImmediatePropagation()
      event.data = new Uint8ArrayList(...out)
      return
    }
  }

  /** Returns how many bytes may go on: up to a frame that may not; -1: the connection has ended. */
  private read(chunk: Uint8Array): number {
    let at = 0
    while (at < chunk.length) {
      if (this.left > 0) {
        const size = Math.min(this.left, chunk.length - at)
        this.left -= size
        at += size
      } else if (this.high < 0) {
        if (this.isWaiting()) return at
        this.high = chunk[at++]!
      } else {
        this.left = (this.high << 8) | chunk[at++]!
        this.high = -1
        if (!this.begin(this.left)) return -1
      }
    }
    return at
  }

  private isWaiting(): boolean {
    this.wait = 0
    if (this.rate === undefined) return this.greetings === 0 || (this.greetings === 1 && !this.isLast)
    if (!this.turn.isFree()) return true
    this.wait = this.rate.take(this.now)
    return this.wait > 0
  }

  private begin(length: number): boolean {
    if (this.rate === undefined) {
      this.greetings--
      return true
    }
    this.turn.use(SEALED.each + length / SEALED.bytesPerFrame)
    if (length > SEALED.tag || take(this.empties, SEALED.empties, this.now) === 0) return true
    this.isOver = true
    this.listener!.refused('frameWaste', { own: true, hungUp: true })
    this.connection.abort(new Error('the other side sends frames with nothing in them'))
    return false
  }

  private hold(rest: Uint8Array[]): void {
    const { wait, listener, rate } = this
    this.holding.hold(rest, (go) => {
      if (listener === undefined) {
        // Behind the handshake, until it is done.
        if (this.greetings === 0) return
        return this.handshakeTurns.wait('lastWord', this.connection, () => {
          // One that has ended needs no peer: its end may wait for its turn (ends.ts).
          if (this.connection.status !== 'open') return
          this.isLast = true
          go()
        })
      }
      if (wait === 0) return listener.wait(go)
      listener.refused('frameRate', { own: rate!.isOwn })
      setTimeout(go, wait).unref()
    })
  }
}
