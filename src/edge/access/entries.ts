/** Entries of the lists of who may come in, as callers write them. */
import type { Entry } from '../../core/access/lists.js'
import { prefixOf } from '../../core/access/ranges.js'
import { P2pError } from '../../errors.js'
import { show } from '../checks.js'
import { checkPeerId } from '../targets.js'

/**
 * One text or several: peer ids, or ranges of addresses in CIDR form (a single address is one). What is named twice counts once.
 * @throws `InvalidConfig`, which names `what` and the entry
 */
export function checkEntries(value: unknown, what: string): Entry[] {
  const entries = new Map<string, Entry>()
  for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
    const entry = checkEntry(one, what)
    entries.set('peer' in entry ? entry.peer : entry.range, entry)
  }
  return [...entries.values()]
}

function checkEntry(text: unknown, what: string): Entry {
  if (typeof text !== 'string') {
    throw new P2pError('InvalidConfig', `${what} takes peer ids and ranges of addresses, as texts, not ${show(text)}`)
  }
  const range = prefixOf(text)
  if (range !== undefined) return { range }
  const [, base = '', length] = /^([^/]+)\/(\d+)$/.exec(text) ?? []
  const bits = base.includes(':') ? 128 : 32
  if (prefixOf(base) !== undefined && Number(length) > bits) {
    const why = `its prefix has ${length} bits, and an address of its kind has ${bits}`
    throw new P2pError('InvalidConfig', `${what}: ${show(text)} is no range of addresses: ${why}`)
  }
  try {
    return { peer: checkPeerId(text) }
  } catch (cause) {
    const [, host, peer] = /^\/ip[46]\/([^/]+).*?(?:\/p2p\/([^/]+))?$/.exec(text) ?? []
    const meant = peer ?? host
    const advice = meant === undefined ? '' : ` (write ${meant})`
    const forms = 'a peer id (12D3KooW…) nor a range of addresses in CIDR form (192.0.2.0/24, 2001:db8::/32)'
    throw new P2pError('InvalidConfig', `${what}: ${show(text)} is neither ${forms}${advice}`, { cause })
  }
}
