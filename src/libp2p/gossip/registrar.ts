/**
 * What libp2p tells gossipsub of peers and of their streams, on its way through the component `registrar`. peer-streams.ts
 * hears of peers and streams in gossipsub's place, and tells gossipsub in turn.
 *
 * Package: @libp2p/gossipsub 17.1.1
 * Private members: none; of the connection that its topology is given gossipsub looks at what `standIn` has, and opens its
 *   stream by `newStream`
 * Changes: gossipsub opens and reads no stream. It is given the one that we have opened.
 * Without it: gossipsub reports no stream that is open or gone, opens them one after the other, so that a peer that hangs
 *   keeps all others waiting, and reads without bound. A stream that is reset is never opened again.
 * Missing option: all of it (https://github.com/ChainSafe/js-libp2p-gossipsub/pull/298 made opening sequential).
 * Guarded by: spec/integration/libp2p/pubsub-spec.ts
 */
import type { GossipSubComponents } from '@chainsafe/libp2p-gossipsub'
import type { Connection, PeerId, Stream, StreamHandler, Topology } from '@libp2p/interface'
import { nextTurn } from '../../platform/timers.js'
import { override } from '../component-override.js'

type Registrar = GossipSubComponents['registrar']

export interface RegistrarListener {
  /** A peer speaks gossip, and this connection to it is open. */
  connected(peer: PeerId, connection: Connection): void
  disconnected(peer: PeerId): void
  /** A peer has opened a stream of gossip. */
  incoming(stream: Stream, connection: Connection): void
}

export class GossipRegistrar {
  /** Without one gossipsub is told everything itself. */
  listener: RegistrarListener | undefined
  private readonly component: Registrar
  private topology: Topology | undefined

  constructor(registrar: Registrar) {
    const handle: Registrar['handle'] = (protocol, handler, options) => {
      return registrar.handle(protocol, this.handler(handler), options)
    }
    const register: Registrar['register'] = (protocol, topology, options) => {
      this.topology = topology
      return registrar.register(protocol, this.heard(topology), options)
    }
    this.component = override(override(registrar, 'handle', handle), 'register', register)
  }

  /** For gossipsub: these components, with this in place of libp2p's. */
  in<C extends { registrar: Registrar }>(components: C): C {
    return override(components, 'registrar', this.component)
  }

  private handler(stock: StreamHandler): StreamHandler {
    return (stream, connection) => {
      if (this.listener === undefined) return stock(stream, connection)
      this.listener.incoming(stream, connection)
    }
  }

  private heard(stock: Topology): Topology {
    return {
      ...stock,
      onConnect: (peer, connection) => {
        if (this.listener === undefined) void stock.onConnect?.(peer, connection)
        else this.listener.connected(peer, connection)
      },
      onDisconnect: (peer) => {
        if (this.listener === undefined) void stock.onDisconnect?.(peer)
        else this.listener.disconnected(peer)
      },
    }
  }

  /** gossipsub gets to know the peer, and opens no stream. */
  enter(peer: PeerId, connection: Connection): void {
    void this.topology?.onConnect?.(
      peer,
      standIn(connection, () => Promise.reject(new Error('not by gossipsub'))),
    )
  }

  /** gossipsub takes this stream for the one that it would open, and announces our topics on it. Then `taken` is called. */
  carry(peer: PeerId, connection: Connection, stream: Stream, taken: () => void): void {
    const newStream = async (): Promise<Stream> => {
      if (stream.status !== 'open') throw new Error('closed meanwhile')
      nextTurn(taken)
      return stream
    }
    void this.topology?.onConnect?.(peer, standIn(connection, newStream))
  }

  /** gossipsub forgets the peer, and closes the stream that it took. */
  leave(peer: PeerId): void {
    void this.topology?.onDisconnect?.(peer)
  }
}

/** As much of a connection as gossipsub looks at. */
function standIn(connection: Connection, newStream: Connection['newStream']): Connection {
  const { status, direction, remoteAddr, remotePeer } = connection
  return { status, direction, remoteAddr, remotePeer, newStream } as Connection
}
