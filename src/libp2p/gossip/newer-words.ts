/**
 * What a peer has said over its newest stream of gossip, while an older one over another connection still brings something. Of two words
 * about one topic the one that was said last counts, in whatever order they come: what is late counts for nothing where the newer stream
 * has spoken already.
 */
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import { GOSSIP_LATE, GOSSIP_NEWER_WORDS } from '../defaults.js'

export class NewerWords {
  /** What a word was about → when it came. The oldest is the first. */
  private readonly words = new Map<string, number>()
  /** Characters of them all: the peer chooses the topics. */
  private size = 0

  /** This came over the newer stream. */
  hear({ subscriptions, control }: RPC): void {
    for (const one of subscriptions) this.keep(subscription(one))
    for (const one of [...(control?.graft ?? []), ...(control?.prune ?? [])]) this.keep(mesh(one))
  }

  /** What still counts of an RPC that came over the older one. */
  rest(rpc: RPC): RPC {
    const since = Date.now() - GOSSIP_LATE
    const counts = (word: string): boolean => (this.words.get(word) ?? -Infinity) < since
    const { control } = rpc
    const graft = control?.graft.filter((one) => counts(mesh(one))) ?? []
    const prune = control?.prune.filter((one) => counts(mesh(one))) ?? []
    return {
      ...rpc,
      subscriptions: rpc.subscriptions.filter((one) => counts(subscription(one))),
      ...(control !== undefined && { control: { ...control, graft, prune } }),
    }
  }

  private keep(word: string): void {
    const now = Date.now()
    this.forget(word)
    this.words.set(word, now)
    this.size += word.length
    for (const [oldest, at] of this.words) {
      if (at >= now - GOSSIP_LATE && this.size <= GOSSIP_NEWER_WORDS) break
      this.forget(oldest)
    }
  }

  private forget(word: string): void {
    if (this.words.delete(word)) this.size -= word.length
  }
}

function subscription({ topic = '' }: RPC.SubOpts): string {
  return `subscription ${topic}`
}

function mesh({ topicID = '' }: RPC.ControlGraft | RPC.ControlPrune): string {
  return `mesh ${topicID}`
}
