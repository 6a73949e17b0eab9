/**
 * Connections behind guards, by the public interfaces of encrypters and muxers: each is known with its owner, and what comes over it is
 * looked at before the muxer reads it. A muxer is guarded by the frames of Yamux, whichever package reads them.
 */
import type {
  ConnectionEncrypter,
  MessageStream,
  MultiaddrConnection,
  SecuredConnection,
  StreamMuxerFactory,
  Transport,
  Upgrader,
  UpgraderOptions,
} from '@libp2p/interface'
import type { Limits } from '../../../core/limits/limits.js'
import type { NoHandshake } from '../../../core/port.js'
import { rangeOf } from '../../../core/peers/addresses.js'
import { Ends } from './ends.js'
import { Guarded } from './guarded.js'
import { HandshakeTurns } from './handshake-turns.js'
import { Handshakes } from './handshakes.js'
import type { Refuse } from '../refusals.js'
import type { Owner } from '../shared-rate.js'
import { LineRates, type AllRates } from './openings.js'
import { Sealed } from './sealed.js'
import { Turns } from './turns.js'
import { Unagreed } from './unagreed.js'
import { Words } from './words.js'

type Outbound = Upgrader['upgradeOutbound']

/** There is no handshake with this address. */
export type TurnedAway = (address: string, why: NoHandshake) => void

export class Lines {
  private readonly owners = new WeakMap<MessageStream, { owner: Owner; rates: AllRates }>()
  /** Choices that are not made yet. */
  private readonly choices = new WeakMap<MessageStream, Words>()
  private readonly rates: LineRates
  private readonly turns = new Turns()
  private readonly sealedTurns = new Turns()
  private readonly ends = new Ends()
  private readonly unagreed: Unagreed
  private readonly handshakes: Handshakes
  private readonly handshakeTurns = new HandshakeTurns()

  constructor(
    limits: Limits,
    private readonly refused: Refuse,
    private readonly turnedAway: TurnedAway = () => undefined,
    /** Does the config name this peer? */
    isNamed: (peer: string) => boolean = () => false,
  ) {
    this.rates = new LineRates(limits.streamRate)
    this.handshakes = new Handshakes(limits, (address) => turnedAway(address, 'handshakes'))
    this.unagreed = new Unagreed(refused, isNamed)
  }

  /** The transport that `make` makes, whose handshakes are counted. `isPrivate`: all that is said is encrypted with the network's key. */
  accepting<C>(make: (components: C) => Transport, isPrivate = false): (components: C) => Transport {
    return (components) => {
      const transport = make(components)
      const create = transport.createListener.bind(transport)
      const createListener: typeof create = (options) =>
        create({ ...options, upgrader: this.counting(options.upgrader, isPrivate) })
      const dial = transport.dial.bind(transport)
      const dialling: typeof dial = (address, options) =>
        dial(address, { ...options, upgrader: this.counting(options.upgrader, isPrivate) })
      return Object.assign(transport, { createListener, dial: dialling })
    }
  }

  private counting(upgrader: Upgrader, isPrivate: boolean): Upgrader {
    const choose = (connection: MultiaddrConnection): void => {
      this.ends.follow(connection)
      const tooMany = (): void => this.turnedAway(connection.remoteAddr.toString(), 'handshakes')
      // Of a private network, who has no key is found out by its first word.
      if (!isPrivate) this.choices.set(connection, new Words(connection, tooMany))
    }
    const outbound: Outbound = upgrader.upgradeOutbound.bind(upgrader)
    const upgradeOutbound: Outbound = (connection, options) => {
      choose(connection)
      return outbound(connection, options)
    }
    return {
      upgradeInbound: async (connection: MultiaddrConnection, options: UpgraderOptions) => {
        const address = connection.remoteAddr.toString()
        const abort = (): void => connection.abort(new Error('others begin a handshake'))
        const end = this.handshakes.begin(address, abort)
        if (end === undefined) throw new Error('too many handshakes')
        choose(connection)
        // One that has ended before its time is no handshake any more.
        connection.addEventListener('close', end)
        // The upgrader's own time, which begins now: its errors do not say whether it was over.
        const time = upgrader.createInboundAbortSignal(options.signal)
        try {
          await upgrader.upgradeInbound(connection, { ...options, signal: time })
        } catch (error) {
          if (time.aborted && !options.signal.aborted) this.turnedAway(address, 'lateHandshake')
          throw error
        } finally {
          time.clear()
          connection.removeEventListener('close', end)
          end()
        }
      },
      upgradeOutbound,
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
        this.chosen(under)
        const sealed = new Sealed(under, false, this.sealedTurns.of(), this.handshakeTurns)
        await new Promise<void>((go) => this.handshakeTurns.wait('beginning', under, go))
        return this.own(await inbound(under, options), under, sealed)
      }
      const secureOutbound: typeof outbound = async (under, options) => {
        this.chosen(under)
        const sealed = new Sealed(under, true, this.sealedTurns.of(), this.handshakeTurns)
        return this.own(await outbound(under, options), under, sealed)
      }
      return Object.assign(encrypter, { secureInbound, secureOutbound })
    }
  }

  private own<S extends SecuredConnection>(secured: S, under: MessageStream, sealed: Sealed): S {
    const { connection, streamMuxer } = secured
    const address = 'remoteAddr' in under ? String(under.remoteAddr) : ''
    const peer = secured.remotePeer.toString()
    const owner = { peer, range: address === '' ? peer : rangeOf(address, peer) }
    const rates = this.rates.of(owner, performance.now())
    this.owners.set(connection, { owner, rates })
    // Most often the muxer was chosen with the handshake.
    const tooMany = (): void => this.refused(peer, 'streamUnagreed', { own: true, hungUp: true })
    if (streamMuxer === undefined) this.choices.set(connection, new Words(connection, tooMany))
    const { sealedTurns: turns } = this
    sealed.open(rates.sealed, { refused: (what, how) => this.refused(peer, what, how), wait: (go) => turns.wait(go) })
    return secured
  }

  private chosen(connection: MessageStream): void {
    this.choices.get(connection)?.end()
    this.choices.delete(connection)
  }

  private nobody(): { owner: Owner; rates: AllRates } {
    const owner = { peer: '', range: '' }
    return { owner, rates: this.rates.of(owner, performance.now()) }
  }

  /** The muxers that `make` makes, whose bytes are looked at first. */
  muxing(make: () => StreamMuxerFactory): () => StreamMuxerFactory {
    return () => {
      const factory = make()
      const create: StreamMuxerFactory['createStreamMuxer'] = factory.createStreamMuxer.bind(factory)
      const createStreamMuxer: typeof create = (connection) => {
        const { owner, rates } = this.owners.get(connection) ?? this.nobody()
        const { turns, unagreed } = this
        const guarded = new Guarded(connection, rates, turns.of(), {
          refused: (what, how) => this.refused(owner.peer, what, how),
          opened: (stream) => unagreed.add(owner, stream),
          wait: (go) => turns.wait(go),
        })
        const muxer = create(connection)
        guarded.follow(muxer)
        this.chosen(connection)
        return muxer
      }
      return Object.assign(factory, { createStreamMuxer })
    }
  }
}
