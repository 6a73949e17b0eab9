/**
 * The meshes of one host, a topic each: their peers, by GRAFT and PRUNE, within the bounds of degree, back-off and score,
 * and with a share of connections that we opened ourselves.
 */
import { GOSSIP, MESH } from '../../../core/parameters.js'
import type { PortEvent } from '../../../core/port.js'
import type { Side } from '../link.js'
import type { Random } from '../random.js'

const { D, Dlo, Dhi, Dout, pruneBackoff, unsubscribeBackoff, graftFloodThreshold } = MESH
/** The peer's back-off began later than ours, and a GRAFT within it counts against us. */
const BACKOFF_SLACK = MESH.backoffSlack * GOSSIP.heartbeat

/** What the meshes need of pub/sub. */
export interface MeshHost {
  readonly now: number
  readonly random: Random
  sideTo(peer: string): Side | undefined
  /** Peers that have told us that they are in the topic. */
  subscribersOf(topic: string): readonly string[]
  scoreOf(peer: string): number
  misbehaved(peer: string, times: number): void
  /** Has the meshes of the peer do something, once a control message has arrived there. */
  tellMesh(peer: string, act: (there: Mesh, from: string) => void): void
}

export class Mesh {
  /** Topics that we are in. */
  private readonly meshes = new Map<string, Set<string>>()
  /** Topic → peer → when its back-off ends; it outlives our being in the topic. A peer that is in here is not grafted. */
  private readonly backOffs = new Map<string, Map<string, number>>()
  /** The peers that were last reported of each topic; absent: none. */
  private readonly reported = new Map<string, string[]>()

  constructor(
    private readonly host: MeshHost,
    private readonly emit: (event: PortEvent) => void,
  ) {}

  /** Peers in the mesh of a topic; `undefined`: we are not in it. */
  of(topic: string): ReadonlySet<string> | undefined {
    return this.meshes.get(topic)
  }

  join(topic: string): void {
    this.meshes.set(topic, new Set())
    this.graft(topic, D)
    this.report(topic)
  }

  leave(topic: string): void {
    for (const peer of this.meshes.get(topic) ?? []) this.prune(peer, topic, unsubscribeBackoff)
    this.meshes.delete(topic)
    this.report(topic)
  }

  /** A peer is not in the topic any more. */
  remove(peer: string, topic: string): void {
    if (this.meshes.get(topic)?.delete(peer) === true) this.report(topic)
  }

  /** A peer is gone. Its back-offs stay. */
  onGone(peer: string): void {
    for (const topic of this.meshes.keys()) this.remove(peer, topic)
  }

  /** No peer with a score below zero, neither too few nor too many, and some that we have dialled ourselves. */
  maintain(topic: string): void {
    const mesh = this.meshes.get(topic)!
    for (const peer of mesh) {
      if (this.host.scoreOf(peer) >= 0) continue
      mesh.delete(peer)
      this.prune(peer, topic, pruneBackoff)
    }
    if (mesh.size < Dlo) this.graft(topic, D - mesh.size)
    if (mesh.size > Dhi) this.thin(topic, mesh)
    if (mesh.size >= Dlo) {
      let outbound = 0
      for (const peer of mesh) if (this.isOutbound(peer)) outbound++
      this.graft(topic, Dout - outbound, this.isOutbound)
    }
    this.report(topic)
  }

  /** Forgets back-offs that are over. */
  clearBackOffs(): void {
    for (const [topic, backOffs] of this.backOffs) {
      for (const [peer, until] of backOffs) if (until + BACKOFF_SLACK < this.host.now) backOffs.delete(peer)
      if (backOffs.size === 0) this.backOffs.delete(topic)
    }
  }

  /** Up to so many more peers that fit and may be grafted, in no order. */
  private graft(topic: string, amount: number, fits?: (peer: string) => boolean): void {
    if (amount <= 0) return
    const { host } = this
    const mesh = this.meshes.get(topic)!
    const backOffs = this.backOffs.get(topic)
    const candidates: string[] = []
    for (const peer of host.subscribersOf(topic)) {
      if (mesh.has(peer) || backOffs?.has(peer) === true || fits?.(peer) === false) continue
      if (host.scoreOf(peer) >= 0) candidates.push(peer)
    }
    for (const peer of host.random.some(candidates, amount)) {
      mesh.add(peer)
      host.tellMesh(peer, (there, from) => {
        there.onGraft(from, topic)
      })
    }
  }

  private onGraft(peer: string, topic: string): void {
    const mesh = this.meshes.get(topic)
    // We have left, and the news is on its way to the peer.
    if (mesh === undefined || mesh.has(peer)) return
    const { host } = this
    const until = this.backOffs.get(topic)?.get(peer) ?? 0
    const isTooSoon = host.now < until
    if (isTooSoon) host.misbehaved(peer, host.now < until - pruneBackoff + graftFloodThreshold ? 2 : 1)
    // A full mesh takes only peers that we have dialled ourselves, so that it cannot be crowded from outside.
    const hasRoom = mesh.size < Dhi || this.isOutbound(peer)
    if (isTooSoon || !hasRoom || host.scoreOf(peer) < 0) return this.prune(peer, topic, pruneBackoff)
    mesh.add(peer)
    this.report(topic)
  }

  private prune(peer: string, topic: string, backOff: number): void {
    this.backOff(peer, topic, backOff)
    this.host.tellMesh(peer, (there, from) => {
      there.onPrune(from, topic, backOff)
    })
  }

  private onPrune(peer: string, topic: string, backOff: number): void {
    if (!this.meshes.has(topic)) return
    this.backOff(peer, topic, backOff)
    this.remove(peer, topic)
  }

  /** A back-off that lasts longer already stays. */
  private backOff(peer: string, topic: string, length: number): void {
    let backOffs = this.backOffs.get(topic)
    if (backOffs === undefined) this.backOffs.set(topic, (backOffs = new Map<string, number>()))
    const until = this.host.now + length
    if (until > (backOffs.get(peer) ?? 0)) backOffs.set(peer, until)
  }

  private thin(topic: string, mesh: Set<string>): void {
    const peers = this.host.random.shuffle(mesh)
    const outbound = peers.filter(this.isOutbound).slice(0, Dout)
    const kept = new Set([...outbound, ...peers.filter((peer) => !outbound.includes(peer))].slice(0, D))
    for (const peer of peers) {
      if (kept.has(peer)) continue
      mesh.delete(peer)
      this.prune(peer, topic, pruneBackoff)
    }
  }

  private readonly isOutbound = (peer: string): boolean => this.host.sideTo(peer)?.isOutbound === true

  private report(topic: string): void {
    const mesh = this.meshes.get(topic)
    const before = this.reported.get(topic)
    if (mesh === undefined || mesh.size === 0) {
      if (before === undefined) return
      this.reported.delete(topic)
      return this.emit({ type: 'meshChanged', topic, peers: [] })
    }
    if (before?.length === mesh.size && before.every((peer) => mesh.has(peer))) return
    const peers = [...mesh].sort()
    this.reported.set(topic, peers)
    this.emit({ type: 'meshChanged', topic, peers: [...peers] })
  }
}
