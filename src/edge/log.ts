/** Where a node's log lines go: to the config's `logger`, or to standard error when the environment asks for it. */
import type { LogLevel } from '../core/effects.js'
import { LogLines } from '../core/limits/log-lines.js'
import type { Said } from '../core/terms.js'
import { environment } from '../platform/process.js'
import { printable } from '../wire/text.js'

/** One line of a node's log. */
export interface LogEntry {
  /** `error`, `warn`, `info` or `debug`. */
  level: LogLevel
  /** The text, on one line, 1,000 characters at most, without control characters. */
  message: string
  /** The error that the line is about, if there is one. */
  cause?: unknown
}

/** For what strangers cannot cause. */
export type PlainLogger = (level: LogLevel, message: string, cause?: unknown) => void
export type Logger = (level: LogLevel, said: Said, cause?: unknown) => void

/** The smaller, the more important. */
const RANKS: Record<LogLevel, number> = { error: 0, warn: 1, info: 2, debug: 3 }
/** The longest line, in UTF-16 units, and the most that is printed of a cause. */
const LONGEST = 1_000
const LONGEST_CAUSE = 4_000

/**
 * Without a `logger` a node is silent, unless `TINYP2P_LOG` names the least important level to print: `error`, `warn`,
 * `info` or `debug`. A `logger` that throws must not harm the node.
 *
 * Strangers cause lines, and some of the text in them is theirs: of a kind there are at most 100 in a minute, and the next one says how
 * many were not told. `now`: the time, ms.
 */
export function createLogger(sink: ((entry: LogEntry) => void) | undefined, now: () => number = Date.now): Logger {
  const write = sink ?? environmentSink()
  if (write === undefined) return () => undefined
  const lines = new LogLines()
  const tell = (level: LogLevel, text: string, untold: number, cause: unknown): void => {
    const more = untold === 0 ? '' : ` (and ${untold} such lines before it that were not told)`
    const message = `${printable(text, LONGEST - more.length)}${more}`
    try {
      write(cause === undefined ? { level, message } : { level, message, cause })
    } catch {
      // The user's logger failed: there is nowhere left to say so.
    }
  }
  return (level, said, cause) => {
    const { kind, text } = typeof said === 'string' ? { kind: said, text: said } : said
    const at = now()
    for (const over of lines.takeOver(at))
      tell('info', `${over.untold} lines were not told: ${over.kind}`, 0, undefined)
    const untold = lines.admit(`${level} ${kind}`, at)
    if (untold !== undefined) tell(level, text, untold, cause)
  }
}

function environmentSink(): ((entry: LogEntry) => void) | undefined {
  const least = environment['TINYP2P_LOG'] ?? ''
  if (!Object.hasOwn(RANKS, least)) return undefined
  const wanted = RANKS[least as LogLevel]
  return ({ level, message, cause }) => {
    if (RANKS[level] > wanted) return
    console.error(`tinyp2p ${level} ${message}`, ...(cause === undefined ? [] : [textOf(cause)]))
  }
}

/** With its stack, each line of it made printable: an error may have a stranger's text in it. */
function textOf(cause: unknown): string {
  const { stack } = (cause ?? {}) as Partial<Error>
  const text = (typeof stack === 'string' ? stack : String(cause)).slice(0, LONGEST_CAUSE)
  return text
    .split('\n')
    .map((one) => printable(one))
    .join('\n')
}
