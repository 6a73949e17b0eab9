/**
 * Where the hosts are that have names. Node's own way (`getaddrinfo`) cannot be called off, and of the process's four threads it
 * holds one for each name: names that hang hold up all others, files too, and the end of the process. So the name servers are asked by
 * packets of ours, and the system only about a name that they do not know (search domains, mDNS), one name at a time.
 */
import { lookup, Resolver } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { isIP, type LookupFunction } from 'node:net'

export type Family = 4 | 6

/** A name server that says nothing is asked again after this time, ms, and then after twice as long. */
const SERVER = { timeout: 1_000, tries: 3 }
/** So long, ms, a name is looked up. */
export const LOOKUP_TIMEOUT = 5_000
/** Who says sooner than this, ms, that it knows no such name has not asked others that hang: the system is asked too. */
const QUICK = 1_000
/** How long an answer holds, and that there is none, ms: a host that has moved is found again soon. */
const REMEMBERED = 2_000
/** Names that are being looked up at once. */
export const MAX_LOOKUPS = 256
/** So long the addresses of one family wait for those of the other one, ms (RFC 8305, "Resolution Delay"). */
const OTHER_FAMILY = 50
/** So many addresses of a family a name may have: it may be a stranger's. */
const MOST = 8

/** Whom to ask. Tests have others than `SOURCES`. */
export interface Sources {
  /** For one name. */
  resolver(): Pick<Resolver, 'resolve4' | 'resolve6' | 'cancel'>
  /** The text of the hosts file. */
  hosts(): Promise<string>
  system(name: string, family: Family): Promise<string[]>
}

export const SOURCES: Sources = {
  resolver: () => new Resolver(SERVER),
  hosts: () => readFile(hostsFile(), 'utf8').catch(() => ''),
  system: async (name, family) => (await lookup(name, { family, all: true })).map(({ address }) => address),
}

interface Lookup {
  readonly found: Promise<string[]>
  /** What it holds until then; `Infinity`: it is under way. */
  until: number
  readonly end: AbortController
}

export class Names {
  /** By family and name. */
  private readonly lookups = new Map<string, Lookup>()
  /** The last question to the system. */
  private line: Promise<unknown> = Promise.resolve()
  private hasStopped = false

  constructor(private readonly sources = SOURCES) {}

  /** Ends all lookups, so that they hold up no process. */
  stop(): void {
    this.hasStopped = true
    for (const { end } of this.lookups.values()) end.abort(new Error('the node stops'))
  }

  /** The addresses of a host; fails with the reason if there are none. All who ask at the same time share one lookup. */
  find(host: string, family: Family): Promise<string[]> {
    const name = host.toLowerCase().replace(/\.$/, '')
    const key = `${family} ${name}`
    const now = performance.now()
    for (const [old, { until }] of this.lookups) if (until <= now) this.lookups.delete(old)
    const known = this.lookups.get(key)
    if (known !== undefined) return known.found
    const underWay = [...this.lookups.values()].filter(({ until }) => until === Infinity).length
    if (this.hasStopped) return Promise.reject(new Error('the node stops'))
    if (underWay >= MAX_LOOKUPS) return Promise.reject(new Error(`${underWay} names are being looked up already`))
    const end = new AbortController()
    const begun: Lookup = { found: this.lookUp(name, family, end), until: Infinity, end }
    this.lookups.set(key, begun)
    const over = (): void => void (begun.until = performance.now() + REMEMBERED)
    begun.found.then(over, over)
    return begun.found
  }

  /** In the form that sockets want it. */
  lookup(families: readonly Family[]): LookupFunction {
    return (name, { all }, done) => {
      this.findAny(name, families).then(
        (found) => {
          if (all === true) done(null, found)
          else done(null, found[0]!.address, found[0]!.family)
        },
        (error) => done(error as Error, []),
      )
    }
  }

  private async findAny(name: string, families: readonly Family[]): Promise<{ address: string; family: Family }[]> {
    const searches = families.map(async (family) => {
      return (await this.find(name, family)).map((address) => ({ address, family }))
    })
    // If none has found any, the reason of the first is told.
    await Promise.any(searches).catch(() => searches[0])
    const soon = new Promise<[]>((resolve) => setTimeout(resolve, OTHER_FAMILY, []).unref())
    const found = await Promise.all(searches.map((search) => Promise.race([search, soon]).catch(() => [])))
    return found.flat()
  }

  private async lookUp(name: string, family: Family, end: AbortController): Promise<string[]> {
    const silence = new Error(`no name server has said within ${LOOKUP_TIMEOUT} ms where ${name} is`)
    const timer = setTimeout(() => end.abort(silence), LOOKUP_TIMEOUT)
    const ended = new Promise<never>((_, reject) => {
      end.signal.addEventListener('abort', () => reject(end.signal.reason as Error))
    })
    try {
      return (await Promise.race([this.search(name, family, end.signal), ended])).slice(0, MOST)
    } finally {
      clearTimeout(timer)
    }
  }

  private async search(name: string, family: Family, signal: AbortSignal): Promise<string[]> {
    if (isIP(name) === family) return [name]
    // Also where no file says so (RFC 6761).
    if (/(^|\.)localhost$/.test(name)) return [family === 4 ? '127.0.0.1' : '::1']
    const inFile = addressesIn(await this.sources.hosts(), name, family)
    if (inFile.length > 0) return inFile
    signal.throwIfAborted()
    const resolver = this.sources.resolver()
    const cancel = (): void => resolver.cancel()
    signal.addEventListener('abort', cancel)
    const since = performance.now()
    try {
      return await (family === 4 ? resolver.resolve4(name) : resolver.resolve6(name))
    } catch (error) {
      const code = codeOf(error)
      if (code === 'ENODATA') throw new Error(`${name} has no IPv${family} address`, { cause: error })
      const isSilence = code === 'ETIMEOUT' || performance.now() - since > QUICK
      if (isSilence) throw new Error(`the name servers do not say where ${name} is (${code})`, { cause: error })
      return await this.askSystem(name, family, signal)
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  }

  private askSystem(name: string, family: Family, signal: AbortSignal): Promise<string[]> {
    const answer = this.line.then(async () => {
      signal.throwIfAborted()
      try {
        return await this.sources.system(name, family)
      } catch (error) {
        throw new Error(`nobody knows where ${name} is (${codeOf(error)})`, { cause: error })
      }
    })
    this.line = answer.catch(() => undefined)
    return answer
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error)
}

function hostsFile(): string {
  const { SystemRoot: windows } = process.env
  return windows === undefined ? '/etc/hosts' : `${windows}\\System32\\drivers\\etc\\hosts`
}

/** What a hosts file says of a name. */
function addressesIn(file: string, name: string, family: Family): string[] {
  const text = file.toLowerCase()
  // Some have a hundred thousand names.
  if (!text.includes(name)) return []
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    return isIP(address) === family && names.includes(name) ? [address] : []
  })
}
