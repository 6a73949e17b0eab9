/** What a config may say, and what is probably not meant. */
import { textOfEntry, type Entry } from '../core/access/lists.js'
import type { Settings } from '../core/settings.js'

/** The shortest time that somebody is likely to mean, ms. */
const SHORT = 100

/** Times that are short enough to have been meant as seconds: setting → option. */
const TIMES = {
  discoveryInterval: 'discoveryInterval',
  requestTimeout: 'reqResp.requestTimeout',
  pingInterval: 'ping.interval',
  pingTimeout: 'ping.timeout',
} as const satisfies Partial<Record<keyof Settings, string>>

/** A line for each, for the log. */
export function oddities(settings: Settings, self: string): string[] {
  return [...shortTimes(settings), ...alone(settings, self), ...shutOut(settings), ...vast(settings, self)]
}

function shortTimes(settings: Settings): string[] {
  return Object.entries(TIMES).flatMap(([setting, option]) => {
    const value = settings[setting as keyof typeof TIMES]
    return value < SHORT ? `${option} is ${value} ms: is it meant in seconds?` : []
  })
}

/** Peers that the node is to be connected to, and that may not come in. (Whom a range lets in is known when it is there.) */
function shutOut({ access, bootNodes, keep }: Settings): string[] {
  const has = (list: Entry[], peer: string): boolean => list.some((entry) => 'peer' in entry && entry.peer === peer)
  const isClosed = access.closed && access.allow.every((entry) => 'peer' in entry)
  return Object.entries({ bootNodes, keep }).flatMap(([option, peers]) => {
    return Object.keys(peers).flatMap((peer) => {
      if (has(access.deny, peer)) return `${option} names ${peer}, which access.deny shuts out: it is not dialled`
      const isOut = isClosed && !has(access.allow, peer)
      return isOut ? `${option} names ${peer}, which access.allow does not let in: it is not dialled` : []
    })
  })
}

/** Denials of more than somebody is likely to mean. */
function vast({ access }: Settings, self: string): string[] {
  return access.deny.flatMap((entry) => {
    if ('peer' in entry) return entry.peer === self ? 'access.deny names this node itself: is another peer meant?' : []
    return entry.range.length === 1 ? `access.deny names ${textOfEntry(entry)}: that is every address of its kind` : []
  })
}

/** A list that is the same in all nodes may well have the node itself in it, but not alone. */
function alone(settings: Settings, self: string): string[] {
  return (['bootNodes', 'keep'] as const).flatMap((option) => {
    const peers = Object.keys(settings[option])
    return peers.length === 1 && peers[0] === self
      ? `${option} names nobody but this node, so it has nobody to dial`
      : []
  })
}
