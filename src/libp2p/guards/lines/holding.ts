/** Bytes of a connection that are read later. What others pause stays paused meanwhile, and what waits here is not read when they go on. */
import type { MessageStream, StreamMessageEvent } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'

export class Holding {
  private isHeld = false
  /** Others have paused it. */
  private isPaused = false
  private isResuming = false
  /** What has come meanwhile and waits. */
  private kept: (Uint8Array | Uint8ArrayList)[] = []
  private readonly pause: () => void
  private readonly resume: () => void

  constructor(private readonly connection: MessageStream) {
    this.pause = connection.pause.bind(connection)
    this.resume = connection.resume.bind(connection)
    connection.pause = () => {
      this.isPaused = true
      this.update()
    }
    connection.resume = () => {
      this.isPaused = false
      this.update()
    }
  }

  /** What comes now waits behind what waits already. */
  keeps({ data }: StreamMessageEvent): boolean {
    if (this.isHeld) this.keep([data])
    return this.isHeld
  }

  /** `plan` is called with what reads on. */
  hold(rest: Uint8Array[], plan: (go: () => void) => void): void {
    this.isHeld = true
    this.update()
    this.keep(rest)
    plan(() => this.release())
  }

  private keep(rest: (Uint8Array | Uint8ArrayList)[]): void {
    if (this.isResuming) this.kept.push(...rest)
    else this.connection.unshift(new Uint8ArrayList(...rest))
  }

  release(): void {
    if (!this.isHeld) return
    this.isHeld = false
    try {
      this.update()
    } catch {
      // It has ended meanwhile.
    }
  }

  private isStill(): boolean {
    return this.isHeld || this.isPaused
  }

  private update(): void {
    if (this.isResuming) return
    if (this.isStill()) return this.pause()
    this.isResuming = true
    try {
      this.resume()
    } finally {
      this.isResuming = false
    }
    // libp2p lets the socket go on after what was left was read, whatever was paused meanwhile.
    if (this.isStill()) this.pause()
    const { kept } = this
    this.kept = []
    if (kept.length > 0) this.connection.unshift(new Uint8ArrayList(...kept))
  }
}
