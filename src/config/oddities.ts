/** What a config may say, and what is probably not meant. */
import { textOfEntry, type Entry } from '../core/access/lists.js'
import { limitsOf, type Limits } from '../core/limits/limits.js'
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

/** The same of limits. */
const LIMIT_TIMES = ['authorizeTimeout', 'answerIdleTimeout'] as const satisfies (keyof Limits)[]

/** A part of something → all of it. */
const PARTS = {
  requestsPerPeer: 'requests',
  requestBytesPerPeer: 'requestBytes',
  answerBytesPerPeer: 'answerBytes',
  responseBytesPerPeer: 'responseBytes',
  handlersPerPeer: 'handlers',
  connectionsPerPeer: 'connections',
  connectionsPerRange: 'connections',
  handshakesPerRange: 'handshakes',
} as const satisfies Partial<Record<keyof Limits, keyof Limits>>

/** A line for each, for the log. */
export function oddities(settings: Settings, self: string): string[] {
  return [
    ...shortTimes(settings),
    ...largeParts(settings),
    ...alone(settings, self),
    ...shutOut(settings),
    ...vast(settings, self),
  ]
}

function shortTimes(settings: Settings): string[] {
  const times = [
    ...Object.entries(TIMES).map(([setting, option]) => [option, settings[setting as keyof typeof TIMES]] as const),
    ...LIMIT_TIMES.map((name) => [`limits.${name}`, settings.limits[name]] as const),
  ]
  return times.flatMap(([option, value]) => {
    return value < SHORT ? `${option} is ${value} ms: is it meant in seconds?` : []
  })
}

/** Limits of one peer that bound nothing. (The default of one may well be more than a small total.) */
function largeParts({ limits }: Settings): string[] {
  const standard = limitsOf({ memory: limits.memory })
  return Object.entries(PARTS).flatMap(([name, whole]) => {
    const part = name as keyof typeof PARTS
    if (limits[part] <= limits[whole] || limits[part] === standard[part]) return []
    return `limits.${part} is ${limits[part]}, more than the ${limits[whole]} of limits.${whole}: it bounds nothing`
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
