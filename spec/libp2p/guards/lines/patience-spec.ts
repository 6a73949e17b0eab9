/** Whoever has to wait: for how long, and when it is hung up on. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { MessageStream, StreamMessageEvent } from '@libp2p/interface'
import { StreamMessageEvent as MessageOf } from '@libp2p/interface'
import { MUXER } from '../../../../src/libp2p/defaults.js'
import { Guarded } from '../../../../src/libp2p/guards/lines/guarded.js'
import { FrameFlag, FrameType } from '../../../../src/wire/yamux.js'

/** A connection that says again what was put back, as soon as it is read on. */
class Line extends EventTarget {
  readonly direction = 'outbound'
  isOver = false
  private left: StreamMessageEvent['data'] | undefined

  say(data: StreamMessageEvent['data']): void {
    this.dispatchEvent(new MessageOf(data))
  }

  unshift(data: StreamMessageEvent['data']): void {
    this.left = data
  }

  pause(): void {
    // Nothing comes until it is read on.
  }

  resume(): void {
    const { left } = this
    this.left = undefined
    if (left !== undefined) this.say(left)
  }

  abort(): void {
    this.isOver = true
    this.dispatchEvent(new Event('close'))
  }
}

/** The frame that opens a stream. */
function opening(stream: number): Uint8Array {
  const header = Buffer.alloc(12)
  header.writeUInt8(FrameType.WINDOW, 1)
  header.writeUInt16BE(FrameFlag.SYN, 2)
  header.writeUInt32BE(stream, 4)
  return header
}

describe('a connection that may open no more streams for now', () => {
  beforeEach(() => void jest.useFakeTimers())
  afterEach(() => void jest.useRealTimers())

  /** One that is told to wait again and again, by what it did itself or by others. */
  function waiting(isOwn: () => boolean): { line: Line; told: unknown[] } {
    const line = new Line()
    const told: unknown[] = []
    const openings = {
      ...{ take: () => 100, putBack: () => undefined },
      get isOwn() {
        return isOwn()
      },
    }
    const turn = { isFree: () => true, use: () => undefined }
    new Guarded(line as unknown as MessageStream, { openings, frames: openings }, turn, {
      refused: (what, how) => told.push([what, how]),
      opened: () => true,
      wait: (go) => void setTimeout(go, 0),
    })
    line.say(opening(2))
    return { line, told }
  }

  it('is hung up on when it goes on by itself', () => {
    const { line, told } = waiting(() => true)
    jest.advanceTimersByTime(MUXER.patience)
    expect(line.isOver).toBe(false)
    jest.advanceTimersByTime(1_000)
    expect(line.isOver).toBe(true)
    expect(told).toEqual([
      ['streamRate', { own: true }],
      ['streamRate', { own: true, hungUp: true }],
    ])
  })

  it('because of others waits as long as they go on, and is not blamed', () => {
    const { line, told } = waiting(() => false)
    jest.advanceTimersByTime(100 * MUXER.patience)
    expect(line.isOver).toBe(false)
    expect(told).toEqual([['streamRate', { own: false }]])
  })

  it('has its patience counted from when it goes on by itself', () => {
    let own = false
    const { line, told } = waiting(() => own)
    jest.advanceTimersByTime(10 * MUXER.patience)
    own = true
    jest.advanceTimersByTime(MUXER.patience)
    expect(line.isOver).toBe(false)
    jest.advanceTimersByTime(1_000)
    expect(line.isOver).toBe(true)
    expect(told).toHaveLength(3)
  })
})
