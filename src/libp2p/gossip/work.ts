/** How much work an RPC of a peer is, in messages (`limits.gossipRate`), and what of it is said twice. */
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'

/** A frame by itself, one word about messages, one id that is offered or refused, and one that is asked for. */
const FRAME = 1 / 8
const WORD = 1 / 8
const ID = 1 / 16
const WANTED = 1 / 2

/** A message that is dropped before its signature is looked at. */
export const UNVERIFIED = 1 / 2

/** All but the messages: what these cost is known when they are looked at. */
export function workOf({ subscriptions, control }: RPC): number {
  const work = FRAME + subscriptions.length
  if (control === undefined) return work
  const { graft, prune, ihave, iwant, idontwant } = control
  return work + graft.length + prune.length + ids(ihave, ID) + ids(iwant, WANTED) + ids(idontwant, ID)
}

function ids(words: { messageIDs: Uint8Array[] }[], each: number): number {
  let work = 0
  for (const { messageIDs } of words) work += WORD + messageIDs.length * each
  return work
}

/** The same without what it takes back itself: of several words about one topic the last one counts. */
export function lastWords(rpc: RPC): RPC {
  const { subscriptions, control } = rpc
  const many = subscriptions.length > 1
  if (control === undefined || control.graft.length + control.prune.length < 2) {
    return many ? { ...rpc, subscriptions: lastOf(subscriptions, ({ topic }) => topic) } : rpc
  }
  const graft = lastOf(control.graft, ({ topicID }) => topicID)
  const prune = lastOf(control.prune, ({ topicID }) => topicID)
  return {
    ...rpc,
    subscriptions: lastOf(subscriptions, ({ topic }) => topic),
    control: { ...control, graft, prune },
  }
}

function lastOf<Word>(words: Word[], topicOf: (word: Word) => string | undefined): Word[] {
  if (words.length < 2) return words
  const last = new Map<string | undefined, Word>()
  for (const word of words) {
    const topic = topicOf(word)
    // Where it is said last.
    last.delete(topic)
    last.set(topic, word)
  }
  return [...last.values()]
}
