/**
 * For whom the broadcasts of a topic wait, and for how long together: for peers that read too slowly, and for those that close their only
 * connection. An identity costs nothing, so patience for each of them would be patience without end. While others in the topic could have
 * the broadcasts at once, those that the config does not name have a budget of time together; beyond it they are passed over. Who was slow
 * and has taken all the same what waited has one of its own. Where nobody else is held up, each has its full time.
 */
import { left, spend } from '../limits/rate.js'
import type { Bucket } from '../limits/state.js'
import { isTrusted } from '../peers/trust.js'
import { isNamed } from '../settings.js'
import type { State } from '../state.js'
import { countHeld } from './counts.js'
import type { PublishQueue, Standing } from './state.js'

/**
 * How long all peers of a standing together may hold up others. `rate`: ms in each second, for ever; `burst`: at once, in patiences for one
 * slow peer. Whoever is near comes back within the 500 ms of strangers, and who is passed over may still have a broadcast from its own mesh.
 */
const BUDGETS = { trusted: { rate: 100, burst: 1 }, stranger: { rate: 20, burst: 1 / 4 } } as const

/** The same for one that is known to read. */
const READER = { rate: 200, burst: 1 / 4 } as const

/** A budget of time: what it regains in a second, and the most that it has, ms. */
interface Purse {
  bucket: Bucket
  rate: number
  most: number
}

/** A peer in the topic that cannot have a broadcast now. */
interface Laggard {
  peer: string
  standing: Standing
  /** Its own time. */
  until: number
  reason: 'slowPeer' | 'parting'
}

export function standingOf(state: State, peer: string): Standing {
  if (isNamed(state.settings, peer)) return 'named'
  return isTrusted(state, peer) ? 'trusted' : 'stranger'
}

/** Peers that broadcasts on the topic wait for, or pass over. */
export function laggards(state: State, topic: string): Laggard[] {
  const { recipients, topics, settings, now } = state
  const found: Laggard[] = []
  if (recipients.slow.size + recipients.parting.size === 0) return found
  const subscribers = topics.subscribers.get(topic)
  for (const [peer, since] of recipients.slow) {
    if (subscribers?.has(peer) !== true) continue
    found.push({
      peer,
      standing: standingOf(state, peer),
      until: since + settings.slowPeerPatience,
      reason: 'slowPeer',
    })
  }
  for (const [peer, { topics: told, until, standing }] of recipients.parting) {
    if (until > now && told.includes(topic)) found.push({ peer, standing, until, reason: 'parting' })
  }
  return found
}

/** Notes for whom the queue waits from now on. False: for nobody, so these laggards are passed over. */
export function waits(state: State, topic: string, queue: PublishQueue, late: readonly Laggard[]): boolean {
  const { now } = state
  queue.held = undefined
  if (late.length === 0) return false
  const holdsUp = isAnyoneElse(state, topic, late)
  const purses = new Map(
    late.map((one) => [one, holdsUp && one.standing !== 'named' ? purseOf(state, one) : undefined]),
  )
  const timeOf = (one: Laggard): number => {
    const purse = purses.get(one)
    return purse === undefined ? Infinity : leftIn(purse, now)
  }
  const by = late.filter((one) => one.until > now && timeOf(one) >= 1)
  if (by.length === 0) return false
  const until = by.map((one) => Math.min(one.until, now + Math.ceil(timeOf(one))))
  const charges = [
    ...new Map(by.flatMap((one) => purses.get(one) ?? []).map((purse) => [purse.bucket, purse])).values(),
  ]
  queue.held = { since: now, until: Math.min(...until), peers: by.map(({ peer }) => peer), charges }
  return true
}

/** Is there a peer in the topic that could have a broadcast now, and has not much to do still? */
function isAnyoneElse({ topics, recipients }: State, topic: string, late: readonly Laggard[]): boolean {
  const all = new Set(late.map(({ peer }) => peer))
  for (const peer of topics.subscribers.get(topic) ?? []) {
    if (topics.gossipPeers.has(peer) && !all.has(peer) && !recipients.busy.has(peer)) return true
  }
  return false
}

/** Its own budget, while there is something in it, or else that of all of its standing. */
function purseOf({ recipients, settings, now }: State, { peer, standing, reason }: Laggard): Purse {
  const patience = settings.slowPeerPatience
  const own = reason === 'slowPeer' ? recipients.readers.get(peer) : undefined
  if (own !== undefined) {
    const purse = { bucket: own, rate: READER.rate, most: patience * READER.burst }
    if (leftIn(purse, now) >= 1) return purse
  }
  const name = standing === 'trusted' ? 'trusted' : 'stranger'
  const { rate, burst } = BUDGETS[name]
  return { bucket: recipients.budgets[name], rate, most: patience * burst }
}

function leftIn({ bucket, rate, most }: Purse, now: number): number {
  return left(bucket, rate, now, most)
}

/** The queue has waited until now: that is charged, and counted for whom it was. */
export function settleWait(state: State, topic: string, { held }: PublishQueue): void {
  if (held === undefined) return
  const { now } = state
  const waited = now - held.since
  if (waited <= 0) return
  for (const { bucket, rate } of held.charges) spend(bucket, rate, now, waited)
  countHeld(state, topic, held.peers, waited)
  held.since = now
}
