/**
 * The way of a whole message: it is validated if its topic has a validator, and then forwarded, remembered and delivered,
 * or dropped. How messages arrive, hearing.ts and fetching.ts know.
 */
import { line, type Heard } from '../terms.js'
import type { Verdict } from '../port.js'
import type { CommandOf } from '../events.js'
import { log, type Effects } from '../effects.js'
import type { LossReason } from '../explanation.js'
import type { State } from '../state.js'
import { onReplayJudged, deferLive } from './catch-up.js'
import { countDelivered, countLoss } from './counts.js'
import { noteOutcome, remember } from './history.js'
import { giveReceipts } from './receipts.js'
import type { Origin, Validation } from './state.js'
import { startValidation, takeValidation } from './validating.js'

/** The whole message has arrived. */
export function onWholeMessage(state: State, out: Effects, heard: Heard, proof: Uint8Array, origin: Origin): void {
  if (!state.topics.guarded.has(heard.topic)) return decide(state, out, { heard, proof, origin }, 'accept')
  if (!startValidation(state, out, heard, proof, origin)) decide(state, out, { heard, proof, origin }, 'ignore', 'busy')
}

/** A verdict. If the validator failed, the message is ignored and does not count against its sender. */
export function onValidated(state: State, out: Effects, event: CommandOf<'validated'>): void {
  const { verdict, failed } = event
  const validation = takeValidation(state, event.validation)
  if (validation !== undefined) decide(state, out, validation, verdict, failed ? 'validatorFailed' : undefined)
}

export function expireValidation(state: State, out: Effects, id: number): void {
  const validation = takeValidation(state, id)
  if (validation === undefined) return
  const message = `no verdict within ${validation.timeout} ms`
  log(out, 'warn', line`the validator of ${validation.heard.topic} gave ${message}: the message is ignored`)
  out.push({ type: 'cancelValidation', validation: id, refusal: { code: 'RequestTimeout', message } })
  decide(state, out, validation, 'ignore', 'validatorFailed')
}

const LOSSES: Record<Exclude<Verdict, 'accept'>, LossReason> = { ignore: 'ignored', reject: 'rejected' }

function decide(
  state: State,
  out: Effects,
  { heard, proof, origin }: Pick<Validation, 'heard' | 'proof' | 'origin'>,
  verdict: Verdict,
  why?: LossReason,
): void {
  if (origin.kind === 'replay') return onReplayJudged(state, out, origin, heard, proof, verdict === 'accept')
  if (verdict !== 'accept') {
    return dropMessage(state, out, heard, origin.held, why ?? LOSSES[verdict])
  }
  giveVerdict(out, heard, origin.held, 'accept')
  const { topic, id, from } = heard
  noteOutcome(state, id, 'accepted', from)
  // The topic may have been left during the validation.
  if (state.topics.joined.has(topic)) {
    countDelivered(state, topic)
    if (!origin.large) {
      const { data, via } = heard
      remember(state, topic, { id, data, from, via, proof, at: state.now })
    }
    out.push({ type: 'deliver', ...heard })
    deferLive(state, out, heard)
  }
  giveReceipts(state, out, id)
}

/** Reasons that count against the peer that forwarded the message. */
const OFFENCES = new Set<LossReason>(['rejected', 'oversize'])

/** Drops the message, and counts the loss. */
export function dropMessage(state: State, out: Effects, heard: Heard, held: boolean, reason: LossReason): void {
  const { topic, from, via, id } = heard
  countLoss(state, reason, { topic, peer: via })
  noteOutcome(state, id, 'refused', from)
  giveVerdict(out, heard, held, OFFENCES.has(reason) ? 'reject' : 'ignore')
  giveReceipts(state, out, id)
}

/** The network gets the verdict if it holds the message back. */
export function giveVerdict(out: Effects, { id, via }: Heard, held: boolean, verdict: Verdict): void {
  if (held) out.push({ type: 'verdict', id, via, verdict })
}
