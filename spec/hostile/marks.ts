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
  // Many connections or streams that begin at once: some of them cost a turn of the event loop more than it should.
  'sockets-silent-many': { varies: ['p99', 'stall'] },
  'identities-busy': { varies: ['stall'] },
  'identities-many-addresses': { varies: ['p99', 'stall'] },
  'streams-half-negotiated': { varies: ['p99', 'back'] },
  'streams-half-negotiated-each': { varies: ['back'] },
  'reset-nothing': { varies: ['stall'] },
  churn: { varies: ['p99', 'stall'] },
  'v1-slow-four': { varies: ['p99', 'back', 'stall'] },
  'v1-paused': { varies: ['p99', 'back'] },
  'v1-answers-unread': { varies: ['p99', 'back', 'stall'] },
  'v1-flood': { varies: ['p99', 'stall', 'back'] },
  'v1-answers-partial': { varies: ['p99', 'back', 'stall'] },
  'honest-v1-streams': { varies: ['p99', 'stall'] },
  // Each byte of it is a frame, which every layer handles by itself.
  'noise-ones': { varies: ['p99', 'stall'] },
  // A handler that computes for 50 ms stops everything for 50 ms.
  'handlers-dear-at-once': { varies: ['p99', 'stall'] },
  'handlers-dear-steady': { varies: ['p99', 'stall'] },
  'handlers-dear-fresh': { varies: ['p99', 'stall'] },
  'ends-at-once': { varies: ['p99', 'stall'] },
  'answers-endless': { varies: ['stall'] },
  'answers-endless-four': { varies: ['stall'] },
  // Buffers that are free, and not given back yet.
  'answers-partial': { varies: ['back', 'stall'] },
  'answers-partial-forty': { varies: ['back', 'stall'] },
  // What is cached of them goes when others need the room.
  'answers-without-credit': { varies: ['back'] },
  'gossip-topics-many': { varies: ['stall'] },
  'gossip-valid': { varies: ['back', 'stall'] },
  'gossip-bad-signatures': { varies: ['stall'] },
  'honest-large-answers': { varies: ['back'] },
  'kad-ping': { varies: ['stall'] },
  'history-at-once': { varies: ['p99'] },
  receipts: { varies: ['stall'] },
}

/** The attacks of hostile-spec.ts: of each kind the worst, and what holds. */
export const CI: string[] = [
  'sockets-silent',
  'reset-session',
  'yamux-pings-unread',
  'yamux-declared',
  'answers-unread-four',
  'answers-endless-four',
  'credit-zero',
  'handlers-dear-steady',
  'v1-declared',
  'gossip-dear-secp256k1',
  'kad-find-node',
  'kad-put-value-large',
  'kad-liar-5000',
  'connections-of-one',
  'session-garbage',
  'honest-v1-streams',
]

export function isKnown(name: string, goal: Goal): boolean {
  const { fails = [], varies = [] } = MARKS[name] ?? {}
  return fails.includes(goal) || varies.includes(goal)
}
