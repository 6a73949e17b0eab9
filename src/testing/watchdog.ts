/**
 * Says so when a test has asked a node for something and lets no virtual time pass, before the test runner gives up: a promise of a node that
 * is awaited without `until` never settles.
 */
import { emitWarning } from '../platform/process.js'

/** Real ms. The runners give up after 5,000 or later. */
const PATIENCE = 3_000

export class Watchdog {
  private timer: ReturnType<typeof setTimeout> | undefined
  private hasTold = false

  /** It has begun to stand still, with this under way. */
  start(what: string): void {
    if (this.timer !== undefined || this.hasTold) return
    this.timer = setTimeout(() => this.tell(what), PATIENCE)
    // It keeps no process alive. (In browsers it is a number.)
    ;(this.timer as { unref?: () => void }).unref?.()
  }

  /** Time passes. */
  stop(): void {
    clearTimeout(this.timer)
    this.timer = undefined
  }

  private tell(what: string): void {
    this.timer = undefined
    this.hasTold = true
    const advice = 'a simulated node needs await net.until(promise), or await net.run(ms)'
    emitWarning(`${what}, and no virtual time has passed for ${PATIENCE / 1_000} s: ${advice}`, 'TINYP2P_STANDSTILL')
  }
}
