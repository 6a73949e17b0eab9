/**
 * SipHash-c-d (https://cr.yp.to/siphash/siphash-20120918.pdf): 64 bits of hash over bytes that come in pieces.
 * The 64-bit words are pairs of 32-bit halves, because a BigInt for each step costs some thirty times as much.
 */

/** The rounds of a variant: `compression` for each 8-byte word, `finalization` at the end. */
export interface SipRounds {
  readonly compression: number
  readonly finalization: number
}

/** A hash in progress. Single use: `update` any number of times, then read `digest` once. */
export class SipHash {
  private readonly rounds: SipRounds
  private v0lo: number
  private v0hi: number
  private v1lo: number
  private v1hi: number
  private v2lo: number
  private v2hi: number
  private v3lo: number
  private v3hi: number
  /** Bytes of the word that is not complete yet, the first one lowest. */
  private tailLo = 0
  private tailHi = 0
  /** How many bytes came in all. */
  private length = 0

  /** `key`: 16 bytes; all zero where none is given. */
  constructor(rounds: SipRounds, key?: Uint8Array) {
    this.rounds = rounds
    const k0lo = key ? word(key, 0) : 0
    const k0hi = key ? word(key, 4) : 0
    const k1lo = key ? word(key, 8) : 0
    const k1hi = key ? word(key, 12) : 0
    // "somepseudorandomlygeneratedbytes"
    this.v0lo = k0lo ^ 0x70736575
    this.v0hi = k0hi ^ 0x736f6d65
    this.v1lo = k1lo ^ 0x6e646f6d
    this.v1hi = k1hi ^ 0x646f7261
    this.v2lo = k0lo ^ 0x6e657261
    this.v2hi = k0hi ^ 0x6c796765
    this.v3lo = k1lo ^ 0x79746573
    this.v3hi = k1hi ^ 0x74656462
  }

  update(bytes: Uint8Array): this {
    const end = bytes.length
    let at = 0
    while (at < end && (this.length & 7) !== 0) this.push(bytes[at++]!)
    for (; at + 8 <= end; at += 8) {
      this.length += 8
      this.compress(word(bytes, at), word(bytes, at + 4))
    }
    while (at < end) this.push(bytes[at++]!)
    return this
  }

  /** The hash, as an unsigned 64-bit number. */
  digest(): bigint {
    this.compress(this.tailLo, this.tailHi | ((this.length & 0xff) << 24))
    this.v2lo ^= 0xff
    this.mix(this.rounds.finalization)
    const lo = (this.v0lo ^ this.v1lo ^ this.v2lo ^ this.v3lo) >>> 0
    const hi = (this.v0hi ^ this.v1hi ^ this.v2hi ^ this.v3hi) >>> 0
    return (BigInt(hi) << 32n) | BigInt(lo)
  }

  private push(byte: number): void {
    const place = this.length++ & 7
    if (place < 4) this.tailLo |= byte << (place * 8)
    else this.tailHi |= byte << ((place - 4) * 8)
    if (place < 7) return
    this.compress(this.tailLo, this.tailHi)
    this.tailLo = 0
    this.tailHi = 0
  }

  private compress(lo: number, hi: number): void {
    this.v3lo ^= lo
    this.v3hi ^= hi
    this.mix(this.rounds.compression)
    this.v0lo ^= lo
    this.v0hi ^= hi
  }

  /** `rounds` times SipRound. The variables live in locals while it runs; halves stay signed integers. */
  private mix(rounds: number): void {
    let { v0lo, v0hi, v1lo, v1hi, v2lo, v2hi, v3lo, v3hi } = this
    for (; rounds > 0; rounds--) {
      let lo: number
      let hi: number

      // v0 += v1; v1 = v1 <<< 13; v1 ^= v0; v0 = v0 <<< 32
      lo = (v0lo + v1lo) | 0
      hi = (v0hi + v1hi + carry(lo, v1lo)) | 0
      v0lo = hi
      v0hi = lo
      const r1lo = (v1lo << 13) | (v1hi >>> 19)
      v1hi = ((v1hi << 13) | (v1lo >>> 19)) ^ hi
      v1lo = r1lo ^ lo

      // v2 += v3; v3 = v3 <<< 16; v3 ^= v2
      v2lo = (v2lo + v3lo) | 0
      v2hi = (v2hi + v3hi + carry(v2lo, v3lo)) | 0
      const r3lo = (v3lo << 16) | (v3hi >>> 16)
      v3hi = ((v3hi << 16) | (v3lo >>> 16)) ^ v2hi
      v3lo = r3lo ^ v2lo

      // v0 += v3; v3 = v3 <<< 21; v3 ^= v0
      v0lo = (v0lo + v3lo) | 0
      v0hi = (v0hi + v3hi + carry(v0lo, v3lo)) | 0
      const s3lo = (v3lo << 21) | (v3hi >>> 11)
      v3hi = ((v3hi << 21) | (v3lo >>> 11)) ^ v0hi
      v3lo = s3lo ^ v0lo

      // v2 += v1; v1 = v1 <<< 17; v1 ^= v2; v2 = v2 <<< 32
      lo = (v2lo + v1lo) | 0
      hi = (v2hi + v1hi + carry(lo, v1lo)) | 0
      v2lo = hi
      v2hi = lo
      const s1lo = (v1lo << 17) | (v1hi >>> 15)
      v1hi = ((v1hi << 17) | (v1lo >>> 15)) ^ hi
      v1lo = s1lo ^ lo
    }
    this.v0lo = v0lo
    this.v0hi = v0hi
    this.v1lo = v1lo
    this.v1hi = v1hi
    this.v2lo = v2lo
    this.v2hi = v2hi
    this.v3lo = v3lo
    this.v3hi = v3hi
  }
}

/** What a sum of lower halves hands to the upper one: a sum that wrapped is smaller than either part. */
function carry(sum: number, part: number): number {
  return sum >>> 0 < part >>> 0 ? 1 : 0
}

/** Four bytes, little-endian, as a signed half. */
function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}
