/** Compares what an observable did with what it should have done, and shows the difference. Knows no network and no clock. */
import { inspect, isDeepStrictEqual } from '../platform/assertions.js'
import { draw, nonsense, type Diagram, type Mark } from './diagrams.js'

/** Something that an observable did, or should do. */
export interface Sighting {
  /** Virtual ms since the beginning. */
  frame: number
  kind: Mark['kind']
  /** The value, or the error. */
  what?: unknown
  /** The character that stands for it in a diagram; something seen has none yet. */
  key?: string
}

/** What an error is expected to be: an error or any value that equals it, a pattern of its message, or some of its properties. */
export type ExpectedError = unknown

/** The values of a diagram's marks. @throws `InvalidConfig` for a mark that has none. */
export function fillIn(
  marbles: string,
  { marks }: Diagram,
  values?: Record<string, unknown>,
  error?: unknown,
): Sighting[] {
  return marks.map(({ frame, kind, key }): Sighting => {
    if (kind === 'error') return { frame, kind, key, what: error }
    return kind === 'complete' ? { frame, kind, key } : { frame, kind, key, what: valueOf(marbles, key, values) }
  })
}

/** Without values, a character stands for itself. */
export function valueOf<T>(marbles: string, key: string, values?: Record<string, T>): T {
  if (values === undefined) return key as T
  if (Object.hasOwn(values, key)) return values[key]!
  throw nonsense(marbles, `nothing says what ${key} is; there are ${Object.keys(values).join(', ') || 'no values'}`)
}

export function isSame(expected: Sighting, seen: Sighting): boolean {
  if (expected.frame !== seen.frame || expected.kind !== seen.kind) return false
  return expected.kind === 'error' ? fits(expected.what, seen.what) : isDeepStrictEqual(expected.what, seen.what)
}

/** `undefined`: any error. */
function fits(expected: ExpectedError, error: unknown): boolean {
  if (expected === undefined || isDeepStrictEqual(expected, error)) return true
  if (expected instanceof RegExp) return expected.test(error instanceof Error ? error.message : String(error))
  if (typeof expected !== 'object' || expected === null || expected instanceof Error) return false
  if (typeof error !== 'object' || error === null) return false
  return Object.entries(expected).every(([name, value]) => isDeepStrictEqual(value, (error as never)[name]))
}

export function areSame(expected: Sighting[], seen: Sighting[]): boolean {
  return expected.length === seen.length && expected.every((one, i) => isSame(one, seen[i]!))
}

const MOST_LINES = 40

/** Both as diagrams, and a line for each sighting: `-` is missing, `+` should not be. */
export function difference(expected: Sighting[], seen: Sighting[]): string {
  const named = nameSeen(expected, seen)
  const lines: string[] = []
  let i = 0
  let j = 0
  while (i < expected.length || j < named.length) {
    const [wanted, found] = [expected[i], named[j]]
    if (wanted && found && isSame(wanted, found)) {
      lines.push(`  ${tell(found)}`)
      i++
      j++
    } else if (wanted && (!found || wanted.frame <= found.frame)) {
      lines.push(`- ${tell(wanted)}`)
      i++
    } else {
      lines.push(`+ ${tell(found!)}`)
      j++
    }
  }
  // The equal beginning of a long list is left out.
  const first = Math.max(0, lines.findIndex((line) => !line.startsWith('  ')) - 5)
  const shown = lines.slice(first, first + MOST_LINES)
  if (first > 0) shown.unshift(`  … ${first} more that are the same`)
  if (first + MOST_LINES < lines.length) shown.push(`  … ${lines.length - first - MOST_LINES} more`)
  const pictures = [`expected: ${picture(expected)}`, `seen:     ${picture(named)}`]
  return [...pictures, ...shown].map((line) => `    ${line}`).join('\n')
}

/** Each sighting as one line: virtual ms, the character that stands for it, the value. */
export function tell({ frame, kind, what, key }: Sighting): string {
  const time = String(frame).padStart(7)
  if (kind === 'complete') return `${time}  |`
  if (kind === 'next') return key === what ? `${time}  ${String(what)}` : `${time}  ${key ?? '?'} = ${glimpse(what)}`
  if (what === undefined) return `${time}  # any error`
  return `${time}  # ${what instanceof Error ? tellError(what) : glimpse(what)}`
}

function tellError(error: Error & { code?: unknown }): string {
  return `${error.name}${typeof error.code === 'string' ? ` ${error.code}` : ''}: ${error.message}`
}

function picture(sightings: Sighting[]): string {
  const marks = sightings.map(({ frame, kind, key = '?' }): Mark => ({ frame, kind, key }))
  const text = draw(marks)
  return text === '' ? '(nothing)' : text.length > 300 ? `${text.slice(0, 300)} …` : text
}

/** What was seen, with the character of the expected value that it equals. */
export function nameSeen(expected: Sighting[], seen: Sighting[]): Sighting[] {
  return seen.map((one) => {
    if (one.kind !== 'next') return { ...one, key: one.kind === 'error' ? '#' : '|' }
    const known = expected.find(({ kind, what }) => kind === 'next' && isDeepStrictEqual(what, one.what))
    const itself = typeof one.what === 'string' && [...one.what].length === 1 ? one.what : '?'
    return { ...one, key: known?.key ?? itself }
  })
}

function glimpse(value: unknown): string {
  const text = inspect(value, { depth: 4, breakLength: Infinity, compact: true, maxArrayLength: 20 })
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
