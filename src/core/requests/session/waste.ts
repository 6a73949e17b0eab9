/**
 * Frames that say nothing, or nothing any more. Some are sent in good faith: what they are about has ended meanwhile. They cost little,
 * but whoever sends nothing else is no peer.
 */
import type { Violation } from '../../../wire/session/reader.js'
import { take, type PerSecond } from '../../limits/rate.js'
import type { Sender, Session } from './state.js'

/** Nobody who asks as fast as a processor can sends half as many of them in good faith. */
const MOST: PerSecond = 20_000
/** A piece of a value that is smaller than this, and not the last, carries next to nothing, bytes. */
export const CRUMB = 64

/** Counts one of them. */
export function waste({ wasted }: Session<Sender>, now: number): Violation | undefined {
  return take(wasted, MOST, now) === 0 ? undefined : 'too many of its frames say nothing'
}
