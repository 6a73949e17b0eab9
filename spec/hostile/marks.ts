/**
 * Which goals an attack breaks today. `fails`: it breaks them; the spec wants one of them broken, so who mends the fault takes the mark
 * away. `varies`: it breaks them in some runs. An attack that is not here meets all goals, but for `nothing` where the machine is busy.
 */
import type { Goal } from './goals.js'

export interface Marks {
  fails?: Goal[]
  varies?: Goal[]
}

export const MARKS: Record<string, Marks> = {
  'sockets-silent-many': { varies: ['p99', 'stall'] },
  'streams-half-negotiated': { varies: ['p99', 'back'] },
  'streams-unknown-kept': { varies: ['p99'] },
  'streams-many-words': { varies: ['p99'] },
  'reset-nothing': { varies: ['stall'] },
  'answers-unread': { fails: ['p99', 'memory', 'stall', 'attacker'] },
  'answers-unread-four': { fails: ['p99', 'answered', 'strangers', 'memory', 'back', 'stall', 'attacker'] },
  'answers-without-credit': { fails: ['p99', 'answered', 'memory', 'back', 'stall', 'attacker'] },
  'credit-zero': { fails: ['p99', 'answered', 'attacker'] },
  'values-stopped': { fails: ['p99', 'answered', 'attacker'], varies: ['strangers'] },
  'handlers-dear-at-once': { fails: ['p99', 'answered', 'strangers', 'stall', 'attacker'] },
  'handlers-dear-steady': { fails: ['p99', 'answered', 'strangers', 'stall', 'attacker'] },
  'open-and-cancel': { fails: ['attacker'] },
  'cancel-work': { fails: ['attacker'], varies: ['p99', 'back', 'stall'] },
  'session-one-byte': { fails: ['attacker'], varies: ['stall'] },
  'session-skippable': { fails: ['attacker'] },
  'session-credits': { fails: ['attacker'] },
  goodbyes: { fails: ['attacker'] },
  'v1-slow': { fails: ['attacker'] },
  'v1-slow-four': { fails: ['p99', 'answered', 'strangers', 'back', 'stall', 'attacker'] },
  'v1-declared': { fails: ['p99', 'answered', 'strangers', 'attacker'] },
  'v1-paused': { fails: ['back', 'attacker'], varies: ['p99', 'memory'] },
  'v1-answers-unread': { fails: ['p99', 'memory', 'back', 'stall', 'attacker'] },
  'v1-flood': { fails: ['attacker'], varies: ['p99', 'stall', 'back'] },
  'gossip-iwant-large': { fails: ['attacker'] },
  'gossip-mesh': { fails: ['attacker'] },
  'gossip-bad-signatures': { varies: ['stall'] },
  'kad-find-node': { fails: ['p99', 'stall', 'attacker'], varies: ['back'] },
  'kad-get-providers': { fails: ['p99', 'answered', 'strangers', 'stall', 'attacker'] },
  'kad-get-value': { fails: ['attacker'] },
  'kad-ping': { fails: ['p99', 'stall', 'attacker'], varies: ['back'] },
  'kad-add-provider': { fails: ['p99', 'back', 'stall', 'attacker'] },
  'kad-add-provider-large': { fails: ['p99', 'memory', 'back', 'stall'] },
  'kad-provider-addresses': { fails: ['p99', 'answered', 'strangers', 'stall', 'attacker'] },
  'kad-put-value': { fails: ['attacker'], varies: ['p99', 'back'] },
  'kad-put-value-large': { fails: ['memory', 'back', 'attacker'], varies: ['stall'] },
  'kad-liar-5000': { fails: ['p99', 'strangers', 'stall', 'attacker'], varies: ['back'] },
  'kad-liar-50000': { fails: ['p99', 'answered', 'strangers', 'memory', 'back', 'stall', 'attacker'] },
  'kad-liars': { fails: ['p99', 'answered', 'strangers', 'back', 'stall', 'attacker'] },
  churn: { varies: ['p99', 'stall'] },
  'identify-asks': { fails: ['p99', 'memory', 'back', 'stall', 'attacker'], varies: ['strangers'] },
  'identify-pushes': { fails: ['p99', 'strangers', 'stall', 'attacker'] },
  'identify-pushes-small': { fails: ['p99', 'stall', 'attacker'], varies: ['back'] },
  'identify-lies': { fails: ['attacker'] },
  'identify-huge': { fails: ['attacker'] },
  'ping-flood': { fails: ['attacker'] },
  'ping-large': { fails: ['back', 'attacker'], varies: ['memory'] },
  receipts: { fails: ['attacker'], varies: ['stall'] },
  twins: { fails: ['attacker'] },
  'large-blocked': { fails: ['attacker'] },
  'port-scan': { fails: ['attacker'], varies: ['stall'] },
  'addresses-of-another': { fails: ['attacker'] },
  'honest-large-answers': { fails: ['back'] },
  'honest-v1-streams': { varies: ['p99', 'stall'] },
}

/** The attacks of hostile-spec.ts: of each kind the worst, and what holds. */
export const CI: string[] = [
  'sockets-silent',
  'reset-session',
  'yamux-pings-unread',
  'yamux-declared',
  'answers-unread-four',
  'credit-zero',
  'handlers-dear-steady',
  'v1-declared',
  'gossip-dear-secp256k1',
  'kad-find-node',
  'kad-put-value-large',
  'session-garbage',
  'honest-v1-streams',
]

export function isKnown(name: string, goal: Goal): boolean {
  const { fails = [], varies = [] } = MARKS[name] ?? {}
  return fails.includes(goal) || varies.includes(goal)
}
