/** The nodes of chaos: one process a host at a time, each with a file of what became of it. */
import { join } from 'node:path'
import { newSecret, type NodeConfig } from 'tinyp2p'
import { peerIdOf } from '../../../src/identity.js'
import { within } from '../../support/promises.js'
import type { World } from '../world.js'
import type { WorldNode } from '../host.js'
import type { HostPlan } from './plan.js'

export const TOPIC = 'news'
/** The discovery interval, ms. */
export const TICK = 5_000
/** In place of the defaults, for nodes that are to find dead connections soon. */
const OFTEN = { interval: 1_000, timeout: 2_000 }
const PORT = 4_001

/** One process, from its start to its end. */
export interface Resident {
  name: string
  host: string
  node: WorldNode
  /** What it wrote down: lines as of spec/support/child-load.ts. */
  file: string
  /** What we did to it. One that hangs for good is as good as killed. */
  end: 'killed' | 'stopped' | undefined
}

export class Residents {
  /** Every process that ever was. */
  readonly all: Resident[] = []
  /** What processes did by themselves that they must not. */
  readonly faults: string[] = []
  private readonly places: Map<string, Place>

  constructor(
    private readonly world: World,
    private readonly folder: string,
    plans: HostPlan[],
  ) {
    this.places = new Map(
      plans.map((plan) => [
        plan.name,
        { plan, starts: 0, address: world.host(plan.name).address, port: PORT, secret: '', id: '', runs: undefined },
      ]),
    )
  }

  /** Those that run. */
  get running(): Resident[] {
    return [...this.places.values()].flatMap(({ runs }) => runs ?? [])
  }

  at(host: string): Resident {
    const { runs } = this.place(host)
    if (runs === undefined) throw new Error(`nothing runs on ${host}`)
    return runs
  }

  /** Gives all hosts their identities, so that each can be named before it runs. */
  async identify(): Promise<void> {
    for (const place of this.places.values()) await rename(place)
  }

  async rename(host: string): Promise<void> {
    await rename(this.place(host))
  }

  /** From now on its processes listen at another port: what hangs there has this one. */
  move(host: string): void {
    this.place(host).port++
  }

  async start(host: string, boot: string[], usesDirectory: boolean): Promise<void> {
    const place = this.place(host)
    const name = `${host}.${++place.starts}`
    const config: NodeConfig = {
      listen: `/ip4/0.0.0.0/tcp/${place.port}`,
      secret: place.secret,
      bootNodes: boot.map((other) => this.addressOf(other)),
      discoveryInterval: TICK,
      topics: [TOPIC],
      ...(place.plan.pingsOften && { ping: OFTEN }),
      ...(usesDirectory && { dataDir: join(this.folder, `${host}-data`) }),
    }
    const node = await this.world.host(host).node(config, 'nobody')
    const resident: Resident = { name, host, node, file: join(this.folder, `${name}.log`), end: undefined }
    this.all.push(resident)
    place.runs = resident
    void node.exit.then((code) => {
      if (resident.end === undefined) this.faults.push(`${name} ended by itself, with code ${code}`)
    })
    await node.order('load', { name, file: resident.file, topic: TOPIC, peers: [] })
    this.aim()
  }

  /** Kills it. */
  async kill(host: string): Promise<void> {
    const { node } = this.leave(host, 'killed')
    await node.kill()
    this.aim()
  }

  /** Lets it hang for good. */
  async hang(host: string): Promise<void> {
    const { node } = this.leave(host, 'killed')
    await node.pause()
  }

  /** Stops it in good order: it drains. */
  async stop(host: string): Promise<void> {
    const { node, name } = this.leave(host, 'stopped')
    const stopped = node.order('stop', { drain: DRAIN }).then(() => node.exit)
    const code = await within(STOP, stopped, `the stop of ${name}`).catch((error: Error) => error.message)
    if (code !== 0) this.faults.push(`${name} was stopped, not with code 0: ${code}`)
    await node.kill()
    this.aim()
  }

  /** Tells all whom to ask: those that live three times as often as those that do not. */
  aim(): void {
    const ids = [...this.places.values()].flatMap(({ id, runs }) => (runs === undefined ? [id] : [id, id, id]))
    for (const { node } of this.running)
      this.tell(
        node,
        ids.filter((id) => id !== node.peerId),
      )
  }

  /** Nobody asks any more. */
  async calm(): Promise<void> {
    await Promise.all(this.running.map(({ node }) => node.order('aim', { peers: [] })))
  }

  private tell(node: WorldNode, peers: string[]): void {
    node.order('aim', { peers }).catch(() => undefined) // It may be killed meanwhile.
  }

  private leave(host: string, end: Resident['end']): Resident {
    const resident = this.at(host)
    resident.end = end
    this.place(host).runs = undefined
    return resident
  }

  private addressOf(host: string): string {
    const { address, port, id } = this.place(host)
    return `/ip4/${address}/tcp/${port}/p2p/${id}`
  }

  private place(host: string): Place {
    return this.places.get(host)!
  }
}

interface Place {
  plan: HostPlan
  /** How many processes have started here. */
  starts: number
  /** It may have vanished. */
  address: string
  port: number
  secret: string
  id: string
  runs: Resident | undefined
}

/** Of each stop, ms. */
const DRAIN = 1_500
/** Beside the drain, `stop()` promises two seconds; the machine may be busy. */
const STOP = DRAIN + 6_000

async function rename(place: Place): Promise<void> {
  place.secret = newSecret()
  place.id = await peerIdOf(place.secret)
}
