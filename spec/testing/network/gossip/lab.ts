/** What the specs of pub/sub have in common: hosts in one topic, what they say and what they hear. */
import type { PubsubOptions } from '../../../../src/core/pubsub.js'
import { proofOf } from '../../../../src/testing/network/gossip/message.js'
import type { WireOptions } from '../../../../src/testing/network/wire.js'
import { bytes, text } from '../../../support/bytes.js'
import { Lab, type Member } from '../lab.js'

export const TOPIC = 'news'

/** The id of a message in a lab. */
export const idOf = (words: string): string => bytes(words).join()

export function join(...members: Member[]): void {
  for (const member of members) member.run({ type: 'join', topic: TOPIC, guarded: false })
}

export function joinGuarded(...members: Member[]): void {
  for (const member of members) member.run({ type: 'join', topic: TOPIC, guarded: true })
}

export function leave(member: Member): void {
  member.run({ type: 'leave', topic: TOPIC })
}

let asks = 0

/** Returns the number of the question. */
export function publish(member: Member, words: string | Uint8Array, except: string[] = []): number {
  const data = typeof words === 'string' ? bytes(words) : words
  member.run({ type: 'publish', ask: ++asks, topic: TOPIC, data, except })
  return asks
}

export function judge(member: Member, words: string, via: Member, verdict: 'accept' | 'ignore' | 'reject'): void {
  member.run({ type: 'verdict', id: idOf(words), via: via.peerId, verdict })
}

export const heard = (member: Member): string[] => member.heard('message').map(({ data }) => text(data))

/** What the first thinks of the second. */
export function standing(member: Member, { peerId }: Member): { score: number; queued: number } {
  member.run({ type: 'inspect', ask: ++asks, peers: [peerId] })
  return member.last('inspected').peers[peerId]!
}

export const scoreOf = (member: Member, peer: Member): number => standing(member, peer).score

interface Offers {
  onIHave(peer: string, topic: string, ids: string[]): void
  onIWant(peer: string, ids: string[]): void
}

/** What other hosts have a member do about offers. */
export function offersOf(member: Member): Offers {
  return (member.host.pubsub as unknown as { offers: Offers }).offers
}

/** `by` sends a message with a proof that is of other data, or of another signer. */
export function forge(by: Member, to: Member, words: string, from = by.peerId): void {
  const proof = proofOf({ topic: TOPIC, data: bytes(`not ${words}`), from }, 1n)
  by.host.plant(to.peerId, { topic: TOPIC, data: bytes(words), from, proof })
}

/** `by` sends a message as if it were the first to do so, with a good proof: also one that it must not pass on. */
export function plant(by: Member, to: Member, words: string | Uint8Array, topic = TOPIC): void {
  const data = typeof words === 'string' ? bytes(words) : words
  const from = by.peerId
  by.host.plant(to.peerId, { topic, data, from, proof: proofOf({ topic, data, from }, 1n) })
}

interface Setting {
  wire?: Partial<WireOptions>
  seed?: number
  pubsub?: Partial<PubsubOptions>
}

/** All connected with all. */
export function clique(amount: number, { wire, seed = 1, pubsub }: Setting = {}): [Lab, Member[]] {
  const lab = new Lab(wire, seed)
  const members = Array.from({ length: amount }, () => lab.member(undefined, pubsub))
  members.forEach((a, i) => {
    for (const b of members.slice(0, i)) a.run({ type: 'dial', target: b.peerId, addresses: [b.address] })
  })
  lab.run(1_000)
  return [lab, members]
}

/** A line: each connected with the next. */
export function line(amount: number, { wire, seed = 1, pubsub }: Setting = {}): [Lab, Member[]] {
  const lab = new Lab(wire, seed)
  const members = Array.from({ length: amount }, () => lab.member(undefined, pubsub))
  for (let i = 1; i < amount; i++) lab.connect(members[i - 1]!, members[i]!)
  return [lab, members]
}
