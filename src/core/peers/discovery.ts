/**
 * Discovery: at each tick a lookup of our own neighbourhood, a try at the boot nodes that are not connected, and a probe of
 * table members that are not connected (who cannot be dialled is removed). The table itself belongs to the port.
 */
import { KADEMLIA } from '../../wire/protocols.js'
import { reach } from './dials.js'
import { statusChanged } from '../changes.js'
import { dueAt } from '../due.js'
import { log, type Effects } from '../effects.js'
import type { EventOf } from '../events.js'
import type { State } from '../state.js'

export function tick(state: State, out: Effects): void {
  dialBootNodes(state, out)
  if (state.discovery.known.size === 0) {
    log(out, 'info', '☕ discovery paused: no peer is known')
    return
  }
  query(state, out)
  probe(state, out)
}

export function dialBootNodes(state: State, out: Effects): void {
  for (const [peer, addresses] of Object.entries(state.settings.bootNodes)) {
    if (peer !== state.self && !state.connections.byPeer.has(peer)) reach(state, out, peer, addresses)
  }
}

/**
 * Our addresses have changed, and connections of the old ones are gone. Peers that are connected are told; the others hear it from
 * us when we dial them.
 */
export function tellWhereWeAre(state: State, out: Effects): void {
  dialBootNodes(state, out)
  const away = [...state.discovery.known.keys()].filter((peer) => !state.connections.byPeer.has(peer))
  for (const peer of away.slice(0, state.settings.maxProbes)) reach(state, out, peer, [])
}

function query(state: State, out: Effects): void {
  if (state.discovery.querying) return
  state.discovery.querying = true
  out.push({ type: 'tableQuery' })
}

/** Failed dials of others raise no event, so we dial: some each interval, and in turn where there are many. */
function probe(state: State, out: Effects): void {
  const away = [...state.discovery.known.keys()].filter((peer) => !state.connections.byPeer.has(peer))
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
 * One at a time, spread over the interval. So a node is connected to some peers from anywhere at every moment, and not only
 * around a tick: they gossip about what our mesh does not bring, when it is an island (after a partition, for one).
 */
export function probeNext(state: State, out: Effects): void {
  if (state.now < state.discovery.nextProbe) return
  const { maxProbes, maxParallelProbes, discoveryInterval } = state.settings
  for (const peer of state.discovery.probes) {
    if (state.discovery.probing.size >= maxParallelProbes) break
    state.discovery.probes.delete(peer)
    if (state.connections.byPeer.has(peer) || !state.discovery.known.has(peer) || !reach(state, out, peer, [])) continue
    state.discovery.probing.add(peer)
    break
  }
  state.discovery.nextProbe =
    state.discovery.probes.size === 0 ? Infinity : state.now + Math.ceil(discoveryInterval / maxProbes)
  dueAt(state, 'probe', state.discovery.nextProbe)
}

/** A step that visits each of n places once, neighbours far apart: peers that we met together are probed at different times. */
function strideOf(n: number): number {
  let stride = Math.max(1, Math.floor(n * 0.618))
  while (divisor(stride, n) !== 1) stride++
  return stride
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b)
}

/** A dial is over, either way: another probe may be under way. */
export function onDialOver(state: State, target: string): void {
  state.discovery.probing.delete(target)
}

/** What a peer says of itself: its listen addresses go into the table, if it takes part in the DHT. */
export function onIdentified(state: State, out: Effects, event: EventOf<'identified'>): void {
  const { peer, addresses, protocols } = event
  const connection = state.connections.all.get(event.connection)
  if (connection === undefined) return
  connection.protocols = protocols
  if (protocols.includes(KADEMLIA) && addresses.length > 0) out.push({ type: 'tableAdd', peer, addresses })
}

export function onTableChanged(state: State, out: Effects, event: EventOf<'tableChanged'>): void {
  const { peer, addresses } = event
  const wasEmpty = state.discovery.known.size === 0
  const wasKnown = state.discovery.known.has(peer)
  statusChanged(state)
  if (addresses === undefined || addresses.length === 0) {
    if (state.discovery.known.delete(peer)) log(out, 'debug', `${peer} has left the table`)
    return
  }
  state.discovery.known.set(peer, addresses)
  if (!wasKnown) log(out, 'info', `🔭 discovered ${peer} at ${addresses.join(', ')}`)
  // The first peer can introduce us to the others now: there is no reason to wait for the tick.
  if (wasEmpty) query(state, out)
}

export function onTableQueried(state: State, out: Effects, event: EventOf<'tableQueried'>): void {
  state.discovery.querying = false
  if (event.failure !== undefined) log(out, 'debug', `the lookup of our neighbourhood failed: ${event.failure.message}`)
}
