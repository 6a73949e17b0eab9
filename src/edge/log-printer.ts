/** Lines of the log, and how they are on standard error, for people. */
import type { LogLevel } from '../core/effects.js'
import { environment } from '../platform/process.js'
import { printable } from '../wire/text.js'

/** One line of a node's log. */
export interface LogEntry {
  /** When it was written: ms since 1970, or on the node's own clock if its `scheduler` has another one, as in a simulation. */
  time: number
  /** `error`, `warn`, `info` or `debug`. */
  level: LogLevel
  /** Peer id of the node that wrote it; absent while it does not know that yet. */
  node?: string
  /** The node's `name`, where its config has one. In a simulation: `n1`, `n2` and so on. */
  name?: string
  /** Peer id of the peer that the line is about, where it is about one. */
  peer?: string
  /** The text, on one line, 1,000 characters at most, without control characters. */
  message: string
  /** The error that the line is about, if there is one. */
  cause?: unknown
}

/** The smaller, the more important. `off`: no line is. */
const RANKS: Readonly<Record<LogLevel | 'off', number>> = { off: -1, error: 0, warn: 1, info: 2, debug: 3 }
const DEFAULT_LEVEL = 'warn'
/** The most that is printed of a cause, and of a line of it, in UTF-16 units. */
const LONGEST_CAUSE = 4_000
const LONGEST_LINE = 1_000
/** Causes of causes that are printed. */
const DEEPEST = 5
/** A time after 2001 is one of the calendar, and any other one is that of a virtual clock, ms. */
const CALENDAR = 1e12
/** Peer ids of Ed25519, secp256k1 and RSA keys, but not as the end of an address, which one may want to copy. */
const PEER_ID =
  /(?<!\/p2p\/)\b(?:12D3KooW[1-9A-HJ-NP-Za-km-z]{44}|16Uiu2HA[1-9A-HJ-NP-Za-km-z]{45}|Qm[1-9A-HJ-NP-Za-km-z]{44})\b/g
const SHORT = 6

/** What the environment variable `TINYP2P_LOG` asks for. */
export interface Wanted {
  prints: (level: LogLevel) => boolean
  /** Why the variable is not followed. */
  mistake?: string
}

export function wantedLevel(): Wanted {
  const wanted = environment['TINYP2P_LOG'] ?? ''
  const isLevel = Object.hasOwn(RANKS, wanted)
  const most = RANKS[isLevel ? (wanted as LogLevel) : DEFAULT_LEVEL]
  const prints = (level: LogLevel): boolean => RANKS[level] <= most
  if (wanted === '' || isLevel) return { prints }
  const names = Object.keys(RANKS).join(', ')
  return { prints, mistake: `TINYP2P_LOG=${wanted} is no level: there are ${names}; ${DEFAULT_LEVEL} is used` }
}

/** The last characters of a peer id. (The first are the same in all.) */
export function shortId(peer: string): string {
  return `…${peer.slice(-SHORT)}`
}

/** `2026-11-30T12:43:20.123Z tinyp2p[…AbCdEf] warn: the message`, and its causes below it. */
export function printEntry({ time, level, name, node, message, cause }: LogEntry): void {
  const at = time >= CALENDAR ? new Date(time).toISOString() : `${(time / 1_000).toFixed(3)}s`
  const who = name ?? (node === undefined ? '' : shortId(node))
  const head = `${at} tinyp2p${who === '' ? '' : `[${who}]`} ${level}: ${message.replace(PEER_ID, shortId)}`
  console.error([head, ...causes(cause)].join('\n'))
}

/** With their stacks. */
function causes(cause: unknown): string[] {
  const texts: string[] = []
  for (let one = cause; one !== undefined && texts.length < DEEPEST; one = causeOf(one)) {
    texts.push(indented(textOf(one), texts.length === 0 ? '  ' : '  caused by: '))
  }
  return texts
}

/** Foreign code is behind an error: any part of it may throw. */
function textOf(error: unknown): string {
  try {
    const { stack } = (error ?? {}) as Partial<Error>
    return (typeof stack === 'string' ? stack : String(error)).slice(0, LONGEST_CAUSE)
  } catch {
    return 'an error that cannot be read'
  }
}

function causeOf(error: unknown): unknown {
  try {
    return ((error ?? {}) as Partial<Error>).cause
  } catch {
    return undefined
  }
}

/** Each line of it printable: an error may have a stranger's text in it. */
function indented(text: string, head: string): string {
  return text
    .split('\n')
    .map((one, i) => (i === 0 ? head : '  ') + printable(one, LONGEST_LINE))
    .join('\n')
}
