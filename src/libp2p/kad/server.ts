/**
 * Our answers to questions of Kademlia, in place of kad-dht's. Members of the table are named from what is remembered of them, so
 * an answer costs some tenths of a millisecond; records and providers are no business of ours, and nothing is stored.
 */
import type { Connection, PeerId, PeerStore, Stream, StreamMessageEvent } from '@libp2p/interface'
import { sha256 } from '@noble/hashes/sha2.js'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { TABLE } from '../../core/parameters.js'
import { withoutPeer } from '../../core/peers/addresses.js'
import { mayName, viaOf } from '../../core/peers/scopes.js'
import type { RefusedKind } from '../../core/port.js'
import { KAD_IDLE, KAD_QUESTION_SIZE, KAD_UNREAD } from '../defaults.js'
import { FrameReader, framed } from '../gossip/frames.js'
import type { Gater } from '../gater.js'
import type { Admission } from '../guards/admission.js'
import { OTHERS, OWN, type Blame, type Refuse } from '../guards/refusals.js'
import { peerIdOf } from '../guards/peer-ids.js'
import {
  encodeAnswer,
  FIND_NODE,
  PING,
  readable,
  readQuestion,
  UNREADABLE,
  type KadPeer,
  type KadQuestion,
} from './messages.js'

interface Member {
  id: PeerId
  /** Its place, and its multihash. */
  key: Uint8Array
  hash: Uint8Array
  addresses: Place[]
}

/** A multiaddr whose text is there already. */
interface Place {
  bytes: Uint8Array
  toString(): string
}

interface Components {
  peerId: PeerId
  peerStore: Pick<PeerStore, 'get'>
  addressManager: { getAddresses(): Multiaddr[] }
  events: { addEventListener(type: 'peer:update', listener: (event: CustomEvent<{ peer: Known }>) => void): void }
}

interface Known {
  id: PeerId
  addresses: { multiaddr: Multiaddr }[]
}

export class KadServer {
  private readonly members = new Map<string, Member>()

  constructor(
    private readonly components: Components,
    private readonly gater: Gater,
    private readonly admission: Admission,
    private readonly refused: Refuse,
  ) {
    components.events.addEventListener('peer:update', ({ detail: { peer } }) => {
      const member = this.members.get(peer.id.toString())
      if (member !== undefined) member.addresses = addressesOf(peer)
    })
  }

  changed(id: PeerId, isMember: boolean): void {
    const peer = id.toString()
    if (!isMember) return void this.members.delete(peer)
    if (this.members.has(peer)) return
    const hash = id.toMultihash().bytes
    const member: Member = { id, key: sha256(hash), hash, addresses: [] }
    this.members.set(peer, member)
    this.components.peerStore.get(id).then(
      (known) => void (member.addresses = addressesOf(known)),
      () => undefined,
    )
  }

  isMember(peer: string): boolean {
    return this.members.has(peer)
  }

  /** Where a member of the table is. `undefined`: the peer is none. */
  addressesOf(peer: string): string[] | undefined {
    const member = this.members.get(peer)
    return member && this.gater.best(peer, member.addresses).map(String)
  }

  /** The handler of the protocol. */
  readonly handle = (stream: Stream, connection: Connection): void => {
    const reader = new FrameReader(KAD_QUESTION_SIZE)
    const peer = connection.remotePeer.toString()
    const end = (
      what?: RefusedKind,
      blame: Blame = OWN,
      error = new Error(what ?? 'nothing was asked for too long'),
    ): void => {
      clearTimeout(idle)
      stream.removeEventListener('message', received)
      if (what !== undefined) this.refused(peer, what, blame)
      stream.abort(error)
    }
    const received = ({ data }: StreamMessageEvent): void => {
      for (const chunk of data instanceof Uint8Array ? [data] : data) reader.push(chunk)
      for (;;) {
        const frame = readable(() => reader.next())
        if (frame === undefined) return
        if (frame === UNREADABLE) return end('kadMalformed')
        const blame = this.admission.refuses(connection)
        if (blame !== undefined) return end('kadRate', blame)
        const question = readable(() => readQuestion(frame))
        if (question === UNREADABLE) return end('kadMalformed')
        // Elsewhere there are records, so it breaks no rule.
        if (question.type !== FIND_NODE && question.type !== PING) return end('kadRecord', OTHERS)
        if (stream.writeBufferLength > KAD_UNREAD) return end('kadUnread')
        idle.refresh()
        try {
          stream.send(framed(this.answer(question, connection)))
        } catch (error) {
          // It is closed meanwhile, or the fault is ours.
          return end(undefined, OWN, error as Error)
        }
      }
    }
    const idle = setTimeout(() => end(), KAD_IDLE).unref()
    stream.addEventListener('message', received)
    stream.addEventListener('close', () => clearTimeout(idle))
    const ended = (): void => void stream.close().catch((error: Error) => stream.abort(error))
    if (stream.readableEnded && stream.readBufferLength === 0) ended()
    else stream.addEventListener('end', ended)
  }

  private answer({ type, key }: KadQuestion, connection: Connection): Uint8Array {
    return encodeAnswer(type, type === PING ? [] : this.closest(key, connection))
  }

  /** The members that are closest to a place, with those addresses that the asker can use. */
  private closest(place: Uint8Array, { remotePeer, remoteAddr }: Connection): KadPeer[] {
    const via = viaOf(remoteAddr.toString())
    const told = (addresses: Place[]): Uint8Array[] => {
      return addresses.filter((address) => mayName(address.toString(), via)).map(({ bytes }) => bytes)
    }
    const found = this.nearest(sha256(place), remotePeer).map(({ id, hash, addresses }): KadPeer => {
      return { id: hash, addresses: told(this.gater.best(id.toString(), addresses)) }
    })
    const asked = peerIdOf(place)
    const isNew = asked !== undefined && !asked.equals(remotePeer) && !this.members.has(asked.toString())
    if (isNew) found.unshift({ id: place, addresses: told(this.placesOf(asked)) })
    return found.filter(({ addresses }) => addresses.length > 0)
  }

  /** Where a peer is that is no member of the table, or we ourselves. */
  private placesOf(id: PeerId): Multiaddr[] {
    if (!id.equals(this.components.peerId))
      return this.gater.ownWord(id.toString()).map((address) => multiaddr(address))
    const own = this.components.addressManager.getAddresses()
    return own.map((address) => multiaddr(withoutPeer(address.toString())))
  }

  private nearest(key: Uint8Array, except: PeerId): Member[] {
    const found: Member[] = []
    for (const member of this.members.values()) {
      let at = found.length
      while (at > 0 && isCloser(member.key, found[at - 1]!.key, key)) at--
      if (at === TABLE.bucketSize || member.id.equals(except)) continue
      found.splice(at, 0, member)
      if (found.length > TABLE.bucketSize) found.pop()
    }
    return found
  }
}

function addressesOf({ addresses }: Known): Place[] {
  return addresses.map((address) => {
    const text = address.multiaddr.toString()
    return { bytes: address.multiaddr.bytes, toString: () => text }
  })
}

/** Is `a` closer to `key` than `b`, by XOR? */
function isCloser(a: Uint8Array, b: Uint8Array, key: Uint8Array): boolean {
  for (let i = 0; i < key.length; i++) {
    const [x, y] = [a[i]! ^ key[i]!, b[i]! ^ key[i]!]
    if (x !== y) return x < y
  }
  return false
}
