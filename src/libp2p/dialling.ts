/**
 * Dials: the addresses that are given or known race each other (core/peers/race.ts), and those that a lookup finds join them. A name
 * is replaced by the IP addresses of its host, and a connection is said to lead to the name. Reports each address tried and why it failed. Must not know what a dial is for.
 */
import { setMaxListeners, type Connection, type PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { HUNG_UP, OTHER_NETWORK, textOfBarred } from '../core/access/lists.js'
import { DIALS } from '../core/parameters.js'
import {
  atHost,
  hostNameOf,
  ipOf,
  peerOf,
  withoutPeer,
  withPeer,
  type Candidate,
  type HostName,
} from '../core/peers/addresses.js'
import type { PortEvent } from '../core/port.js'
import { Race, reasonsOf } from '../core/peers/race.js'
import type { Connections } from './connections.js'
import { DIAL_TIMEOUT, MAX_ATTEMPTS, MAX_ATTEMPTS_OF_CROWDS } from './defaults.js'
import { withAdvice } from './advice.js'
import { causeOf, reasonOf, reasonOfDial } from './failure.js'
import type { Gater } from './gater.js'
import type { Host } from './host.js'
import { isBroken } from './patches/broken-connection.js'
import { afterHearing, withTimeout } from './timeout-signal.js'

/** A dial under way. */
interface Dial {
  readonly target: string
  readonly peer: PeerId | undefined
  readonly race: Race
  /** Address → why it could not be reached. */
  readonly tried: Map<string, string>
  /** An IP address → the one with a name that stands for it. */
  readonly names: Map<string, string>
  /** Addresses that are being tried. */
  readonly running: Set<string>
  /** Ends what still looks for addresses. */
  readonly end: AbortController
  /** It has been answered. */
  isOver: boolean
  /** What ends each of the sockets that are no connection yet. (A connection does not survive its signal.) */
  readonly sockets: Set<AbortController>
  /** One of them has become one. */
  isWon: boolean
  hasSearched: boolean
  /** `dial`s that wait for it. */
  unanswered: number
  /** What may still find other addresses: a look into the peer store, or a lookup. */
  searches: number
  /** When a lookup begins if nothing has answered by then; `undefined`: it is not wanted, or not any more. */
  lookupAt: number | undefined
  timer: NodeJS.Timeout | undefined
  /** Calls off the end of its time. */
  stopTime: () => void
  /** When no address was known. */
  cause: Error | undefined
}

export class Dialler {
  /** Target → its dial. */
  private readonly dials = new Map<string, Dial>()
  /** Those of which something is going on, also when they have been answered. */
  private readonly active = new Set<Dial>()
  private attempts = 0

  constructor(
    private readonly host: Host,
    private readonly connections: Connections,
    private readonly gater: Gater,
    private readonly emit: (event: PortEvent) => void,
    /** Our network has a key. */
    private readonly isPrivate = false,
  ) {
    // The peer is reached, whichever side has opened the connection.
    host.addEventListener('connection:open', ({ detail: connection }) => {
      const dial = this.dials.get(connection.remotePeer.toString())
      if (dial !== undefined) this.succeed(dial, connection)
    })
  }

  stop(): void {
    for (const dial of [...this.dials.values(), ...this.active]) this.close(dial)
    for (const dial of this.active) abortAll(dial)
  }

  /** `anew`: although the peer is connected. */
  dial(target: string, addresses: string[], anew = false): void {
    const id = target.startsWith('/') ? peerOf(target) : target
    const peer = id === undefined ? undefined : peerIdFromString(id)
    const dial = this.dials.get(target) ?? this.begin(target, peer)
    dial.unanswered++
    if (peer?.equals(this.host.peerId)) return this.fail(dial, new Error('that is our own peer id'))
    const why = id === undefined ? undefined : this.gater.whyNot(id)
    if (why !== undefined) return this.fail(dial, new Error(why))
    const open = anew ? undefined : this.connectionsTo(peer, target).find((connection) => !isBroken(connection))
    if (open !== undefined) return this.succeed(dial, open)
    const given = addresses.length > 0 ? addresses : target.startsWith('/') ? [target] : []
    if (given.length > 0) this.offer(dial, given.map(named))
    else this.searchFor(dial)
    this.goOn(dial)
  }

  private begin(target: string, peer: PeerId | undefined): Dial {
    const end = new AbortController()
    setMaxListeners(Infinity, end.signal)
    const dial: Dial = {
      target,
      peer,
      race: new Race(),
      tried: new Map(),
      names: new Map(),
      running: new Set(),
      end,
      isOver: false,
      sockets: new Set(),
      isWon: false,
      hasSearched: false,
      unanswered: 0,
      searches: 0,
      lookupAt: undefined,
      timer: undefined,
      stopTime: afterHearing(DIAL_TIMEOUT, () => this.expire(dial)),
      cause: undefined,
    }
    this.dials.set(target, dial)
    this.active.add(dial)
    return dial
  }

  private expire(dial: Dial): void {
    for (const address of dial.running) noteFailure(dial, address, 'timed out')
    this.fail(dial, new Error('the lookup for its address took too long'))
  }

  private offer({ race, peer }: Dial, candidates: Candidate[]): void {
    const id = peer?.toString()
    const whole = candidates.map(({ address, isConfirmed }) => {
      return { address: id === undefined ? address : withPeer(address, id), isConfirmed }
    })
    race.offer(whole, this.host.services.own.list())
  }

  /** Begins what has its turn, and comes back for the rest. */
  private goOn(dial: Dial): void {
    if (dial.isOver) return
    const now = performance.now()
    const { race } = dial
    while (this.hasRoom(dial)) {
      const address = race.take(now)
      if (address === undefined) break
      this.attempts++
      dial.running.add(address)
      void this.attempt(dial, address)
    }
    if (dial.lookupAt !== undefined && (race.isOver || dial.lookupAt <= now)) this.lookUp(dial)
    if (race.isOver && dial.searches === 0) {
      return this.fail(dial, dial.cause ?? new Error('nobody that we could ask knows an address of it'))
    }
    clearTimeout(dial.timer)
    // When too many attempts of other dials are under way, their ends are waited for.
    const due = this.hasRoom(dial) ? race.due : now + DIALS.stagger
    const next = Math.min(due, dial.lookupAt ?? Infinity)
    if (next < Infinity) dial.timer = setTimeout(() => this.goOn(dial), next - now)
  }

  private hasRoom({ running }: Dial): boolean {
    return this.attempts < (running.size < DIALS.few ? MAX_ATTEMPTS : MAX_ATTEMPTS_OF_CROWDS)
  }

  private async attempt(dial: Dial, address: string): Promise<void> {
    const host = hostNameOf(address)
    let isReplaced = false
    try {
      if (host !== undefined) {
        await this.replace(dial, address, host)
        isReplaced = true
        return
      }
      const connection = await this.tryOut(dial, address)
      // It has worked, so it is worth knowing.
      const multiaddrs = [connection.remoteAddr]
      this.host.peerStore.merge(connection.remotePeer, { multiaddrs }).catch(() => undefined)
      this.succeed(dial, connection)
    } catch (error) {
      const reason = isSelf(error) ? 'this node itself, or one with its secret, is there' : reasonOfDial(error)
      noteFailure(dial, address, reason)
      dial.cause = causeOf(error) as Error
    } finally {
      this.attempts--
      dial.running.delete(address)
      if (dial.isOver && dial.running.size === 0) this.active.delete(dial)
      if (isReplaced) dial.race.replaced()
      else dial.race.failed()
      this.goOn(dial)
    }
  }

  /** The IP addresses of a host race in place of its name, those of each family as soon as they are known. */
  private async replace(dial: Dial, address: string, { name, families }: HostName): Promise<void> {
    const { names, own } = this.host.services
    let isFirst = true
    const failures = await Promise.all(
      families.map(async (family): Promise<unknown> => {
        try {
          const places = (await names.find(name, family)).map((ip) => atHost(address, ip))
          for (const place of places) if (!dial.names.has(place)) dial.names.set(place, address)
          dial.race.replace(places.map(named), own.list(), isFirst)
          isFirst = false
          this.goOn(dial)
          return undefined
        } catch (error) {
          return error
        }
      }),
    )
    if (failures.includes(undefined)) return
    const reasons = new Set(failures.map(reasonOf))
    throw new Error([...reasons].join(', '), { cause: failures[0] })
  }

  /**
   * Tries an address, and once more beside, again and again, while nothing has come from there: its host may have come up
   * since, and the kernel waits ever longer between two attempts of its own. The first attempt goes on, because the round trip may be
   * long. Not in a crowd of addresses, most of which are dead for good.
   */
  private async tryOut(dial: Dial, address: string): Promise<Connection> {
    const why = this.gater.door.refuses({ peer: dial.peer?.toString() ?? peerOf(address), address, inbound: false })
    if (why !== undefined) throw new Error(textOfBarred(why))
    // A name that stands for others is libp2p's to find out.
    if (address.startsWith('/dnsaddr/')) {
      return withTimeout(DIALS.addressTimeout, (signal) => this.host.dial(multiaddr(address), { signal, force: true }))
    }
    let stopTrying: (() => void) | undefined
    let ended: (() => void) | undefined
    const first = new AbortController()
    let again: AbortController | undefined
    const onAnswer = (): void => stopTrying?.()
    try {
      return await new Promise((resolve, reject) => {
        ended = afterHearing(DIALS.addressTimeout, () => reject(new Error('timed out')))
        const tryAgain = (): void => {
          stopTrying = afterHearing(DIALS.again, tryAgain)
          if (dial.running.size > DIALS.few) return
          abort(dial, again)
          const mine = (again = new AbortController())
          this.connect(dial, address, mine, onAnswer).then(resolve, (error) => {
            if (!mine.signal.aborted) reject(error as Error)
          })
        }
        stopTrying = afterHearing(DIALS.again, tryAgain)
        this.connect(dial, address, first, onAnswer).then(resolve, reject)
      })
    } finally {
      ended?.()
      stopTrying?.()
      abort(dial, first)
      abort(dial, again)
    }
  }

  /** The first of a dial's sockets that is upgraded becomes a connection, and no other one. */
  private connect(dial: Dial, address: string, mine: AbortController, answered: () => void): Promise<Connection> {
    setMaxListeners(Infinity, mine.signal)
    const name = dial.names.get(address)
    const where = multiaddr(name ?? address)
    dial.sockets.add(mine)
    this.gater.claims.set(where, () => {
      if (dial.isWon || !dial.sockets.delete(mine)) return false
      dial.isWon = true
      return true
    })
    return this.host.services.transports
      .dial(where, mine.signal, answered, name && ipOf(address))
      .catch((error: unknown) => {
        throw (
          this.gater.claims.whyRefused(where) ??
          (this.isPrivate && isOtherNetwork(error) ? new Error(OTHER_NETWORK) : error)
        )
      })
  }

  /** The addresses of the peer store, and if none of them answers soon those that the network tells. */
  private searchFor(dial: Dial): void {
    if (dial.hasSearched) return
    dial.hasSearched = true
    dial.searches++
    const { signal } = dial.end
    this.host.peerStore
      .get(dial.peer!, { signal })
      .then(
        ({ id, addresses }) => {
          // (libp2p calls certified what a peer has signed at any time.)
          return addresses.map(({ multiaddr: address }) => {
            return {
              address: address.toString(),
              isConfirmed: this.gater.isSelfReported(id.toString(), address.toString()),
            }
          })
        },
        (): Candidate[] => [],
      )
      .then((stored) => {
        const own = this.gater.ownWord(dial.peer!.toString())
        const known = [...own.map(named), ...stored]
        dial.searches--
        this.offer(dial, known)
        dial.lookupAt = performance.now() + (known.length > 0 ? DIALS.lookupAfter : 0)
        this.goOn(dial)
      })
      .catch((error) => this.fail(dial, error as Error))
  }

  /**
   * A lookup by hand, because `dial(peer)` asks the network only for a peer without an entry in the peer store, and a failed
   * dial leaves an entry without addresses.
   */
  private lookUp(dial: Dial): void {
    dial.lookupAt = undefined
    dial.searches++
    this.find(dial)
      .catch((error) => {
        dial.cause ??= new Error('nobody that we could ask knows an address of it', { cause: error })
      })
      .finally(() => {
        dial.searches--
        this.goOn(dial)
      })
  }

  private async find(dial: Dial): Promise<void> {
    const peer = dial.peer!
    const { signal } = dial.end
    for await (const event of this.host.services.kad.findPeer(peer, { signal, useCache: false })) {
      if (event.name !== 'FINAL_PEER') continue
      const found = event.peer.multiaddrs.map(String).filter((address) => this.gater.accepts(peer.toString(), address))
      const hearsay = found.map((address) => ({ address, isConfirmed: false }))
      this.offer(dial, hearsay)
      this.goOn(dial)
    }
  }

  private succeed(dial: Dial, connection: Connection): void {
    if (dial.isOver) return
    const id = this.connections.idOf(connection)
    if (id === undefined || isBroken(connection)) {
      return this.fail(dial, new Error(HUNG_UP))
    }
    this.close(dial)
    // The other side may be reached by one of ours just now, and give its own up for it: then ours must stay.
    if (connection.direction === 'outbound') abortAll(dial)
    const peer = connection.remotePeer.toString()
    for (; dial.unanswered > 0; dial.unanswered--) {
      this.emit({ type: 'dialled', target: dial.target, peer, connection: id })
    }
  }

  private fail(dial: Dial, cause: Error): void {
    if (dial.isOver) return
    this.close(dial)
    abortAll(dial)
    const tried = [...dial.tried].map(([address, reason]) => ({ address, reason }))
    const failure = { message: reasonsOf(tried, dial.race.left) || reasonOf(cause), cause }
    for (; dial.unanswered > 0; dial.unanswered--)
      this.emit({ type: 'dialFailed', target: dial.target, failure, tried })
  }

  private close(dial: Dial): void {
    dial.isOver = true
    dial.end.abort()
    clearTimeout(dial.timer)
    dial.stopTime()
    if (this.dials.get(dial.target) === dial) this.dials.delete(dial.target)
    if (dial.running.size === 0) this.active.delete(dial)
  }

  /** The connections to a peer or, if no peer id is known, those that we have opened to this address. */
  private connectionsTo(peer: PeerId | undefined, address = ''): Connection[] {
    if (peer !== undefined) return this.host.getConnections(peer)
    return this.host.getConnections().filter(({ direction, remoteAddr }) => {
      return direction === 'outbound' && withoutPeer(remoteAddr.toString()) === address
    })
  }
}

/** With another key nothing that is read makes sense, and the handshake fails before it has shown who is there. */
function isOtherNetwork(error: unknown): boolean {
  const { name, message } = error as Error
  return name === 'EncryptionFailedError' && !message.startsWith('Payload identity key ')
}

/** The handshake has shown our own peer id. */
function isSelf(error: unknown): boolean {
  return (error as Error).message === 'Can not dial self'
}

function named(address: string): Candidate {
  return { address, isConfirmed: true }
}

/** What a name stands for is told with it. */
function noteFailure({ names, tried }: Dial, address: string, failure: string): void {
  const reason = withAdvice(address, failure)
  const name = names.get(address)
  if (name === undefined) return void tried.set(address, reason)
  const ip = ipOf(address)
  const whole = reason.includes(ip) ? reason : `${ip}: ${reason}`
  tried.set(name, tried.has(name) ? `${tried.get(name)}, ${whole}` : whole)
}

function abort({ sockets }: Dial, socket: AbortController | undefined): void {
  if (socket !== undefined && sockets.delete(socket)) socket.abort()
}

function abortAll(dial: Dial): void {
  for (const socket of dial.sockets) abort(dial, socket)
}
