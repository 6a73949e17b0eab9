/** A stream of a line: multistream-select in one go, credit both ways, and what comes back. */
import { join } from '../../support/bytes.js'
import type { Context } from '../attacks/attack.js'
import { data, FIN, FIRST_WINDOW, header, MULTISTREAM, RST, SYN, DATA, window, word } from './frames.js'
import type { Line, Serve } from './line.js'

/** No frame of ours is larger. */
const PIECE = 64 * 1024

export class LineStream {
  /** What comes, behind the words of multistream-select. */
  onData: ((bytes: Uint8Array) => void) | undefined
  /** The victim may send on: what has come is given back as credit. */
  reads = true
  isOpen = true
  private credit = FIRST_WINDOW
  private words: Uint8Array | undefined = new Uint8Array()
  private serve: Serve | undefined
  private isOurs = true
  private readonly waiting = new Set<() => void>()

  constructor(
    readonly id: number,
    private readonly line: Line,
    private readonly context: Context,
    public protocol = '',
  ) {}

  static inbound(id: number, line: Line, context: Context, serve: Serve): LineStream {
    const stream = new LineStream(id, line, context)
    stream.serve = serve
    stream.isOurs = false
    return stream
  }

  open(first: Uint8Array): void {
    this.credit -= first.length
    this.line.push(data(this.id, first, SYN))
  }

  /** Sends all of it, as credit allows. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && this.isOpen && !this.context.signal.aborted;) {
      if (this.credit === 0) {
        await this.more()
        continue
      }
      const piece = bytes.subarray(at, at + Math.min(PIECE, this.credit))
      this.credit -= piece.length
      at += piece.length
      await this.line.send(data(this.id, piece))
    }
  }

  /** A frame of these bytes, to be sent with others; `undefined`: there is no credit for it. */
  frame(bytes: Uint8Array): Uint8Array | undefined {
    if (this.credit < bytes.length) return undefined
    this.credit -= bytes.length
    return data(this.id, bytes)
  }

  end(): void {
    this.line.push(header(DATA, FIN, this.id, 0))
  }

  abort(): void {
    this.line.push(header(DATA, RST, this.id, 0))
    this.over()
  }

  /** The other side has reset it. */
  reset(): void {
    if (this.isOurs) this.context.fate.refused('stream reset')
    this.over()
  }

  over(): void {
    this.isOpen = false
    this.line.forget(this.id)
    for (const wake of this.waiting) wake()
  }

  credited(amount: number): void {
    this.credit += amount
    for (const wake of this.waiting) wake()
  }

  hear(bytes: Uint8Array): void {
    if (this.reads) this.line.push(window(this.id, bytes.length))
    if (this.words === undefined) return this.onData?.(bytes)
    this.words = join(this.words, bytes)
    for (let text = this.nextWord(); text !== undefined; text = this.nextWord()) {
      if (text === 'na') this.context.fate.refused('protocol not spoken')
      if (this.serve !== undefined) this.negotiate(text)
      else if (text !== MULTISTREAM) return this.agreed()
    }
  }

  /** What a listener says to each word. */
  private negotiate(text: string): void {
    const known = Object.hasOwn(this.serve!, text)
    this.line.push(data(this.id, word(text === MULTISTREAM || known ? text : 'na')))
    if (!known) return
    this.protocol = text
    const serve = this.serve![text]!
    this.serve = undefined
    serve(this)
    this.agreed()
  }

  private agreed(): void {
    const rest = this.words!
    this.words = undefined
    if (rest.length > 0) this.onData?.(rest)
  }

  private nextWord(): string | undefined {
    const { words } = this
    if (words === undefined || words.length === 0) return undefined
    const long = words[0]! > 127
    if (long && words.length < 2) return undefined
    const size = long ? (words[0]! & 127) | (words[1]! << 7) : words[0]!
    const start = long ? 2 : 1
    if (words.length < start + size) return undefined
    this.words = words.subarray(start + size)
    return Buffer.from(words.subarray(start, start + size - 1)).toString()
  }

  private async more(): Promise<void> {
    const over = this.context.fate.waits()
    let wake = (): void => undefined
    const woken = new Promise<void>((resolve) => this.waiting.add((wake = resolve)))
    await Promise.race([woken, this.context.over])
    this.waiting.delete(wake)
    over()
  }
}
