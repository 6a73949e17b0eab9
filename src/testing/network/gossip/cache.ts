/**
 * What a host remembers of messages: the ids that it has seen, the messages of the last heartbeats, and which of them wait for
 * a verdict. A message that waits is neither offered nor given to others.
 */
import { GOSSIP } from '../../../core/parameters.js'
import { isAnnouncement } from '../../../wire/gossip/announcement.js'
import type { GossipMessage } from './message.js'

const { history, historyTold, seenTTL } = GOSSIP

interface Entry {
  message: GossipMessage
  /** While it waits for its verdict: all peers that have handed it to us. */
  givers: Set<string> | undefined
  /** Of the announcement of a large message: peers that have it, by their word. */
  announcers: Set<string> | undefined
}

function publishOf({ from, sequence }: GossipMessage): string {
  return `${sequence} ${from}`
}

export class GossipCache {
  /** Message id → when it is forgotten, and what was published under it. In the order of that time. */
  private readonly seen = new Map<string, { until: number; publishes: Set<string> }>()
  /** Id of a message that was rejected → the peers that were punished for it. */
  private readonly rejected = new Map<string, Set<string>>()
  /** The messages of the last heartbeats, newest first. */
  private readonly windows: Map<string, Entry>[] = [new Map<string, Entry>()]

  isSeen(id: string, now: number): boolean {
    return (this.seen.get(id)?.until ?? 0) > now
  }

  /** `heldFrom`: it waits for a verdict, and this peer gave it to us. */
  add(id: string, message: GossipMessage, now: number, heldFrom?: string): void {
    // Anew at the end: what is first is forgotten first.
    this.seen.delete(id)
    this.seen.set(id, { until: now + seenTTL, publishes: new Set([publishOf(message)]) })
    this.rejected.delete(id)
    const givers = (): Set<string> | undefined => (heldFrom === undefined ? undefined : new Set([heldFrom]))
    const announcers = isAnnouncement(message.data) ? givers() : undefined
    this.windows[0]!.set(id, { message, givers: givers(), announcers })
  }

  /** Of a message whose id was seen: is it another publish, of which this is the first? (A repeat comes by several ways too.) */
  noteRepeat(id: string, message: GossipMessage): boolean {
    const publish = publishOf(message)
    const { publishes } = this.seen.get(id)!
    if (publishes.has(publish)) return false
    publishes.add(publish)
    return true
  }

  /** A seen message has come again. True: it was rejected, which counts against this giver too. */
  again(id: string, via: string): boolean {
    const punished = this.rejected.get(id)
    if (punished === undefined) {
      this.find(id)?.givers?.add(via)
      return false
    }
    if (punished.has(via)) return false
    punished.add(via)
    return true
  }

  /** The peer has it, by its word. True: it is an announcement that waits for its verdict, and that peer has not said so before. */
  noteAnnouncer(id: string, peer: string): boolean {
    const entry = this.find(id)
    if (entry?.givers === undefined || entry.announcers === undefined || entry.announcers.has(peer)) return false
    entry.announcers.add(peer)
    return true
  }

  /** It may be passed on from now on. Returns it with the peers that gave it to us; `undefined`: it does not wait, or not any more. */
  accept(id: string): { message: GossipMessage; givers: Set<string> } | undefined {
    const entry = this.find(id)
    if (entry?.givers === undefined) return undefined
    const { message, givers } = entry
    entry.givers = undefined
    return { message, givers }
  }

  /** It goes no further. Returns the peers that gave it to us; none: it does not wait, or not any more. */
  drop(id: string, isRejected: boolean): Set<string> {
    const window = this.windows.find((one) => one.has(id))
    const givers = window?.get(id)?.givers
    if (window === undefined || givers === undefined) return new Set()
    window.delete(id)
    if (isRejected) this.rejected.set(id, givers)
    return givers
  }

  /** A message that may be passed on. */
  get(id: string): GossipMessage | undefined {
    const entry = this.find(id)
    return entry?.givers === undefined ? entry?.message : undefined
  }

  private find(id: string): Entry | undefined {
    for (const window of this.windows) {
      const entry = window.get(id)
      if (entry !== undefined) return entry
    }
    return undefined
  }

  /** What others are told that we have. */
  recent(topic: string): string[] {
    const ids: string[] = []
    for (let age = 0; age < historyTold && age < this.windows.length; age++) {
      for (const [id, { message, givers }] of this.windows[age]!) {
        if (givers === undefined && message.topic === topic) ids.push(id)
      }
    }
    return ids
  }

  /** So many heartbeats have passed. */
  shift(beats: number, now: number): void {
    for (let i = 0; i < Math.min(beats, history); i++) this.windows.unshift(new Map())
    if (this.windows.length > history) this.windows.length = history
    for (const [id, { until }] of this.seen) {
      if (until > now) break
      this.seen.delete(id)
      this.rejected.delete(id)
    }
  }
}
