/** How each kind of question ends without an answer: cancelled by its caller, or by its deadline. */
import { expireBroadcast, closeBroadcast } from './broadcasts/publishing.js'
import { endJoined, expireJoined } from './broadcasts/topics.js'
import { closeAsk } from './asks.js'
import type { Effects } from './effects.js'
import { leaveDial } from './peers/dials.js'
import { endOnline, expireOnline } from './peers/online.js'
import { endRequest, expireRequest } from './requests/requests.js'
import type { Ask, State, TimedAsk } from './state.js'
import type { AskId } from './terms.js'

interface Ends<Kind extends Ask> {
  /** The caller is no longer interested. */
  cancel(state: State, out: Effects, ask: Kind): void
  /** `undefined`: questions of this kind have no deadline, which is to say no `timeout`. */
  expire: Kind extends TimedAsk ? (state: State, out: Effects, ask: Kind) => void : undefined
}

/** The row of a kind that is known at run time alone. */
interface AnyEnds {
  cancel(state: State, out: Effects, ask: Ask): void
  expire: ((state: State, out: Effects, ask: Ask) => void) | undefined
}

const ENDS: { [Kind in Ask['kind']]: Ends<Extract<Ask, { kind: Kind }>> } = {
  request: { cancel: endRequest, expire: expireRequest },
  broadcast: { cancel: (state, _out, ask) => closeBroadcast(state, ask), expire: expireBroadcast },
  joined: { cancel: (state, _out, ask) => endJoined(state, ask), expire: expireJoined },
  dial: { cancel: (state, _out, ask) => leaveDial(state, ask), expire: undefined },
  online: { cancel: (state, _out, ask) => endOnline(state, ask), expire: expireOnline },
  explain: { cancel: (state, _out, { id }) => void closeAsk(state, id), expire: undefined },
}

export function cancelAsk(state: State, out: Effects, id: AskId): void {
  const ask = state.asks.open.get(id)
  if (ask !== undefined) (ENDS[ask.kind] as AnyEnds).cancel(state, out, ask)
}

export function expireAsk(state: State, out: Effects, id: AskId): void {
  const ask = state.asks.open.get(id)
  if (ask !== undefined) (ENDS[ask.kind] as AnyEnds).expire?.(state, out, ask)
}
