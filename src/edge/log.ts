/** Where a node's log lines go: to the config's `logger`, or to standard error when the environment asks for it. */
import type { LogLevel } from '../core/effects.js'
import { environment } from '../platform/process.js'

/** One line of a node's log. */
export interface LogEntry {
  /** `error`, `warn`, `info` or `debug`. */
  level: LogLevel
  /** The text, on one line. */
  message: string
  /** The error that the line is about, if there is one. */
  cause?: unknown
}

export type Logger = (level: LogLevel, message: string, cause?: unknown) => void

/** The smaller, the more important. */
const RANKS: Record<LogLevel, number> = { error: 0, warn: 1, info: 2, debug: 3 }

/**
 * Without a `logger` a node is silent, unless `TINYP2P_LOG` names the least important level to print: `error`, `warn`,
 * `info` or `debug`. A `logger` that throws must not harm the node.
 */
export function createLogger(sink: ((entry: LogEntry) => void) | undefined): Logger {
  const write = sink ?? environmentSink()
  return (level, message, cause) => {
    try {
      write?.(cause === undefined ? { level, message } : { level, message, cause })
    } catch {
      // The user's logger failed: there is nowhere left to say so.
    }
  }
}

function environmentSink(): ((entry: LogEntry) => void) | undefined {
  const least = environment['TINYP2P_LOG'] ?? ''
  if (!Object.hasOwn(RANKS, least)) return undefined
  const wanted = RANKS[least as LogLevel]
  return ({ level, message, cause }) => {
    if (RANKS[level] > wanted) return
    console.error(`tinyp2p ${level} ${message}`, ...(cause === undefined ? [] : [cause]))
  }
}
