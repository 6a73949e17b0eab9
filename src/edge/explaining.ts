/** What a caller wants explained: a topic or a peer, told apart by what it is called. */
import { P2pError } from '../errors.js'
import { checkPeer, checkTopic, show } from './checks.js'

/** @throws `InvalidConfig`, `InvalidPeerId`, `InvalidAddress` */
export function checkAbout(about: unknown): { topic: string } | { peer: string } {
  if (typeof about === 'string') return isPeer(about) ? { peer: checkPeer(about).target } : { topic: checkTopic(about) }
  const { topic, peer } = (about ?? {}) as { topic?: unknown; peer?: unknown }
  if (peer !== undefined && topic === undefined) return { peer: checkPeer(peer).target }
  if (topic !== undefined && peer === undefined) return { topic: checkTopic(topic) }
  throw new P2pError('InvalidConfig', `explain takes a topic, a peer, { topic } or { peer }, not ${show(about)}`)
}

function isPeer(text: string): boolean {
  try {
    checkPeer(text)
    return true
  } catch {
    return false
  }
}
