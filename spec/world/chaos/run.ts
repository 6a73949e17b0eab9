/** Chaos: nodes under load in a world, rounds of faults from a seed, and after each round a look whether all find each other. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NodeStatus } from 'tinyp2p'
import { LAN, MOBILE, SATELLITE, SLOW, type LinkSettings } from '../profiles.js'
import { createWorld, type World } from '../world.js'
import { audit, type Journal, type Tally } from './audit.js'
import { Plan, type Bad, type Fault, type Way } from './plan.js'
import { Residents, TICK, type Resident } from './residents.js'
import { pause } from '../scenarios/scenario.js'

export interface ChaosOptions {
  seed: number
  hosts: number
  /** How long faults come. The last round is finished. */
  seconds: number
  log: (line: string) => void
}

export interface ChaosReport extends Tally {
  rounds: number
  /** What was done → how often. */
  faults: Record<string, number>
  /** Recoveries that took longer than the goal on the clock, in which a process did not run for more than half of the time. */
  inconclusive: string[]
  /** The longest waits, from the last fault that healed in a round until all live nodes knew each other, and until each had answered each. */
  worst: { known: Wait; asked: Wait }
}

/** How long something took. */
export interface Wait {
  ms: number
  /** Without the time for which a process had to wait for a processor, of the one that waited longest, ms. */
  fair: number
}

interface Looks {
  /** What was missing at the last look. */
  missing: string[]
  /** What was missing when the goal had passed. */
  late: string[]
}

/** Within so long after the last fault that heals, ms, all live nodes know each other. */
export const GOAL = 2 * TICK
/** For looks that take their time. */
const SLACK = 500
/** After the goal, for the true figure. */
const PATIENCE = 30_000
/** Requests have ended within this, ms. A stream under way ends when its peer no longer answers pings: they wait up to 35 s. */
const QUIET = 45_000
const LOOK = 100
const NOTHING: Wait = { ms: 0, fair: -Infinity }

