/** What a config may say, and what is probably not meant. */
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
  return [...shortTimes(settings), ...alone(settings, self)]
}

function shortTimes(settings: Settings): string[] {
  return Object.entries(TIMES).flatMap(([setting, option]) => {
    const value = settings[setting as keyof typeof TIMES]
    return value < SHORT ? `${option} is ${value} ms: is it meant in seconds?` : []
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
