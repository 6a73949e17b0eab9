/** Checks of peers and addresses that callers name. */
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { isAnyPort, isUnspecified, peerOf } from '../core/peers/addresses.js'
import { P2pError } from '../errors.js'
import { checkNames, checkText, checkTopic, show } from './checks.js'
import { isLikeAddress, meantAddress } from './meant.js'

/** Characters of a peer id, and of an address. Both may have base58 in them, which takes the square of its length. */
const LONGEST = 1_024

/** A peer id in its canonical text. */
export function checkPeerId(text: string): string {
  try {
    if (text.length > LONGEST) throw new Error('it is too long')
    return peerIdFromString(text).toString()
  } catch (cause) {
    throw new P2pError('InvalidPeerId', `${show(text)} is not a peer id (such as 12D3KooW…)`, { cause })
  }
}

/** What a caller takes for an address: its check, and how an example of what it takes ends. */
export interface Taken {
  check: (address: string) => unknown
  ending: string
}

/** A valid multiaddr in its canonical text. The advice for another text is one that the caller takes. */
export function checkAddress(text: string, taken: Taken = DIALLED): string {
  try {
    if (text.length > LONGEST) throw new Error('it is too long')
    return multiaddr(checkText(text, 'an address')).toString()
  } catch (cause) {
    throw noMultiaddr(text, taken, cause)
  }
}

/** Of a peer. */
const DIALLED: Taken = { check: checkDialled, ending: '/p2p/<peer id>' }

/** A system may take "every interface" for itself, but that is nothing to advise. */
function checkDialled(address: string): void {
  if (isUnspecified(address)) throw new P2pError('InvalidAddress', `${address} names no host`)
  checkTarget(address)
}

function noMultiaddr(text: string, { check, ending }: Taken, cause?: unknown): P2pError {
  const meant = meantAddress(text, check)
  const address = meant ?? '/ip4/192.0.2.1/tcp/9000'
  const whole = peerOf(address) === undefined ? `${address}${ending}` : address
  const advice = meant === undefined ? ` (such as ${whole})` : `: write ${whole}`
  return new P2pError('InvalidAddress', `${show(text)} is not a multiaddr${advice}`, { cause })
}

/** A multiaddr over TCP, the only transport there is. */
export function checkTcpAddress(text: string, taken?: Taken): string {
  const address = checkAddress(text, taken)
  if (!/^\/(ip4|ip6|ip6zone\/[^/]+\/ip6|dns|dns4|dns6)\/[^/]+\/tcp\/\d+(\/p2p\/[^/]+)?$|^\/dnsaddr\//.test(address)) {
    throw new P2pError(
      'InvalidAddress',
      `${show(text)} is not a TCP address (/ip4/…/tcp/…, /ip6/…/tcp/… or /dns/…/tcp/…)`,
    )
  }
  return address
}

/** The peer to reach, and where it may be. */
export interface Target {
  /** A peer id, or a whole multiaddr where none is known. */
  target: string
  /** Multiaddrs to try; none: look the peer up. */
  addresses: string[]
}

/** A peer id, or a multiaddr that ends in one. */
export function checkPeer(peer: unknown): Target {
  const target = checkTarget(peer)
  if (target.target.startsWith('/')) {
    throw new P2pError('InvalidAddress', `${show(peer)} does not name a peer: it must end in /p2p/<peer id>`)
  }
  return target
}

/** A peer id, or any multiaddr. */
export function checkTarget(peer: unknown): Target {
  if (typeof peer !== 'string' || peer === '') {
    throw new P2pError('InvalidPeerId', `a peer is given by its peer id or its multiaddr, not by ${show(peer)}`)
  }
  if (isLikeAddress(peer)) throw noMultiaddr(peer, DIALLED)
  if (!peer.startsWith('/')) return { target: checkPeerId(peer), addresses: [] }
  const id = peerOf(peer)
  // `/p2p/<peer id>` alone is a multiaddr too. It names a peer, but no address.
  if (id !== undefined && peer === `/p2p/${id}`) return { target: checkPeerId(id), addresses: [] }
  const address = checkTcpAddress(peer)
  if (isAnyPort(address)) {
    const advice = 'name the one at which that node listens, as its addresses show it'
    throw new P2pError('InvalidAddress', `${show(peer)} cannot be dialled, because 0 is no port: ${advice}`)
  }
  return { target: id === undefined ? address : checkPeerId(id), addresses: [address] }
}

/**
 * What is to be explained: a topic, or a peer, which a text is if it has the form of one, or was meant to. @throws `InvalidConfig`,
 * `InvalidPeerId`, `InvalidAddress`
 */
export function checkAbout(about: unknown): { topic: string } | { peer: string } {
  if (typeof about === 'string') return isPeer(about) ? { peer: checkPeer(about).target } : { topic: checkTopic(about) }
  if (typeof about === 'object' && about !== null) checkNames(about, 'explain', { topic: true, peer: true })
  const { topic, peer } = (about ?? {}) as { topic?: unknown; peer?: unknown }
  if (peer !== undefined && topic === undefined) return { peer: checkPeer(peer).target }
  if (topic !== undefined && peer === undefined) return { topic: checkTopic(topic) }
  throw new P2pError('InvalidConfig', `explain takes a topic, a peer, { topic } or { peer }, not ${show(about)}`)
}

/** A text that was meant to be a peer id, right or wrong. */
const LIKE_PEER_ID = /^\s*(12D3KooW|16Uiu2|Qm)\w{30}/

function isPeer(text: string): boolean {
  if (LIKE_PEER_ID.test(text)) return true
  try {
    checkPeer(text)
    return true
  } catch {
    return false
  }
}