const PERFECT: LinkSettings = { jitter: 0, loss: 0, bursts: undefined, reorder: undefined, ...LAN }
const LINKS: Record<Bad, LinkSettings> = {
  lossy: { ...PERFECT, loss: 0.2, reorder: { share: 0.1, by: 20 } },
  mobile: { ...PERFECT, ...MOBILE },
  satellite: { ...PERFECT, ...SATELLITE },
  slow: { ...PERFECT, ...SLOW },
}

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const plan = new Plan(options.seed, options.hosts)
  const world = await createWorld({ hosts: plan.hosts.map(({ name }) => name), seed: options.seed })
  const folder = mkdtempSync(join(tmpdir(), 'tinyp2p-chaos-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove) // Should a signal come.
  try {
    return await new Chaos(plan, world, folder, options).run()
  } finally {
    await world.end()
    process.off('exit', remove)
    remove()
  }
}

class Chaos {
  private readonly residents: Residents
  private readonly start = performance.now()
  private readonly broken: string[] = []
  private readonly inconclusive: string[] = []
  private readonly faults: Record<string, number> = {}
  private readonly worst = { known: NOTHING, asked: NOTHING }
  /** `<from> <to>` → the faults of the link, the newest last. */
  private readonly links = new Map<string, (Bad | 'cut')[]>()

  constructor(
    private readonly plan: Plan,
    private readonly world: World,
    folder: string,
    private readonly options: ChaosOptions,
  ) {
    this.residents = new Residents(world, folder, plan.hosts)
  }

  async run(): Promise<ChaosReport> {
    await this.residents.identify()
    await Promise.all(
      this.plan.hosts.map(({ name, boot, hasDirectory }) => this.residents.start(name, boot, hasDirectory)),
    )
    await this.recovered('at first', performance.now())
    const end = performance.now() + this.options.seconds * 1_000
    let rounds = 0
    while (performance.now() < end) await this.round(++rounds, this.plan.next())
    await this.residents.calm()
    const over = performance.now() + QUIET
    let tally: Tally
    do {
      await pause(1_000)
      // Before the stop, which ends requests too.
      tally = audit(this.residents.all.map(journalOf))
    } while (tally.lost > 0 && performance.now() < over)
    await Promise.all(this.residents.running.map(({ host }) => this.residents.stop(host)))
    const broken = [...this.broken, ...this.residents.faults, ...tally.broken]
    return { ...tally, broken, inconclusive: this.inconclusive, rounds, faults: this.faults, worst: this.worst }
  }

  private async round(number: number, faults: Fault[]): Promise<void> {
    this.log(`round ${number}: ${faults.length} faults`)
    const healed = await Promise.all(
      faults.map(async (fault) => {
        await pause(fault.at)
        await this.befall(fault)
        return fault.do === 'kill' ? 0 : performance.now()
      }),
    )
    await this.recovered(`in round ${number}`, Math.max(...healed))
  }

  /** Does it, and undoes it when its time is over. */
  private async befall(fault: Fault): Promise<void> {
    const { residents } = this
    switch (fault.do) {
      case 'freeze': {
        this.tell(fault.do, `${fault.host} for ${fault.lasts} ms`)
        const { node } = residents.at(fault.host)
        await node.pause()
        await pause(fault.lasts)
        node.resume()
        break
      }
      case 'restart': {
        const { host, how, boot } = fault
        this.tell(`restart ${how}`, `${host} after ${fault.lasts} ms`)
        await (how === 'after a stop' ? residents.stop(host) : residents.kill(host))
        await pause(fault.lasts)
        if (how === 'as a stranger') await residents.rename(host)
        const usesDirectory = how === 'with its directory'
        await residents.start(host, usesDirectory ? [] : boot, usesDirectory)
        break
      }
      case 'kill':
        this.tell('kill for good', `${fault.host}${fault.vanishes ? ', and its address' : ''}`)
        await residents.kill(fault.host)
        // Its kernel has told its peers by then; else they would have to find out.
        if (fault.vanishes) await this.world.host(fault.host).removeAddress()
        return
      case 'replace':
        this.tell(fault.do, `${fault.host}, which hangs for good`)
        await residents.hang(fault.host)
        residents.move(fault.host)
        await residents.start(fault.host, fault.boot, false)
        return
      case 'cut':
      case 'worsen': {
        const state = fault.do === 'cut' ? 'cut' : fault.bad
        const oneWay = fault.links.every(([from, to]) => !fault.links.some(([a, b]) => a === to && b === from))
        const what = fault.do === 'cut' ? (oneWay ? 'cut one way' : 'cut') : `make links ${fault.bad}`
        this.tell(what, `${fault.name} for ${fault.lasts} ms`)
        await this.change(fault.links, (states) => states.push(state))
        await pause(fault.lasts)
        await this.change(fault.links, (states) => states.splice(states.indexOf(state), 1))
      }
    }
    this.log(`  healed: ${fault.do} ${'host' in fault ? fault.host : fault.name}`)
  }

  private async change(links: Way[], by: (states: (Bad | 'cut')[]) => void): Promise<void> {
    await Promise.all(
      links.map(async ([from, to]) => {
        const states = this.links.get(`${from} ${to}`) ?? []
        this.links.set(`${from} ${to}`, states)
        by(states)
        const bad = states.filter((state) => state !== 'cut').at(-1)
        await this.world
          .link(from, to)
          .set({ ...(bad === undefined ? PERFECT : LINKS[bad]), cut: states.includes('cut') })
      }),
    )
  }

  /** Waits until all live nodes know each other, and then until each has answered each. */
  private async recovered(when: string, since: number): Promise<void> {
    const nodes = this.residents.running
    const before = nodes.map(waited)
    const clock = (): Wait => {
      const ms = performance.now() - since
      const starved = Math.max(...nodes.map((node, place) => waited(node) - before[place]!))
      return { ms: Math.round(ms), fair: Math.round(ms - starved) }
    }
    const known = await until(clock, () => strangers(nodes))
    const answers = new Set<string>()
    const asked = await until(clock, () => silent(nodes, answers))
    const times = `all know each other after ${show(known)}, have answered each other after ${show(asked)}`
    this.log(`${when}: ${times} (load ${loadavg()[0]!.toFixed(1)})`)
    if (known.late.length > 0) this.broken.push(`${when}: ${times}; too late: ${known.late.join(', ')}`)
    else if (isStarved(known)) this.inconclusive.push(`${when}: ${times}`)
    if (asked.missing.length > 0) this.broken.push(`${when}: ${times}; no answers: ${asked.missing.join(', ')}`)
    if (known.fair >= this.worst.known.fair) this.worst.known = known
    if (asked.fair >= this.worst.asked.fair) this.worst.asked = asked
  }

  private tell(what: string, about: string): void {
    this.faults[what] = (this.faults[what] ?? 0) + 1
    this.log(`  ${what}: ${about}`)
  }

  private log(line: string): void {
    this.options.log(`${((performance.now() - this.start) / 1_000).toFixed(1).padStart(6)} s  ${line}`)
  }
}

async function until(clock: () => Wait, look: () => Promise<string[]>): Promise<Wait & Looks> {
  for (let late: string[] = []; ;) {
    const missing = await look()
    const wait = clock()
    if (wait.fair > GOAL + SLACK && late.length === 0) late = missing
    if (missing.length === 0 || wait.fair > GOAL + PATIENCE) return { ...wait, missing, late }
    await pause(LOOK)
  }
}

/** Is the goal kept only because most of the time does not count? Then the wait says nothing of the nodes. */
export function isStarved({ ms, fair }: Wait): boolean {
  return ms > GOAL + SLACK && ms - fair > ms / 2
}

export function show({ ms, fair }: Wait): string {
  return ms - fair < 100 ? `${ms} ms` : `${ms} ms (less ${ms - fair} for which one waited for a processor)`
}

/** How long the process has waited for a processor so far, ms. */
function waited({ node: { pid } }: Resident): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6
}

/** Who does not know whom. */
async function strangers(nodes: Resident[]): Promise<string[]> {
  const statuses = await Promise.all(nodes.map(({ node }) => node.order('status', {}) as Promise<NodeStatus>))
  return nodes.flatMap(({ name }, place) => {
    const { knownPeers, connections } = statuses[place]!
    return nodes
      .filter(({ node: { peerId } }, other) => other !== place && !(peerId in knownPeers))
      .map(({ name: other, node: { peerId } }) => {
        return `${name} does not know ${other}${connections.includes(peerId) ? ' (connected)' : ''}`
      })
  })
}

/** Who has not answered whom so far. */
async function silent(nodes: Resident[], answers: Set<string>): Promise<string[]> {
  const pairs = nodes.flatMap((from) => nodes.filter((to) => to !== from).map((to) => [from, to] as const))
  const missing = await Promise.all(
    pairs.map(async ([from, to]) => {
      const pair = `${from.name} has no answer of ${to.name}`
      if (answers.has(pair)) return []
      const args = { peer: to.node.peerId, data: new Uint8Array(), timeout: 1_000 }
      return from.node.order('request', args).then(
        () => {
          answers.add(pair)
          return []
        },
        (error: Error) => [`${pair}: ${error.message}`],
      )
    }),
  )
  return missing.flat()
}

function journalOf({ name, file, end }: Resident): Journal {
  // The last one is empty, or cut short by a signal.
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return { name, lines: lines.map((line) => line.split(' ')), isKilled: end === 'killed' }
}
