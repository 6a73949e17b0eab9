/** A host: a place with a device on a link, with addresses that may change, in which programs and nodes run. */
import type { NodeConfig } from 'tinyp2p'
import { AnotherProcess } from '../support/another-process.js'
import type { Orders as NodeOrders } from '../support/child-node.js'
import type { Carrier, Port } from './carrier.js'
import { Orders } from './orders.js'
import { Place } from './place.js'
import { bundle } from './program.js'

const childNode = new URL('../support/child-node.ts', import.meta.url)

/** What nodes of hosts listen on, unless their config says something else. */
export const LISTEN = '/ip4/0.0.0.0/tcp/4001'

export interface HostOptions {
  segment: number
  /** The first addresses, and those that come after a change: a function of how many there were. */
  addressOf: (generation: number) => string
  prefix: number
  /** Public hosts have one. */
  address6?: string
}

export class Host extends Place {
  /** IPv4, the newest last. */
  readonly addresses: string[] = []
  readonly address6: string | undefined
  port!: Port
  private generation = 0
  private readonly options: HostOptions

  private constructor(name: string, carrier: Carrier, namespace: string, options: HostOptions) {
    super(name, carrier, namespace)
    this.options = options
    this.address6 = options.address6
  }

  static async create(name: string, carrier: Carrier, options: HostOptions): Promise<Host> {
    const host = new Host(name, carrier, (await carrier.ask('namespace')) as string, options)
    host.port = await carrier.openPort(host.namespace, 'net0', options.segment)
    await host.ip('link set lo up', 'link set net0 addrgenmode none', 'link set net0 up mtu 1500 txqueuelen 2000')
    await host.addAddress()
    const { address6 } = options
    if (address6 !== undefined) {
      await host.ip(`address add ${address6}/128 dev net0 nodad`, 'route add ::/0 dev net0')
      await carrier.ask(`address ${host.port.index} ${address6}`)
    }
    return host
  }

  /** The newest IPv4 address. */
  get address(): string {
    return this.addresses.at(-1)!
  }

  /** Gives it one more address, which it tells. */
  async addAddress(address = this.options.addressOf(++this.generation)): Promise<string> {
    await this.ip(`address add ${address}/${this.options.prefix} dev net0`, 'route replace default dev net0')
    await this.links.ask(`address ${this.port.index} ${address}`)
    this.addresses.push(address)
    return address
  }

  /** Takes one away. Nobody tells the peers: their packets to it are lost from now on, and so are answers from it. */
  async removeAddress(address = this.address): Promise<void> {
    await this.links.ask(`forget ${this.port.index} ${address}`)
    await this.ip(`address del ${address}/${this.options.prefix} dev net0`)
    this.addresses.splice(this.addresses.indexOf(address), 1)
    // With its last address an interface loses its routes.
    if (this.addresses.length > 0) await this.ip('route replace default dev net0')
  }

  /** Another network: the new address is there, and all old ones are gone. */
  async changeAddress(): Promise<string> {
    const old = [...this.addresses]
    for (const address of old) await this.removeAddress(address)
    return this.addAddress()
  }

  /** As a cable that is pulled out, and put in again: the addresses stay. */
  async setCarrier(on: boolean): Promise<void> {
    await this.ip(`link set net0 carrier ${on ? 'on' : 'off'}`)
  }

  /** Starts a program of ours (TypeScript), which takes orders as orders.ts says. */
  async run(program: URL, args: string[] = []): Promise<Orders> {
    const [file, ...before] = this.runner
    return new Orders(this.name, file!, [...before, process.execPath, await bundle(program), ...args])
  }

  /** Starts a tinyp2p node. */
  async node(config: NodeConfig = {}, answers: NodeOrders['start']['answers'] = 'echo'): Promise<WorldNode> {
    const options = { runner: [...this.runner], program: await bundle(childNode) }
    const node = await AnotherProcess.start({ listen: LISTEN, ...config }, answers, options)
    return Object.assign(node, { at: (address = this.address) => addressAt(node, address) })
  }
}

/** A node of a host. */
export type WorldNode = AnotherProcess & {
  /** Its multiaddr on this address of its host, default: the newest. It need not know of it yet. */
  at: (address?: string) => string
}

function addressAt(node: AnotherProcess, address: string): string {
  return node.addresses[0]!.replace(/^\/ip4\/[^/]+/, `/ip4/${address}`)
}
