/** What befalls hosts, as plain data from a seed alone: rounds of faults. Pure. */
import { Random } from '../../../src/testing/network/random.js'

/** How a host's process ends, and as what the next one begins. */
export type Return =
  /** Killed. It has its directory and secret, and no boot node. */
  | 'with its directory'
  /** Killed. It has its secret and boot nodes. */
  | 'with its secret'
  /** Killed. A new peer. */
  | 'as a stranger'
  /** Stopped. It has its secret and boot nodes. */
  | 'after a stop'

/** What is done, and for how long, ms. What has no `lasts` never heals. */
export type What =
  | { do: 'freeze'; host: string; lasts: number }
  | { do: 'restart'; host: string; how: Return; boot: string[]; lasts: number }
  /** Packets on these links are lost. */
  | { do: 'cut'; name: string; links: Way[]; lasts: number }
  | { do: 'worsen'; name: string; links: Way[]; bad: Bad; lasts: number }
  /** With its host, or so that its host refuses. */
  | { do: 'kill'; host: string; vanishes: boolean }
  /** It hangs for good, and another process on its host has its secret. */
  | { do: 'replace'; host: string; boot: string[] }

/** `at`: ms after the start of its round. */
export type Fault = What & { at: number }
/** From, to. */
export type Way = [string, string]

const BAD = ['lossy', 'mobile', 'satellite', 'slow'] as const
export type Bad = (typeof BAD)[number]

export interface HostPlan {
  name: string
  /** With whom it begins. */
  boot: string[]
  hasDirectory: boolean
  /** So that a dead connection is found within seconds; else the defaults. */
  pingsOften: boolean
}

/** The share of hosts that are killed for good, in the end; that of processes that are replaced. */
const DEATHS = 0.3
const REPLACEMENTS = 0.3
/** These hosts are not killed for good, keep their address and are never strangers: whoever begins has one of them to begin with. */
const ANCHORS = 2
/** Of rounds, ms. */
const SHORTEST = 8_000
const LONGEST = 20_000

export class Plan {
  readonly hosts: HostPlan[]
  private readonly random: Random
  private readonly names: string[]
  private readonly anchors: string[]
  private readonly directories: Set<string>
  private alive: string[]
  private deaths: number
  private replacements: number

  constructor(seed: number, amount: number) {
    this.random = new Random(`chaos ${seed}`)
    this.names = Array.from({ length: amount }, (_, place) => `h${place}`)
    this.alive = this.names
    this.anchors = this.names.slice(0, ANCHORS)
    this.deaths = Math.floor(amount * DEATHS)
    this.replacements = Math.floor(amount * REPLACEMENTS)
    this.hosts = this.names.map((name) => ({
      name,
      boot: this.bootOf(name),
      hasDirectory: this.chance(0.5),
      pingsOften: this.chance(0.5),
    }))
    this.directories = new Set(this.hosts.filter(({ hasDirectory }) => hasDirectory).map(({ name }) => name))
  }

  /** The next round, as it follows from those before it. */
  next(): Fault[] {
    const length = this.between(SHORTEST, LONGEST)
    // Nothing befalls a process twice in a round.
    const untouched = this.random.shuffle(this.alive)
    const faults = Array.from({ length: this.between(2, 2 + this.alive.length) }, (): Fault => {
      const at = this.between(0, length - 1_000)
      const left = length - at
      const lasts = this.chance(0.3) ? Math.min(left, this.between(50, 1_000)) : this.between(1, left)
      const host = this.chance(0.5) ? untouched.pop() : undefined
      return { at, ...(host === undefined ? this.befallLinks(lasts) : this.befallProcess(host, lasts)) }
    })
    this.alive = this.alive.filter((name) => !faults.some((fault) => fault.do === 'kill' && fault.host === name))
    return faults.sort((a, b) => a.at - b.at)
  }

  private befallProcess(host: string, lasts: number): What {
    const draw = this.random.float()
    if (draw < 0.35) return { do: 'freeze', host, lasts }
    if (draw < 0.45 && this.deaths > 0 && !this.anchors.includes(host)) {
      this.deaths--
      return { do: 'kill', host, vanishes: this.chance(0.5) }
    }
    if (draw < 0.55 && this.replacements > 0 && !this.anchors.includes(host)) {
      this.replacements--
      this.directories.delete(host) // The process that hangs has it.
      return { do: 'replace', host, boot: this.bootOf(host) }
    }
    const hows: Return[] = ['with its secret', 'after a stop']
    if (this.directories.has(host)) hows.push('with its directory')
    else if (!this.anchors.includes(host)) hows.push('as a stranger')
    return { do: 'restart', host, how: this.one(hows), boot: this.bootOf(host), lasts }
  }

  private befallLinks(lasts: number): What {
    const [a, b] = this.random.shuffle(this.names) as [string, string]
    const all = this.names.flatMap((from) => this.names.filter((to) => to !== from).map((to): Way => [from, to]))
    const group = new Set(this.random.some([...this.names], this.between(1, this.names.length)))
    const [name, links] = this.one<[string, Way[]]>([
      [`from ${a} to ${b}`, [[a, b]]],
      [`from ${a}`, all.filter(([from]) => from === a)],
      [`to ${a}`, all.filter(([, to]) => to === a)],
      [`between ${a} and ${b}`, [[a, b], [b, a]]], // prettier-ignore
      [`of ${a}`, all.filter((way) => way.includes(a))],
      [
        `between ${[...group].sort().join(' ')} and the rest`,
        all.filter(([from, to]) => group.has(from) !== group.has(to)),
      ],
    ])
    if (this.chance(0.7)) return { do: 'cut', name, links, lasts }
    return { do: 'worsen', name, links, bad: this.one([...BAD]), lasts }
  }

  /** Up to three hosts, an anchor among them. */
  private bootOf(host: string): string[] {
    const others = this.random.shuffle(this.names.filter((name) => name !== host))
    const anchor = others.find((name) => this.anchors.includes(name))!
    return this.random.shuffle(new Set([anchor, ...others.slice(0, 2)]))
  }

  private chance(share: number): boolean {
    return this.random.float() < share
  }

  /** A whole number, `least` ≤ n < `bound`. */
  private between(least: number, bound: number): number {
    return least + this.random.below(Math.max(1, bound - least))
  }

  private one<T>(items: T[]): T {
    return items[this.random.below(items.length)]!
  }
}
