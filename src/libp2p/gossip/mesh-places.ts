/**
 * Places in our meshes, shared by ranges of addresses: an identity costs nothing, an address does. Whoever comes from where there are
 * fewer takes the place of one of those of whom there are most. gossipsub takes whoever comes first, until the mesh is full.
 */
import type { Connection } from '@libp2p/interface'
import { rangeOf } from '../../core/peers/addresses.js'
import { MESH } from '../../core/parameters.js'
import type { Gossipsub } from './gossipsub.js'
import type { Internals } from './internals.js'

/** Peers of one range that are in a mesh, in the order in which they came. */
type Range = string[]

export class MeshPlaces {
  private readonly ranges = new Map<string, string>()

  /** `lost`: called with peers that have lost their places. */
  constructor(
    private readonly pubsub: Pick<Gossipsub, 'getSubscribers'>,
    private readonly inside: Internals,
    private readonly lost: (peer: string) => void,
  ) {
    const stock = inside.handleGraft.bind(inside)
    inside.handleGraft = (peer, graft) => {
      for (const { topicID: topic } of graft) if (topic !== undefined) this.makeRoom(peer, topic)
      return stock(peer, graft)
    }
  }

  meet({ remotePeer, remoteAddr }: Pick<Connection, 'remotePeer' | 'remoteAddr'>): void {
    const address = remoteAddr.toString()
    // Of this machine each address is one: nodes that share it share their places, and those of another address have theirs.
    this.ranges.set(remotePeer.toString(), rangeOf(address))
  }

  leave(peer: string): void {
    this.ranges.delete(peer)
  }

  /** A heartbeat is over: where one range has more than half of a mesh, one of another range comes in. */
  spread(): void {
    for (const [topic, mesh] of this.inside.mesh) {
      const ranges = this.rangesOf(mesh)
      const largest = largestOf(ranges)
      if (largest.length < 3 || largest.length <= mesh.size / 2) continue
      const peer = this.pubsub
        .getSubscribers(topic)
        .map(String)
        .find((one) => !mesh.has(one) && this.isFewer(one, ranges, largest) && this.mayBeAsked(one, topic))
      if (peer === undefined) continue
      if (mesh.size >= MESH.D) this.end(largest.at(-1)!, topic, mesh)
      this.inside.addToMesh(peer, topic, 'outbound')
      this.inside.sendGraft(peer, [topic])
    }
  }

  /** A peer wants to be in the mesh. */
  private makeRoom(peer: string, topic: string): void {
    const mesh = this.inside.mesh.get(topic)
    if (mesh === undefined || mesh.size < MESH.Dhi || mesh.has(peer)) return
    const ranges = this.rangesOf(mesh)
    const largest = largestOf(ranges)
    if (this.isFewer(peer, ranges, largest) && this.mayCome(peer, topic)) this.end(largest.at(-1)!, topic, mesh)
  }

  /** With it there, its range has no more than the largest without one. */
  private isFewer(peer: string, ranges: Map<string, Range>, largest: Range): boolean {
    return (ranges.get(this.rangeOf(peer))?.length ?? 0) + 1 < largest.length
  }

  private mayBeAsked(peer: string, topic: string): boolean {
    return this.inside.streamsOutbound.has(peer) && this.mayCome(peer, topic)
  }

  private mayCome(peer: string, topic: string): boolean {
    const { inside } = this
    const until = inside.backoff.get(topic)?.get(peer) ?? 0
    return until <= Date.now() && inside.score.score(peer) >= 0
  }

  /** The last one that came. */
  private end(peer: string, topic: string, mesh: Set<string>): void {
    mesh.delete(peer)
    this.lost(peer)
    const tell = async (): Promise<void> => {
      const prune = [await this.inside.makePrune(peer, topic, false, false)]
      const control = { graft: [], prune, ihave: [], iwant: [], idontwant: [] }
      this.inside.sendRpc(peer, { subscriptions: [], messages: [], control })
    }
    tell().catch(() => undefined)
  }

  private rangesOf(mesh: Iterable<string>): Map<string, Range> {
    const ranges = new Map<string, Range>()
    for (const peer of mesh) {
      const range = this.rangeOf(peer)
      const known = ranges.get(range)
      if (known === undefined) ranges.set(range, [peer])
      else known.push(peer)
    }
    return ranges
  }

  private rangeOf(peer: string): string {
    return this.ranges.get(peer) ?? peer
  }
}

function largestOf(ranges: Map<string, Range>): Range {
  let largest: Range = []
  for (const range of ranges.values()) if (range.length > largest.length) largest = range
  return largest
}
