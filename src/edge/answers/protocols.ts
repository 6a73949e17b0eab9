/** Protocols of the application: each has one server, which gets all requests of it, and others are told of it. */
import { Subscription } from 'rxjs'
import type { Command } from '../../core/events.js'
import { P2pError } from '../../errors.js'
import { decodeCall } from '../../wire/call.js'
import { show } from '../checks.js'
import type { Rejection } from './reasons.js'

/** `name`, or `name@version`. */
const NAME = /^[A-Za-z0-9._/-]{1,64}(@[A-Za-z0-9._-]{1,32})?$/
/** Others remember no more of what a peer says of itself. */
const MOST = 128
/** Of a name with its version: what it ends with. */
const VERSION = /[@/]v?\d[\w.-]*$/

/** `Server`: what answers requests of one protocol. */
export class ServedProtocols<Server> {
  private readonly servers = new Map<string, Server>()
  private readonly subscriptions = new Subscription()

  constructor(private readonly push: (command: Command) => void) {}

  /** @throws `InvalidConfig`, `HandlerAlreadySet` */
  add(name: string, server: Server): Subscription {
    if (typeof (name as unknown) !== 'string' || (name !== '' && !NAME.test(name))) {
      throw new P2pError('InvalidConfig', `a protocol is named as name or name@version, not ${show(name)}`)
    }
    if (typeof server !== 'function') {
      throw new P2pError('InvalidConfig', `the server of ${name} must be a function, not ${show(server)}`)
    }
    if (this.servers.has(name)) {
      throw new P2pError('HandlerAlreadySet', `the protocol ${show(name)} is served already: end that first`)
    }
    if (this.servers.size >= MOST) throw new P2pError('InvalidConfig', `a node serves at most ${MOST} protocols`)
    this.servers.set(name, server)
    this.tell()
    const subscription = new Subscription(() => {
      this.subscriptions.remove(subscription)
      this.servers.delete(name)
      this.tell()
    })
    this.subscriptions.add(subscription)
    return subscription
  }

  end(): void {
    this.subscriptions.unsubscribe()
  }

  /** Whose request this is; `undefined`: of no protocol that is served. */
  serverOf(data: Uint8Array): Server | undefined {
    if (this.servers.size === 0) return undefined
    const call = decodeCall(data)
    return call && this.servers.get(call.protocol)
  }

  /**
   * Why nobody answers it, if it is a request of a protocol that is not served. If others answer requests here, they may know it, unless it
   * is another version of what is served.
   */
  refusalOf(data: Uint8Array, { othersAnswer }: { othersAnswer: boolean }): Rejection | undefined {
    if (othersAnswer && this.servers.size === 0) return undefined
    const name = decodeCall(data)?.protocol
    if (name === undefined || !NAME.test(name) || (othersAnswer && !this.servesOther(name))) return undefined
    const names = this.names()
    const served = names.length === 0 ? 'none is' : `but ${names.join(', ')}`
    return { code: 'UnknownProtocol', message: `the protocol ${name} is not served here, ${served}` }
  }

  private servesOther(name: string): boolean {
    const family = familyOf(name)
    return this.names().some((one) => familyOf(one) === family)
  }

  private tell(): void {
    this.push({ type: 'serve', protocols: this.names() })
  }

  /** The one without a name has none to tell. */
  private names(): string[] {
    return [...this.servers.keys()].filter((name) => name !== '')
  }
}

function familyOf(name: string): string {
  return name.replace(VERSION, '')
}
