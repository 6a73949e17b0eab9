/**
 * What others may use of a node, each limit with its default and the reason. All that counts bytes is a part of one budget of memory.
 * This file knows no state; who keeps to a limit is said beside it.
 */

/** Limits of a node, its option `limits`. A rate allows two seconds' worth of it at once. */
export interface Limits {
  /**
   * Bytes that others may make this node hold; every limit in bytes below that is not set is a part of it. Each of these is meant for one kind
   * of use: all of them full at once would be twice as much. From 16 MiB on.
   * Default 268,435,456 (256 MiB): a small machine has as much to spare.
   */
  memory: number
  /**
   * Requests of others without an answer, in all. Who asks takes at most as many as are free, so there is room for
   * another peer while any is free; an eighth is for peers that are trusted, and a sixteenth for those that have none or few open, since peers
   * that come one after the other would halve the rest until none is left. More are refused (`Overloaded`). Default 4,000.
   */
  requests: number
  /**
   * … of one peer. Peers are told how many of theirs may be open: this, or the half of what is in neither part if that is less. Before it is told,
   * an asker sends 256, so with less some of a burst are refused (`Overloaded`) when a connection is new: `requests` has to be 628 for it. Default 1,000.
   */
  requestsPerPeer: number
  /** Bytes of requests of others, from their declaration to their end, in all; more wait at their askers. Default: a quarter of `memory`. */
  requestBytes: number
  /** … of one peer. Default: a sixteenth of `memory`. */
  requestBytesPerPeer: number
  /**
   * Bytes of answers that others have not taken yet, in all. What an answer will take is reserved before its handler is called, as far
   * as it can be foreseen, and requests for which there is no room wait; an answer that is far larger than foreseen, and finds no room,
   * is dropped (`Overloaded`). Default: a quarter of `memory`.
   */
  answerBytes: number
  /** … to one peer: whoever does not read stops its own requests, and nobody else's. Default: a sixteenth of `memory`. */
  answerBytesPerPeer: number
  /**
   * Bytes of answers to requests of this node that come in parts, each with the size that it says, from the first part to the end, in all;
   * others wait at whoever sends them. As many again may have come of those that wait (16 KiB of each, or the credit of its request, and 256 KiB
   * over version 1); beyond that the newest request to whoever has most of them ends (`Overloaded`). Default: a quarter of `memory`.
   */
  responseBytes: number
  /** … of one peer; an answer that is larger takes all of it. Default: a sixteenth of `memory`. */
  responseBytesPerPeer: number
  /**
   * Handlers at work at once, in all; other requests wait for their turn, peer after peer. A handler counts until its promise has
   * settled or its iterator has returned, whether or not its answer is still wanted, for a minute at most. Default 4,000, as `requests`:
   * most handlers wait for something else, and cost little meanwhile.
   */
  handlers: number
  /** … for one peer. Default 1,000. */
  handlersPerPeer: number
  /**
   * An answer of several values ends (`Overloaded`) when its asker has taken nothing for so long, though something waits for it, or its
   * producer for credit, ms. One whose producer has nothing to say goes on. It is looked at this often, so it may take up to twice as long;
   * when others find no room, the idlest answers of whoever has most of them end at once. Default 60,000: no reader pauses so long by chance.
   */
  answerIdleTimeout: number
  /**
   * Questions of Kademlia (who is close to a place?) of one peer in a second. A range of addresses (a /24 of IPv4, a /48 of IPv6; each peer
   * on this machine is for itself) has four times as much, and all together twenty times; each peer has two a second whatever the others
   * do. More are reset. Default 50: a lookup asks a peer once or twice, and a discovery interval has two.
   */
  kadRate: number
  /** Streams of identify, and its pushes, in the same way. Default 4: a connection has one, or more if it is not answered, and a change of addresses. */
  identifyRate: number
  /** Pings, in the same way. Default 20: a node pings each 15 s, and after each second in which it has sent much. */
  pingRate: number
  /**
   * What one peer may gossip in a second: new messages, and other words that make work (a repeat and a message that is asked for count
   * half, ids that are offered or refused a sixteenth, a message whose key is dear to verify as many as it is dear, and what a peer says
   * while its score is so bad that nothing of it is read sixteen). A range of addresses has four times as much, a peer that the config
   * names sixteen times. Whoever says more is read later: its own queue fills, and nothing is lost here. Default 2,000: a quarter of the
   * time of one core.
   */
  gossipRate: number
  /** Bytes of it, in the same way. Default 4,194,304: 64 of the largest messages. */
  gossipByteRate: number
  /**
   * Bytes of the broadcasts of the last ten seconds, which peers may ask for (IWANT), with 1 KiB for each. Beyond it whoever has brought
   * most loses its oldest: they are handed on and delivered all the same. Default: an eighth of `memory`.
   */
  gossipCacheBytes: number
  /**
   * Bytes of the topics that peers are in and this node is not, 1 KiB for each. Peers, and ranges of addresses, share them: what a peer
   * joins beyond its share, or beyond 1,024, is left out. Default: a sixteenth of `memory`.
   */
  topicBytes: number
  /**
   * Bytes of large messages that are being fetched, and as many that are kept for others to fetch. Peers, and ranges of addresses, share
   * what is fetched from them, and more waits for as long as a fetch may take; of what is kept whoever has brought most loses its oldest. Default: a
   * quarter of `memory`.
   */
  largeBytes: number
  /** Bytes of the histories of all topics. Beyond it whoever has brought most of the largest history loses its oldest. Default: an eighth of `memory`. */
  historyBytes: number
  /**
   * Peers that the application is asked about at once, where the config has `access.authorize`, in shares by range of addresses; others wait
   * for their turn. Default 64: most of them ask a database.
   */
  authorizing: number
  /**
   * An `authorize` that has not answered for so long has said no, ms; a peer that has waited for its turn has less. Default 5,000: an address
   * that is dialled has 6 s, with others too.
   */
  authorizeTimeout: number
  /**
   * Streams that one peer may open in a second, and twice as many at once; a range of addresses has four times as much, and all together
   * twenty times. Those that end in good order do not count any more. Beyond it nothing more is read from the peer until there is room,
   * and when that goes on for 5 s it is hung up on. Default 500: a peer of version 1 has some hundreds of requests under way.
   */
  streamRate: number
  /**
   * Connections in all. When there are more, the least useful one is closed: of a peer that was never answered, or is not trusted, that we do
   * not ask, and that no mesh has; those of ranges of addresses of which there are most, and the newest, first. An eighth of the places is for
   * those in their first 3 s, which are spared, and half for those that have been trusted longest. Peers of the config keep theirs. Default 300.
   */
  connections: number
  /** … to one peer, in the same way. Default 8: two nodes that dial each other have two, and one that was lost may look open for a while. */
  connectionsPerPeer: number
  /** … from one range of addresses (a /24 of IPv4, a /48 of IPv6; each peer on this machine is for itself). Default 64: a large household. */
  connectionsPerRange: number
  /**
   * Connections of others that are not yet known by whom, and that may take 10 s until they are. When there are more, the oldest one of the
   * range that has most is closed. They take no places of connections. Default 256.
   */
  handshakes: number
  /** … of one range of addresses (each address of this machine is for itself). Default 64: twenty nodes that start at once, and more. */
  handshakesPerRange: number
  /**
   * Handshakes that begin in a second from one range; all together have four times as much, and each range two in any case. Default 25: twenty
   * nodes that start at once, some of which dial each other.
   */
  handshakeRate: number
}

