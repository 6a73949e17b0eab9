/** What the reason of a failed dial means, for somebody whose nodes do not find each other. */
import { scopeOf } from '../core/peers/scopes.js'

const ADVICE: readonly [RegExp, string][] = [
  [/\bECONNREFUSED\b/, 'nothing listens on this port'],
  [/\b(EHOSTUNREACH|ENETUNREACH|ENETDOWN)\b/, 'no way leads there from this machine'],
  [/^timed out$|\bETIMEDOUT\b/, 'nothing answers: the host is off, or a firewall drops what comes'],
  [/with another peer id/, 'the address is of a node that is there no more, or has lost its secret'],
]

/** The reason, and what it means where that is known. */
export function withAdvice(address: string, reason: string): string {
  const advice = ADVICE.find(([pattern]) => pattern.test(reason))?.[1]
  if (advice === undefined) return reason
  const here = scopeOf(address) === 'loopback' ? '; this address is of this machine itself' : ''
  return `${reason} (${advice}${here})`
}
