/**
 * Marble diagrams as data: RxJS's syntax with time progression (`20ms a 5s b`; one frame is one virtual millisecond), parsed
 * by RxJS's own TestScheduler, and errors for diagrams that it would accept although they cannot be meant. Knows no network.
 */
import { TestScheduler } from 'rxjs/testing'
import { show } from '../edge/checks.js'
import { P2pError } from '../errors.js'

/** One thing in a diagram. */
export interface Mark {
  /** Virtual ms since the diagram's beginning. */
  frame: number
  kind: 'next' | 'error' | 'complete'
  /** As it is drawn: one character. */
  key: string
}

export interface Diagram {
  marks: Mark[]
  /** The last frame that is drawn, time at its end included: `a 5s` goes to 5,000. */
  end: number
}

export interface Subscribing {
  /** Frame of `^`; 0 without one. */
  from: number
  /** Frame of `!`; `Infinity` without one. */
  to: number
}

const TIME = String.raw`\d+(?:\.\d+)?(?:ms|s|m(?!s))`
const GLUED_AFTER = new RegExp(String.raw`(?:^|\s)(${TIME})\S`)
const GLUED_BEFORE = new RegExp(String.raw`[^\s\d.](${TIME})(?=\s|$)`)
const TIME_IN_GROUP = new RegExp(String.raw`\([^)]*(?:-|\s${TIME}\s)`)

/** A diagram of values, `|` and `#`. @throws `InvalidConfig` with the diagram and what is wrong with it. */
export function parseDiagram(marbles: string): Diagram {
  check(marbles)
  // What is drawn up to here takes one frame more than it has room for: `|` stands right behind it.
  const isOver = /[|#]/.test(marbles)
  const messages = atOneFrameAMillisecond(() => {
    return TestScheduler.parseMarbles(isOver ? `${marbles} ` : `${marbles} |`, undefined, undefined, false, true)
  })
  const marks = messages.map(({ frame, notification }): Mark => {
    if (!Number.isInteger(frame)) throw nonsense(marbles, 'the network knows whole milliseconds only')
    if (notification.kind === 'N') return { frame, kind: 'next', key: notification.value as string }
    return notification.kind === 'E' ? { frame, kind: 'error', key: '#' } : { frame, kind: 'complete', key: '|' }
  })
  const end = Math.max(0, isOver ? marks.at(-1)!.frame : marks.pop()!.frame - 1)
  return { marks, end }
}

/** When an observable is subscribed (`^`) and unsubscribed (`!`). @throws `InvalidConfig` for anything else. */
export function parseSubscription(marbles: string): Subscribing {
  if (typeof marbles !== 'string') throw nonsense(marbles, 'it must be a text')
  try {
    const { subscribedFrame, unsubscribedFrame } = atOneFrameAMillisecond(() =>
      TestScheduler.parseMarblesAsSubscriptions(marbles, true),
    )
    const from = subscribedFrame === Infinity ? 0 : subscribedFrame
    if (from > unsubscribedFrame) throw new Error('its ! comes before its ^')
    return { from, to: unsubscribedFrame }
  } catch (cause) {
    throw nonsense(marbles, cause instanceof Error ? cause.message : String(cause), cause)
  }
}

/** Draws what was seen as a diagram: `20ms a 4979ms (bc)`. */
export function draw(marks: readonly Mark[]): string {
  const parts: string[] = []
  let now = 0
  for (let i = 0; i < marks.length;) {
    const { frame } = marks[i]!
    let keys = ''
    for (; marks[i]?.frame === frame; i++) keys += marks[i]!.key
    if (frame > now) parts.push(`${frame - now}ms`)
    parts.push(keys.length > 1 ? `(${keys})` : keys)
    now = frame + (keys.length > 1 ? keys.length + 2 : 1)
  }
  return parts.join(' ')
}

/** Outside of `TestScheduler.run` one frame is ten milliseconds. */
function atOneFrameAMillisecond<T>(parse: () => T): T {
  const { frameTimeFactor } = TestScheduler
  TestScheduler.frameTimeFactor = 1
  try {
    return parse()
  } finally {
    TestScheduler.frameTimeFactor = frameTimeFactor
  }
}

function check(marbles: unknown): asserts marbles is string {
  if (typeof marbles !== 'string') throw nonsense(marbles, 'it must be a text')
  if (/[\^!]/.test(marbles)) {
    throw nonsense(marbles, '^ and ! say when something is subscribed: the second argument of expectObservable')
  }
  const glued = GLUED_AFTER.exec(marbles) ?? GLUED_BEFORE.exec(marbles)
  if (glued !== null) throw nonsense(marbles, `put a blank on both sides of ${glued[1]}`)
  let isInGroup = false
  for (const sign of marbles.replaceAll(/[^()]/g, '')) {
    if ((sign === '(') === isInGroup) throw nonsense(marbles, `there is a ${sign} too many`)
    isInGroup = !isInGroup
  }
  if (isInGroup) throw nonsense(marbles, 'a ( is never closed')
  if (TIME_IN_GROUP.test(marbles)) throw nonsense(marbles, 'no time passes within ( and )')
  if (/[|#][^)]*[^)\s-]/.test(marbles.replaceAll(new RegExp(String.raw`\s${TIME}(?=\s|$)`, 'g'), ''))) {
    throw nonsense(marbles, 'something comes after its end')
  }
}

export function nonsense(marbles: unknown, why: string, cause?: unknown): P2pError {
  return new P2pError('InvalidConfig', `the marbles ${show(marbles)} make no sense: ${why}`, { cause })
}
