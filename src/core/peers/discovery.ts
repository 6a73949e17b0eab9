/**
 * Discovery: at each tick a lookup of our own neighbourhood, and a probe of table members that are not connected (who cannot
 * be dialled is removed; memory.ts remembers it). The table itself belongs to the port.
 */
import { KADEMLIA } from '../../wire/protocols.js'
import { withoutPeer } from './addresses.js'
import { ping } from './connections.js'
import { seek } from './dials.js'
import { noteIdentified, noteLeft, onTryOver, tryAtTick } from './memory.js'
import { onObserved } from './observed.js'
import type { Connection } from './state.js'
import { suspectTwins } from './twins.js'
import { whyBarred } from '../access/rules.js'
import { peersChanged, statusChanged } from '../changes.js'
import { dueAt } from '../due.js'
import { log, type Effects } from '../effects.js'
import type { EventOf } from '../events.js'
import { namedPeers } from '../settings.js'
import type { State } from '../state.js'
import { line } from '../terms.js'

export function tick(state: State, out: Effects): void {
  tryAtTick(state, out)
  if (state.discovery.table.size === 0) {
    log(out, 'info', line`☕ discovery paused: ${whyPaused(state)}`)
    return
  }
  query(state, out)
  probe(state, out)
}

/** The table is empty. */
function whyPaused({ settings, memory, connections, self }: State): string {
  const known = new Set([...namedPeers(settings), ...memory.peers.keys()])
  known.delete(self)
  if (connections.byPeer.size > 0) return 'no connected peer takes part in it yet'
  return known.size === 0 ? 'no peer is known' : `none of the peers that we know (${known.size}) is reached yet`
}

export function query(state: State, out: Effects): void {
  if (state.discovery.querying) return
  state.discovery.querying = true
  out.push({ type: 'tableQuery' })
}

/**
 * Selects the members to probe until the next tick, in turn if there are many: the network reports no other dial as
 * failed.
 */
function probe(state: State, out: Effects): void {
  const away = [...state.discovery.table.keys()].filter((peer) => !state.connections.byPeer.has(peer))
  const count = Math.min(away.length, state.settings.maxProbes)
  const stride = strideOf(away.length)
  state.discovery.probes.clear()
  for (let i = 0; i < count; i++)
    state.discovery.probes.add(away[((state.discovery.probeCursor + i) * stride) % away.length]!)
  state.discovery.probeCursor = away.length === 0 ? 0 : (state.discovery.probeCursor + count) % away.length
  state.discovery.nextProbe = state.now
  probeNext(state, out)
}

/**
 * Probes one member at a time, spread over the interval. So at every moment, not only around a tick, a node is connected
 * to some distant peers. If the mesh is an island, for instance after a partition, their gossip brings what the mesh does
 * not.
 */
export function probeNext(state: State, out: Effects): void {
  if (state.now < state.discovery.nextProbe) return
  const { maxProbes, maxParallelProbes, discoveryInterval } = state.settings
  for (const peer of state.discovery.probes) {
    if (state.discovery.probing.size >= maxParallelProbes) break
    state.discovery.probes.delete(peer)
    if (state.connections.byPeer.has(peer) || !state.discovery.table.has(peer) || !seek(state, out, peer)) continue
    state.discovery.probing.add(peer)
    break
  }
  state.discovery.nextProbe =
    state.discovery.probes.size === 0 ? Infinity : state.now + Math.ceil(discoveryInterval / maxProbes)
  dueAt(state, 'probe', state.discovery.nextProbe)
}

/**
 * A step width that visits each of n places once and separates neighbours, so peers that we met together are not probed
 * together.
 */
function strideOf(n: number): number {
  let stride = Math.max(1, Math.floor(n * 0.618))
  while (divisor(stride, n) !== 1) stride++
  return stride
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b)
}

/** A dial has succeeded or failed, so there is room for another probe. */
export function onDialOver(state: State, target: string): void {
  state.discovery.probing.delete(target)
  onTryOver(state, target)
}

/** A peer's identify message. Its listen addresses go into the table if it takes part in the DHT. */
export function onIdentified(state: State, out: Effects, event: EventOf<'identified'>): void {
  const { peer, addresses, protocols } = event
  const connection = state.connections.all.get(event.connection)
  if (connection === undefined) return
  connection.protocols = protocols
  connection.listenAddresses = addresses
  suspectTwins(state, peer)
  onObserved(state, out, event)
  noteIdentified(state, connection, addresses)
  // Callers want to know how far it is, before the first ping of all.
  if (connection.pings === 0 && connection.pace.roundTrip === 0) ping(state, out, connection)
  if (!protocols.includes(KADEMLIA)) return
  const known = addresses.length > 0 ? addresses : reachedAt(connection)
  if (known.length > 0) out.push({ type: 'tableAdd', peer, addresses: known })
}

/** Whoever tells none that is of use to others, such as a node behind a port mapping, is where we have reached it. */
function reachedAt({ inbound, address }: Connection): string[] {
  return inbound ? [] : [withoutPeer(address)]
}

export function onTableChanged(state: State, out: Effects, event: EventOf<'tableChanged'>): void {
  const { peer, addresses } = event
  const wasEmpty = state.discovery.table.size === 0
  const wasKnown = state.discovery.table.has(peer)
  statusChanged(state)
  peersChanged(state)
  if (addresses === undefined || addresses.length === 0) {
    if (state.discovery.table.delete(peer)) log(out, 'debug', line`${peer} has left the table`)
    noteLeft(state, peer)
    return
  }
  // It came into the table while it was being barred.
  if (whyBarred(state, peer) !== undefined) return void out.push({ type: 'tableRemove', peer })
  state.discovery.table.set(peer, addresses)
  if (!wasKnown) log(out, 'info', line`🔭 discovered ${peer} at ${addresses.join(', ')}`)
  // The first peer can name others at once, before the next tick.
  if (wasEmpty) query(state, out)
}

export function onTableQueried(state: State, out: Effects, event: EventOf<'tableQueried'>): void {
  state.discovery.querying = false
  if (event.failure !== undefined)
    log(out, 'debug', line`the lookup of our neighbourhood failed: ${event.failure.message}`)
}
