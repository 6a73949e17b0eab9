/**
 * What others may use of a node, each limit with its default and the reason. All that counts bytes is a part of one budget of memory.
 * This file knows no state; who keeps to a limit is said beside it.
 */

/** Limits of a node, its option `limits`. A rate allows two seconds' worth of it at once. */
export interface Limits {
  /**
   * Bytes that others may make this node hold, in all; every limit in bytes below that is not set is a part of it. From 16 MiB on.
   * Default 268,435,456 (256 MiB): a small machine has as much to spare.
   */
  memory: number
  /**
   * Requests of others without an answer, in all. Who asks takes at most as many as are free, so there is always room for
   * another peer; an eighth is for peers that are trusted. More are refused (`Overloaded`). Default 4,000.
   */
  requests: number
  /** … of one peer. Default 1,000. */
  requestsPerPeer: number
  /** Bytes of requests of others, from their declaration to their end, in all; more wait at their askers. Default: a quarter of `memory`. */
  requestBytes: number
  /** … of one peer. Default: a sixteenth of `memory`. */
  requestBytesPerPeer: number
  /**
   * Questions of Kademlia (who is close to a place?) of one peer in a second. A range of addresses (a /24 of IPv4, a /48 of IPv6; each peer
   * on this machine is for itself) has four times as much, and all together twenty times; each peer has two a second whatever the others
   * do. More are reset. Default 50: a lookup asks a peer once or twice, and a discovery interval has two.
   */
  kadRate: number
  /** Streams of identify, and its pushes, in the same way. Default 4: a connection has one, and a change of addresses. */
  identifyRate: number
  /** Pings, in the same way. Default 20: a node pings each 15 s, and after each second in which it has sent much. */
  pingRate: number
}

type Name = keyof Limits

/** A limit: its unit, the values that it may have, and the default, which may follow from the budget of memory. */
export interface LimitRule {
  unit: 'bytes' | 'ms' | 'peers' | 'connections' | 'requests' | 'per second'
  least: number
  most: number
  standard: number | { ofMemory: number }
}

const MEMORY = 268_435_456
const MOST_BYTES = 2 ** 40
const MOST = 1_000_000

/** A limit that is missing here is a type error. */
export const LIMIT_RULES: { readonly [Limit in Name]: LimitRule } = {
  memory: { unit: 'bytes', least: 16_777_216, most: MOST_BYTES, standard: MEMORY },
  requests: { unit: 'requests', least: 1, most: MOST, standard: 4_000 },
  requestsPerPeer: { unit: 'requests', least: 1, most: MOST, standard: 1_000 },
  requestBytes: { unit: 'bytes', least: 1, most: MOST_BYTES, standard: { ofMemory: 1 / 4 } },
  requestBytesPerPeer: { unit: 'bytes', least: 1, most: MOST_BYTES, standard: { ofMemory: 1 / 16 } },
  kadRate: { unit: 'per second', least: 1, most: MOST, standard: 50 },
  identifyRate: { unit: 'per second', least: 1, most: MOST, standard: 4 },
  pingRate: { unit: 'per second', least: 1, most: MOST, standard: 20 },
}

/** All limits: those that are given, and what follows from the budget of memory for the others. */
export function limitsOf(given: Partial<Limits> = {}): Limits {
  const memory = given.memory ?? MEMORY
  const entries = Object.entries(LIMIT_RULES).map(([name, { standard }]) => {
    const value = typeof standard === 'number' ? standard : Math.floor(memory * standard.ofMemory)
    return [name, given[name as Name] ?? value]
  })
  return Object.fromEntries(entries) as Limits
}
