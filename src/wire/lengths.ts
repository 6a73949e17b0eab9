/**
 * The lengths of messages that each begin with one, as a varint: is any of them larger than it may be? Whoever reads such messages a byte at a
 * time, as libp2p does, would read a length without an end for as long as its bytes come.
 */
import { varintLength } from './varint.js'

export class Lengths {
  private length = 0
  private bytes = 0
  /** Bytes of the message that are still to come. */
  private left = 0

  /** `most`: the largest length that is good, bytes. It may be changed at any time. */
  constructor(public most: number) {}

  /** Goes on reading. Returns at which of these bytes a length becomes too large, where it then reads on; -1: nowhere. */
  read(data: Uint8Array): number {
    for (let at = 0; at < data.length;) {
      if (this.left > 0) {
        const skipped = Math.min(this.left, data.length - at)
        this.left -= skipped
        at += skipped
        continue
      }
      const byte = data[at]!
      const length = this.length + (byte & 0x7f) * 0x80 ** this.bytes
      const goesOn = byte >= 0x80
      if (length > this.most || (goesOn && this.bytes + 1 >= varintLength(this.most))) return at
      at++
      this.length = goesOn ? length : 0
      this.bytes = goesOn ? this.bytes + 1 : 0
      if (!goesOn) this.left = length
    }
    return -1
  }
}
