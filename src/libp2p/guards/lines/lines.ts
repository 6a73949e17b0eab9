/**
 * Connections behind guards, by the public interfaces of encrypters and muxers: each is known with its owner, and what comes over it is
 * looked at before the muxer reads it. A muxer is guarded by the frames of Yamux, whichever package reads them.
 */
import type {
  ConnectionEncrypter,
  MessageStream,
  MultiaddrConnection,
  StreamMuxerFactory,
  Transport,
  Upgrader,
  UpgraderOptions,
} from '@libp2p/interface'
import type { Limits } from '../../../core/limits/limits.js'
import { rangeOf } from '../../../core/peers/addresses.js'
import { nextTurn } from '../../../platform/timers.js'
import { Guarded } from './guarded.js'
import { Handshakes } from './handshakes.js'
import type { Refuse } from '../refusals.js'
import type { Owner } from '../shared-rate.js'
import { LineRates } from './openings.js'
import { Turns } from './turns.js'
import { Unagreed } from './unagreed.js'

export class Lines {
  private readonly owners = new WeakMap<MessageStream, Owner>()
  private readonly rates: LineRates
  private readonly turns = new Turns()
  private readonly unagreed: Unagreed
  private readonly handshakes: Handshakes
  /** The turn of the last handshake. */
  private begun = Promise.resolve()

  constructor(
    limits: Limits,
    private readonly refused: Refuse,
    /** No handshake with this address. */
    turnedAway: (address: string) => void = () => undefined,
    /** Does the config name this peer? */
    isNamed: (peer: string) => boolean = () => false,
  ) {
    this.rates = new LineRates(limits.streamRate)
    this.handshakes = new Handshakes(limits, turnedAway)
    this.unagreed = new Unagreed(refused, isNamed)
  }

  /** The transport that `make` makes, whose handshakes are counted. */
  accepting<C>(make: (components: C) => Transport): (components: C) => Transport {
    return (components) => {
      const transport = make(components)
      const create = transport.createListener.bind(transport)
      const createListener: typeof create = (options) =>
        create({ ...options, upgrader: this.counting(options.upgrader) })
      return Object.assign(transport, { createListener })
    }
  }

  private counting(upgrader: Upgrader): Upgrader {
    return {
      upgradeInbound: async (connection: MultiaddrConnection, options: UpgraderOptions) => {
        const abort = (): void => connection.abort(new Error('others begin a handshake'))
        const end = this.handshakes.begin(connection.remoteAddr.toString(), abort)
        if (end === undefined) throw new Error('too many handshakes')
        // One that has ended before its time is no handshake any more.
        connection.addEventListener('close', end)
        try {
          await upgrader.upgradeInbound(connection, options)
        } finally {
          connection.removeEventListener('close', end)
          end()
        }
      },
      upgradeOutbound: upgrader.upgradeOutbound.bind(upgrader),
      createInboundAbortSignal: upgrader.createInboundAbortSignal.bind(upgrader),
      getStreamMuxers: upgrader.getStreamMuxers.bind(upgrader),
      getConnectionEncrypters: upgrader.getConnectionEncrypters.bind(upgrader),
    }
  }

  /** The encrypter that `make` makes, whose connections are known. */
  encrypting<C>(make: (components: C) => ConnectionEncrypter): (components: C) => ConnectionEncrypter {
    return (components) => {
      const encrypter = make(components)
      const inbound = encrypter.secureInbound.bind(encrypter)
      const outbound = encrypter.secureOutbound.bind(encrypter)
      const secureInbound: typeof inbound = async (under, options) => {
        await this.nextHandshake()
        const secured = await inbound(under, options)
        this.own(secured.connection, secured.remotePeer.toString(), under)
        return secured
      }
      const secureOutbound: typeof outbound = async (under, options) => {
        const secured = await outbound(under, options)
        this.own(secured.connection, secured.remotePeer.toString(), under)
        return secured
      }
      return Object.assign(encrypter, { secureInbound, secureOutbound })
    }
  }

  /** One handshake of others begins in a turn of the event loop, because each takes some milliseconds of it. */
  private nextHandshake(): Promise<void> {
    return (this.begun = this.begun.then(() => new Promise((resolve) => nextTurn(resolve))))
  }

  private own(connection: MessageStream, peer: string, under: MessageStream): void {
    const address = 'remoteAddr' in under ? String(under.remoteAddr) : ''
    this.owners.set(connection, { peer, range: address === '' ? peer : rangeOf(address, peer) })
  }

  /** The muxers that `make` makes, whose bytes are looked at first. */
  muxing(make: () => StreamMuxerFactory): () => StreamMuxerFactory {
    return () => {
      const factory = make()
      const create: StreamMuxerFactory['createStreamMuxer'] = factory.createStreamMuxer.bind(factory)
      const createStreamMuxer: typeof create = (connection) => {
        const owner = this.owners.get(connection) ?? { peer: '', range: '' }
        const { turns, unagreed } = this
        const guarded = new Guarded(connection, this.rates.of(owner, performance.now()), turns.of(), {
          refused: (what, how) => this.refused(owner.peer, what, how),
          opened: (stream) => unagreed.add(owner, stream),
          wait: (go) => turns.wait(go),
        })
        const muxer = create(connection)
        guarded.follow(muxer)
        return muxer
      }
      return Object.assign(factory, { createStreamMuxer })
    }
  }
}
