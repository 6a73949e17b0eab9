/** Who may come in: the part of the state that src/core/access/ owns. */
import { IdMap, type Deadlines } from '../id-map.js'
import { createLists, type AccessEnd, type AccessLists } from './lists.js'
import type { AuditKind } from './audit-event.js'

/** The lists. changing.ts changes it. */
export interface Access {
  lists: AccessLists
  /** The ends of entries, the next one last. Some are not those of their entries any more. */
  ends: AccessEnd[]
}

/** The application is asked whether a peer may come in. */
export interface Authorization {
  readonly id: number
  readonly peer: string
  readonly address: string
  readonly inbound: boolean
  /** What it shares with all who are where it is. */
  readonly range: string
  /** The visits that wait for the answer. */
  visits: number[]
  readonly since: number
  /** When the application was asked; `undefined`: it waits for its turn. */
  askedAt: number | undefined
  /** Of its deadline, ms. */
  timeout: number
}

/** authorizing.ts changes it. */
export interface Authorizing {
  open: IdMap<Authorization>
  deadlines: Deadlines
  /** Peer and IP address → the question about it. So are the names of the others here. */
  byName: Map<string, number>
  /** Those that the application has been asked about. */
  asked: number
  nextId: number
  /** Range → how many of it are open. */
  ranges: Map<string, number>
  /** Range → those of it that wait, the oldest first. The range whose turn it is comes first. */
  turns: Map<string, number[]>
  /** How long answers take, in the mean of late, ms. */
  answersTake: number
  /** Peers that were admitted a moment ago, and may not be connected yet → until when, ms. */
  admitted: Map<string, { peer: string; address: string; until: number }>
  /** Peers that were not admitted a moment ago, and are not asked about again → until when, ms. */
  declined: Map<string, number>
}

/** What a peer, or a place, has done against our protocols. offences.ts changes it. */
export interface Offender {
  /** They fade away with time. */
  points: number
  at: number
  /** How often it was banned: the next time is twice as long. */
  bans: number
}

/** A peer that is to be banned. */
export interface Due {
  /** What it did last. */
  readonly what: string
  /** Where it was then, as far as the place may be banned. */
  readonly places: ReadonlySet<string>
}

/** offences.ts changes it. */
export interface Offenders {
  /** The one that offended last is the last. */
  peers: Map<string, Offender>
  /** Places of inbound connections, as prefixes. */
  places: Map<string, Offender>
  /** Peers that are banned at the end of the step. */
  due: Map<string, Due>
}

/** What happened at the door, and was more than is told. audit.ts changes it. */
export interface Audit {
  /** Kind → when its bucket (limits/rate.ts) is empty, ms. */
  emptyAt: Map<AuditKind, number>
  missed: Map<AuditKind, number>
  /** Peers that were not let in: how often, when last, and why then. The one that came last is the last. */
  turnedAway: Map<string, { count: number; at: number; message: string }>
}

export interface AccessState {
  access: Access
  authorizing: Authorizing
  offenders: Offenders
  audit: Audit
}

export function createAccessState(): AccessState {
  return {
    access: { lists: createLists(), ends: [] },
    authorizing: {
      open: new IdMap(),
      deadlines: new IdMap(),
      byName: new Map(),
      asked: 0,
      nextId: 1,
      ranges: new Map(),
      turns: new Map(),
      answersTake: 0,
      admitted: new Map(),
      declined: new Map(),
    },
    offenders: { peers: new Map(), places: new Map(), due: new Map() },
    audit: { emptyAt: new Map(), missed: new Map(), turnedAway: new Map() },
  }
}
