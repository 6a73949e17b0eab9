/**
 * One connection under a muxer: its bytes pass frame-rules.ts before the muxer gets them. Whoever is too fast is not read for a while,
 * and whoever goes on, or says what nobody may say, is hung up on. Whoever waits because of others may wait as long as they go on.
 */
import type { MessageStream, Stream, StreamCloseEvent, StreamMessageEvent, StreamMuxer } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { YamuxReader } from '../../../wire/yamux.js'
import { MUXER } from '../../defaults.js'
import { FrameRules, type Refusal } from './frame-rules.js'
import { Holding } from './holding.js'
import type { Rates } from './openings.js'
import type { Turn } from './turns.js'
import type { Blame } from '../refusals.js'

/** Between two waits of one and the same excess, ms, there may be so long. */
const SAME = 1_000

interface Listener {
  /** `hungUp`: the connection is closed for that. */
  refused(what: Exclude<Refusal, 'turn'>, how: Blame & { hungUp?: boolean }): void
  /** The other side has opened it, and its protocol is not agreed upon yet. `false`: it has too many of them. */
  opened(stream: Stream): boolean
  /** Calls back when others have had their turn. */
  wait(go: () => void): void
}

/** An excess that goes on. */
class Spell {
  private since = 0
  private last = -Infinity

  /** There is another wait. Returns for how long it has been going on, ms; `undefined`: it begins. */
  note(now: number, wait: number): number | undefined {
    const goesOn = now - this.last <= SAME
    if (!goesOn) this.since = now
    this.last = now + wait
    return goesOn ? now - this.since : undefined
  }
}

export class Guarded {
  private readonly reader = new YamuxReader()
  private readonly rules: FrameRules
  /** Streams of the other side that are known here. */
  private readonly adopted = new WeakSet<Stream>()
  private isOver = false
  private readonly holding: Holding
  /** It is over a rate of its own, or over what it shares with others. */
  private readonly own = new Spell()
  private readonly others = new Spell()

  /** To be made before the muxer, which listens to the same events. */
  constructor(
    private readonly connection: MessageStream,
    private readonly rates: Rates,
    turn: Turn,
    private readonly listener: Listener,
  ) {
    this.rules = new FrameRules(connection.direction === 'outbound', rates, turn)
    this.holding = new Holding(connection)
    connection.addEventListener('message', (event) => this.received(event))
    connection.addEventListener('close', () => (this.isOver = true))
  }

  /** The muxer that has been made for it. */
  follow(muxer: StreamMuxer): void {
    const create: StreamMuxer['createStream'] = muxer.createStream.bind(muxer)
    muxer.createStream = async (options) => {
      const stream = await create(options)
      const id = Number(stream.id)
      this.rules.add(id)
      stream.addEventListener('close', () => this.rules.delete(id))
      return stream
    }
    // After the muxer has read the same bytes.
    this.connection.addEventListener('message', () => this.adopt(muxer.streams))
  }

  private received(event: StreamMessageEvent): void {
    if (this.isOver || this.holding.keeps(event)) return event.stopImmediatePropagation()
    const { data } = event
    const chunks = data instanceof Uint8Array ? [data] : [...data]
    const out: Uint8Array[] = []
    this.rules.now = performance.now()
    for (const [index, chunk] of chunks.entries()) {
      const read = this.reader.read(chunk, out, this.rules.see)
      if (read === chunk.length) continue
      if (!this.keep([chunk.subarray(read), ...chunks.slice(index + 1)])) return event.stopImmediatePropagation()
      break
    }
    if (out.length === 0) return event.stopImmediatePropagation()
    // Most often all of it goes on as it came.
    if (out.length !== chunks.length || out.some((chunk, index) => chunk !== chunks[index]))
      event.data = new Uint8ArrayList(...out)
  }

  /** What cannot go on now; `false`: never. */
  private keep(rest: Uint8Array[]): boolean {
    const { why, own, wait, now, hasEnded } = this.rules
    if (why !== 'turn') {
      const age = (own ? this.own : this.others).note(now, wait)
      if (hasEnded || (own && age !== undefined && age > MUXER.patience)) {
        this.end(why)
        return false
      }
      if (age === undefined) this.listener.refused(why, { own })
    }
    this.holding.hold(rest, (go) => {
      if (why === 'turn') this.listener.wait(go)
      else setTimeout(go, wait).unref()
    })
    return true
  }

  private end(why: Exclude<Refusal, 'turn'>): void {
    this.isOver = true
    this.listener.refused(why, { own: true, hungUp: true })
    this.connection.abort(new Error(`the other side breaks the rules of the muxer: ${why}`))
  }

  /** Of the streams that these bytes have opened, those are not there that were reset at once. */
  private adopt(streams: readonly Stream[]): void {
    const { opened } = this.rules
    if (opened.size === 0) return
    const found: Stream[] = []
    // Most often they are the last ones.
    for (let at = streams.length - 1; at >= 0 && opened.size > 0; at--) {
      if (opened.delete(Number(streams[at]!.id))) found.push(streams[at]!)
    }
    for (const id of opened) this.rules.delete(id)
    opened.clear()
    for (const stream of found.reverse()) if (!this.isOver && !this.adopted.has(stream)) this.take(stream)
  }

  private take(stream: Stream): void {
    const id = Number(stream.id)
    this.adopted.add(stream)
    this.rules.add(id)
    stream.addEventListener('close', ({ error }: StreamCloseEvent) => {
      this.rules.delete(id)
      if (error === undefined) this.rates.openings.putBack()
    })
    if (!this.listener.opened(stream) && this.rules.wasted(MUXER.empty) === 'end') this.end('frameWaste')
  }
}
