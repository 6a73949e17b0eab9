/** A session of an attacker: frames by hand over a stream of a line, and what the victim refuses. */
import { FrameType, LAST } from '../../../src/wire/session/format.js'
import * as wire from '../../support/session.js'
import type { Context } from '../attacks/attack.js'
import type { Line } from './line.js'
import type { LineStream } from './line-stream.js'

export class Session {
  readonly stream: LineStream
  private id = 0
  private ended = 0
  private isOver = false
  private left: Uint8Array = new Uint8Array()

  /** `reads`: the answers are read, and refusals among them counted. */
  constructor(
    line: Line,
    private readonly context: Context,
    { reads = true }: { reads?: boolean } = {},
  ) {
    this.stream = line.stream(wire.SESSION, wire.hello({ 0: 7 }))
    this.stream.reads = reads
    if (reads) this.stream.onData = (bytes) => this.hear(bytes)
  }

  /** As one piece, to be sent with others. */
  request(payload: Uint8Array | string, asked: wire.Asked = {}): Uint8Array {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
    return wire.request(++this.id, bytes, { timeout: 600_000, credit: 2 ** 31, one: true, ...asked })
  }

  requests(amount: number, payload: Uint8Array | string, asked: wire.Asked = {}): Uint8Array {
    return wire.join(...Array.from({ length: amount }, () => this.request(payload, asked)))
  }

  /** Requests without a final frame. */
  get unanswered(): number {
    return this.id - this.ended
  }

  get last(): number {
    return this.id
  }

  send(...frames: Uint8Array[]): Promise<void> {
    return this.stream.send(wire.join(...frames))
  }

  /** So much was sent, as far as the victim has not ended the session. */
  did(amount: number): void {
    const { fate } = this.context
    fate.did(amount)
    if (this.stream.isOpen || this.isOver) return
    this.isOver = true
    fate.gone('session ended')
  }

  private refused(code: string): void {
    // That is what it asked for.
    if (code !== 'Cancelled') this.context.fate.refused(code)
  }

  /** Looks at heads and codes of frames only: answers may be large. */
  private hear(bytes: Uint8Array): void {
    let rest = this.left.length === 0 ? bytes : wire.join(this.left, bytes)
    for (;;) {
      const [length, start] = varint(rest, 0)
      if (start === 0 || rest.length < start + length) break
      const frame = rest.subarray(start, start + length)
      const [type, isLast] = [frame[0]! & 15, (frame[0]! & LAST) !== 0]
      if (type === FrameType.FAIL) this.refused(codeOf(frame))
      if (type === FrameType.FAIL || type === FrameType.END || (type === FrameType.REPLY && isLast)) this.ended++
      rest = rest.subarray(start + length)
    }
    this.left = rest.slice()
  }
}

function codeOf(frame: Uint8Array): string {
  const [, at] = varint(frame, 1)
  const [size, start] = varint(frame, at)
  return Buffer.from(frame.subarray(start, start + size)).toString()
}

/** The number at this place, and where it ends; 0: it is cut. */
function varint(bytes: Uint8Array, from: number): [number, number] {
  let value = 0
  for (let at = from, factor = 1; at < bytes.length; at++, factor *= 128) {
    value += (bytes[at]! & 127) * factor
    if (bytes[at]! < 128) return [value, at + 1]
  }
  return [0, 0]
}
