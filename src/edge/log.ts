/** Where a node's log lines go: to the config's `logger`, or to standard error. */
import type { LogLevel } from '../core/effects.js'
import { LogLines } from '../core/limits/log-lines.js'
import type { Said } from '../core/terms.js'
import { printable } from '../wire/text.js'
import { printEntry, wantedLevel, type LogEntry } from './log-printer.js'

export type { LogEntry, LogLevel }

/** For what strangers cannot cause. */
export type PlainLogger = (level: LogLevel, message: string, cause?: unknown) => void
export type Logger = (level: LogLevel, said: Said, cause?: unknown) => void

/** Who writes the lines, and when. */
export interface LogOptions {
  /** Peer id of the node, once it is known. */
  node?: () => string | undefined
  name?: string | undefined
  /** The time, ms. */
  now?: () => number
}

/** The longest line, in UTF-16 units. */
const LONGEST = 1_000

/**
 * Without a `logger`, warnings and errors go to standard error; the environment variable `TINYP2P_LOG` names another least level (`error`, `warn`,
 * `info`, `debug`), or `off`. `false`: nothing goes anywhere. A `logger` that throws must not harm the node.
 *
 * Strangers cause lines, and some of the text in them is theirs: of a kind there are at most 100 in a minute, and the next one says how
 * many were not told.
 */
export function createLogger(
  sink: ((entry: LogEntry) => void) | false | undefined,
  { node = () => undefined, name, now = Date.now }: LogOptions = {},
): Logger {
  if (sink === false) return () => undefined
  const { prints, mistake } = sink === undefined ? wantedLevel() : { prints: () => true }
  const write = sink ?? printEntry
  const lines = new LogLines()
  const tell = (level: LogLevel, { text, peer, untold, cause }: Line): void => {
    const id = node()
    const more = untold === 0 ? '' : ` (and ${untold} such lines before it that were not told)`
    const who = { ...(id !== undefined && { node: id }), ...(name !== undefined && { name }), ...(peer && { peer }) }
    const message = `${printable(text, LONGEST - more.length)}${more}`
    try {
      write({ time: now(), level, ...who, message, ...(cause !== undefined && { cause }) })
    } catch {
      // The user's logger failed: there is nowhere left to say so.
    }
  }
  if (mistake !== undefined) tell('warn', { text: mistake, untold: 0 })
  return (level, said, cause) => {
    if (!prints(level)) return
    const { kind, text, peer } = typeof said === 'string' ? { kind: said, text: said } : said
    const at = now()
    for (const over of lines.takeOver(at)) {
      if (prints('info')) tell('info', { text: `${over.untold} lines were not told: ${over.kind}`, untold: 0 })
    }
    const untold = lines.admit(`${level} ${kind}`, at)
    if (untold !== undefined) tell(level, { text, peer, untold, cause })
  }
}

interface Line {
  text: string
  peer?: string | undefined
  untold: number
  cause?: unknown
}