type Name = keyof Limits

/** A limit: its unit, the values that it may have, and the default, which may follow from the budget of memory. */
interface LimitRule {
  unit: 'bytes' | 'ms' | 'peers' | 'connections' | 'requests' | 'handlers' | 'per second' | 'bytes per second'
  least: number
  most: number
  standard: number | { ofMemory: number }
}

const MEMORY = 268_435_456
const MOST_BYTES = 2 ** 40
const MOST = 1_000_000
const MOST_MS = 2 ** 31 - 1

/** A limit that is missing here is a type error. */
export const LIMIT_RULES: { readonly [Limit in Name]: LimitRule } = {
  memory: { unit: 'bytes', least: 16_777_216, most: MOST_BYTES, standard: MEMORY },
  requests: { unit: 'requests', least: 1, most: MOST, standard: 4_000 },
  requestsPerPeer: { unit: 'requests', least: 1, most: MOST, standard: 1_000 },
  requestBytes: { unit: 'bytes', least: 1, most: MOST_BYTES, standard: { ofMemory: 1 / 4 } },
  requestBytesPerPeer: { unit: 'bytes', least: 1, most: MOST_BYTES, standard: { ofMemory: 1 / 16 } },
  answerBytes: { unit: 'bytes', least: 1, most: MOST_BYTES, standard: { ofMemory: 1 / 4 } },
  answerBytesPerPeer: { unit: 'bytes', least: 1, most: MOST_BYTES, standard: { ofMemory: 1 / 16 } },
  responseBytes: { unit: 'bytes', least: 1, most: MOST_BYTES, standard: { ofMemory: 1 / 4 } },
  responseBytesPerPeer: { unit: 'bytes', least: 1, most: MOST_BYTES, standard: { ofMemory: 1 / 16 } },
  handlers: { unit: 'handlers', least: 1, most: MOST, standard: 4_000 },
  handlersPerPeer: { unit: 'handlers', least: 1, most: MOST, standard: 1_000 },
  answerIdleTimeout: { unit: 'ms', least: 1, most: MOST_MS, standard: 60_000 },
  kadRate: { unit: 'per second', least: 1, most: MOST, standard: 50 },
  identifyRate: { unit: 'per second', least: 1, most: MOST, standard: 4 },
  pingRate: { unit: 'per second', least: 1, most: MOST, standard: 20 },
  gossipRate: { unit: 'per second', least: 1, most: MOST, standard: 2_000 },
  gossipByteRate: { unit: 'bytes per second', least: 1_024, most: MOST_BYTES, standard: 4_194_304 },
  gossipCacheBytes: { unit: 'bytes', least: 1, most: MOST_BYTES, standard: { ofMemory: 1 / 8 } },
  topicBytes: { unit: 'bytes', least: 1, most: MOST_BYTES, standard: { ofMemory: 1 / 16 } },
  largeBytes: { unit: 'bytes', least: 1, most: MOST_BYTES, standard: { ofMemory: 1 / 4 } },
  historyBytes: { unit: 'bytes', least: 1, most: MOST_BYTES, standard: { ofMemory: 1 / 8 } },
  authorizing: { unit: 'peers', least: 1, most: MOST, standard: 64 },
  authorizeTimeout: { unit: 'ms', least: 1, most: MOST_MS, standard: 5_000 },
  streamRate: { unit: 'per second', least: 1, most: MOST, standard: 500 },
  connections: { unit: 'connections', least: 1, most: MOST, standard: 300 },
  connectionsPerPeer: { unit: 'connections', least: 1, most: MOST, standard: 8 },
  connectionsPerRange: { unit: 'connections', least: 1, most: MOST, standard: 64 },
  handshakes: { unit: 'connections', least: 1, most: MOST, standard: 256 },
  handshakesPerRange: { unit: 'connections', least: 1, most: MOST, standard: 64 },
  handshakeRate: { unit: 'per second', least: 1, most: MOST, standard: 25 },
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
