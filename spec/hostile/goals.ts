/** What a row of the hostile suite measures, and which goals that meets. Pure. */
import type { Outcome } from './tools/fate.js'

/** A phase of honest requests. */
export interface Asked {
  sent: number
  answered: number
  /** Of those that were answered, ms; one that was not counts as the slowest. */
  p50: number
  p99: number
  /** Code → how many of the others. */
  errors: Record<string, number>
}

export interface Joined {
  tried: number
  joined: number
  errors: Record<string, number>
}

/** What the victim says of its peers. */
export interface Told {
  /** Kind → how often something was refused, or dropped. */
  refused: Record<string, number>
  /** Requests of theirs that wait for their turn. */
  waiting: number
}

export interface Measured {
  name: string
  quiet: Asked
  attacked: Asked
  /** Behind the attack, for some seconds. */
  afterwards: Asked
  strangers: Joined
  /** Resident, MB: with all garbage collected before and after. */
  memory: { before: number; peak: number; after: number }
  /** How long after the attack its memory was back, s; `undefined`: it was not, in the time given. */
  back: number | undefined
  /** Longest of the event loop, ms. */
  stall: { quiet: number; attacked: number }
  attacker: Outcome
  told: Told
  /** Of the phases, s. */
  seconds: number
  /** The victim's process ended, and why. */
  died?: string
}

export type Goal = 'p99' | 'answered' | 'strangers' | 'memory' | 'back' | 'stall' | 'attacker' | 'own'

/** How much is still met. `GOALS` are those of docs/hostile.md; `WIDE` are what a busy machine cannot break by itself. */
export interface Limits {
  /** × quiet, and ms where that is less. */
  p99: { times: number; floor: number }
  /** Shares. */
  answered: number
  strangers: number
  /** More than before, MB. */
  memory: number
  back: number
  /** ms, or × the longest of the quiet phase. */
  stall: { ms: number; times: number }
}

export const GOALS: Limits = {
  p99: { times: 3, floor: 20 },
  answered: 1,
  strangers: 0.9,
  memory: 256,
  back: 64,
  stall: { ms: 50, times: 2 },
}

export const WIDE: Limits = {
  p99: { times: 8, floor: 250 },
  answered: 0.98,
  strangers: 0.6,
  memory: 384,
  back: 192,
  stall: { ms: 400, times: 5 },
}

/** The attacker has to feel something within this time, ms. */
export const FELT_WITHIN = 5_000

/** With a quiet phase above this, ms, a row says little: the machine is busy. */
export const DISTURBED = 50

/** The goals that are broken. */
export function broken(measured: Measured, limits: Limits, { own, honest, harmless }: Asks = {}): Goal[] {
  const { quiet, attacked, afterwards, strangers, memory, stall, died, attacker, told } = measured
  const floor = quiet.p99 < 5 || limits !== GOALS ? limits.p99.floor : 0
  const sent = attacked.sent + afterwards.sent
  const answered = attacked.answered + afterwards.answered
  const isMet: Record<Goal, boolean> = {
    p99: attacked.p99 <= Math.max(floor, limits.p99.times * quiet.p99),
    answered: died === undefined && answered >= limits.answered * sent,
    strangers: strangers.joined >= limits.strangers * strangers.tried,
    memory: memory.peak <= memory.before + limits.memory,
    back: died === undefined && memory.after <= memory.before + limits.back,
    stall: stall.attacked <= Math.max(limits.stall.ms, limits.stall.times * stall.quiet),
    attacker: honest === true || harmless !== undefined || isFelt(attacker) || isHeld(told, attacker),
    own: isWithin(attacker.figure, own),
  }
  return (Object.keys(isMet) as Goal[]).filter((goal) => !isMet[goal])
}

interface Asks {
  own?: { least?: number; most?: number }
  honest?: true
  harmless?: string
}

function isWithin(figure: number | undefined, own: Asks['own']): boolean {
  if (own === undefined) return true
  return figure !== undefined && figure >= (own.least ?? -Infinity) && figure <= (own.most ?? Infinity)
}

/** Half of its lines are gone, a tenth of what it did was refused, or it waits half of its time. */
export function isFelt({ refused, gone, lines, done, waited, first }: Outcome): boolean {
  const soon = first !== undefined && first <= FELT_WITHIN
  const isGone = soon && sum(gone) >= Math.max(1, lines / 2)
  return isGone || (soon && sum(refused) >= Math.max(1, done / 10)) || waited >= 0.5
}

/** Kinds of refusals after which the victim reads on later. */
const READ_LATER = ['streamRate', 'frameRate', 'gossipRate']
/** So often in a phase, it is read later most of the time. */
const OFTEN = 5

/** The victim has dropped or refused a tenth of it, reads it later again and again, or lets half of it wait. */
export function isHeld(told: Told, { done }: Outcome): boolean {
  const { refused, waiting } = told
  return sum(refused) >= Math.max(1, done / 10) || readLater(told) >= OFTEN || waiting >= Math.max(1, done / 2)
}

/** How often the victim has put off reading. */
export function readLater({ refused }: Told): number {
  return READ_LATER.reduce((all, kind) => all + (refused[kind] ?? 0), 0)
}

export function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((all, count) => all + count, 0)
}
