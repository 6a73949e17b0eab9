/**
 * A world: hosts in network namespaces of their own, with the kernel's TCP, joined by links whose packets a program of ours
 * (world.c) delays, limits, loses, reorders and cuts. docs/world.md says how tests use it.
 */
import { Carrier, type LinkCounters, type Port, type Stats } from './carrier.js'
import { Host } from './host.js'
import { Nat, type NatOptions } from './nat.js'
import type { Place } from './place.js'
import { LAN, type LinkSettings } from './profiles.js'

export interface WorldOptions {
  /** Names of hosts with public addresses. */
  hosts?: string[]
  /** What all links are like at first. Default: LAN. */
  profile?: LinkSettings
  /** Of losses, jitter and reordering. */
  seed?: number
}

/** One direction of a link. */
export interface Link {
  /** Changes what is given; the rest stays as it is. */
  set(settings: LinkSettings): Promise<void>
  counters(): Promise<LinkCounters>
}

const UNUSED: LinkCounters = {
  ...{ sent: 0, sentBytes: 0, arrived: 0, arrivedBytes: 0 },
  ...{ lost: 0, cut: 0, overflowed: 0, reordered: 0, queuedBytes: 0 },
}

const worlds = new Set<World>()

export async function createWorld({ hosts = [], profile = LAN, seed = 1 }: WorldOptions = {}): Promise<World> {
  const world = new World(profile)
  worlds.add(world)
  await world.start(seed, hosts)
  return world
}

/** For `afterEach`. */
export async function endWorlds(): Promise<void> {
  await Promise.all([...worlds].map((world) => world.end()))
}

export class World {
  private readonly carrier = new Carrier()
  private readonly hosts = new Map<string, Host>()
  private readonly nats = new Map<string, Nat>()
  private readonly ports: { owner: string; port: Port }[] = []
  /** By the indices of both ports. */
  private readonly settings = new Map<string, LinkSettings>()
  private publicPlaces = 0

  constructor(private readonly profile: LinkSettings) {}

  async start(seed: number, hosts: string[]): Promise<void> {
    await this.carrier.ask(`seed ${seed}`)
    for (const name of hosts) await this.addHost(name)
  }

  host(name: string): Host {
    return found(this.hosts, name)
  }

  async addHost(name: string): Promise<Host> {
    const network = ++this.publicPlaces
    return this.settle(name, {
      segment: 0,
      // All in networks of their own, as in the internet. Libraries take these for public ones.
      addressOf: (generation) => `51.${network}.0.${generation}`,
      prefix: 32,
      address6: `2a00:${network}::1`,
    })
  }

  /** A box with a public address, and hosts with private ones behind it. Their links to it have the name of the box. */
  async nat(name: string, { hosts, ...options }: NatOptions): Promise<Nat> {
    const network = ++this.publicPlaces
    const address = `51.${network}.0.1`
    const gateway = `192.168.${network}.1`
    const nat = await Nat.create(name, this.carrier, { address, gateway, segment: network }, options)
    this.nats.set(name, nat)
    await this.connect(name, nat.outer, this.profile)
    await this.connect(name, nat.inner, LAN)
    for (const [place, inside] of hosts.entries()) {
      const addressOf = (generation: number) => `192.168.${network}.${(place + 1) * 10 + generation}`
      await this.settle(inside, { segment: network, addressOf, prefix: 24 })
    }
    return nat
  }

  link(from: string, to: string): Link {
    const [source, target] = this.portsBetween(from, to)
    return {
      set: (settings) => this.setLink(source, target, settings),
      counters: async () => {
        const { links } = await this.stats()
        return links.find((link) => link.from === source.index && link.to === target.index) ?? UNUSED
      },
    }
  }

  /** Both directions. */
  between(a: string, b: string): Pick<Link, 'set'> {
    const both = [this.link(a, b), this.link(b, a)]
    return {
      set: async (settings) => {
        await Promise.all(both.map((link) => link.set(settings)))
      },
    }
  }

  /** Cuts all links between hosts of different groups. Those in no group keep theirs. */
  async partition(groups: string[][]): Promise<void> {
    const groupOf = (name: string) => groups.findIndex((group) => group.includes(name))
    await this.setAll({ cut: true }, (from, to) => {
      const [one, other] = [groupOf(from), groupOf(to)]
      return one >= 0 && other >= 0 && one !== other
    })
  }

  /** Undoes every cut. All else stays as it was set. */
  async heal(): Promise<void> {
    await this.setAll({ cut: false })
  }

  /** Of all links, or of those that fit. */
  async setAll(settings: LinkSettings, fits: (from: string, to: string) => boolean = () => true): Promise<void> {
    const changes: Promise<void>[] = []
    for (const { owner: from, port: source } of this.ports) {
      for (const { owner: to, port: target } of this.ports) {
        if (source === target || source.segment !== target.segment || !fits(from, to)) continue
        changes.push(this.setLink(source, target, settings))
      }
    }
    await Promise.all(changes)
  }

  stats(): Promise<Stats> {
    return this.carrier.stats()
  }

  /** Freezes everything that runs on all hosts, as a computer that sleeps does. The links go on. */
  async freeze(): Promise<void> {
    await Promise.all([...this.hosts.values()].map((host) => host.freeze()))
  }

  thaw(): void {
    for (const host of this.hosts.values()) host.thaw()
  }

  /** Kills all that runs in the world, by its pid, and takes the world away. */
  async end(): Promise<void> {
    worlds.delete(this)
    const places: Place[] = [...this.hosts.values(), ...this.nats.values()]
    await Promise.all(places.map((place) => place.kill()))
    await this.carrier.kill()
  }

  private async settle(name: string, options: Parameters<typeof Host.create>[2]): Promise<Host> {
    const host = await Host.create(name, this.carrier, options)
    this.hosts.set(name, host)
    await this.connect(name, host.port, options.segment === 0 ? this.profile : LAN)
    return host
  }

  /** Gives it links with all ports of its segment. */
  private async connect(owner: string, port: Port, profile: LinkSettings): Promise<void> {
    const others = this.ports.filter((other) => other.port.segment === port.segment)
    this.ports.push({ owner, port })
    for (const other of others) {
      await this.setLink(port, other.port, profile)
      await this.setLink(other.port, port, profile)
    }
  }

  private async setLink(from: Port, to: Port, settings: LinkSettings): Promise<void> {
    const key = `${from.index} ${to.index}`
    const all = { ...this.settings.get(key), ...settings }
    this.settings.set(key, all)
    await this.carrier.setLink(from, to, all)
  }

  private portsBetween(from: string, to: string): [Port, Port] {
    for (const source of this.ports) {
      if (source.owner !== from) continue
      const target = this.ports.find(({ owner, port }) => owner === to && port.segment === source.port.segment)
      if (target !== undefined) return [source.port, target.port]
    }
    throw new Error(`there is no link from ${from} to ${to}`)
  }
}

function found<T>(map: ReadonlyMap<string, T>, name: string): T {
  const value = map.get(name)
  if (value === undefined) throw new Error(`nobody is called ${name}`)
  return value
}
