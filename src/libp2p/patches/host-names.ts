/**
 * TCP whose own lookups of names are ours (platform/names.ts): for kad's dials, and what a `/dnsaddr` stands for. (The addresses of the
 * lane's dials are known before.)
 *
 * Package: @libp2p/tcp 11.0.28
 * Private members: none; relied on is that TCP hands the options of a dial to `net.connect`, before what it has read in the address
 * Changes: a dial of a name has the option `lookup`; one of the lane's has `host` too, for which nothing is looked up.
 * Without it: each such dial starts a `getaddrinfo`. It cannot be called off, names that hang hold up all others, and a process
 *   may end a minute after its node. `/dns4` leads to IPv6 addresses too, and the lane's dials look up what they know already.
 * Missing option: `lookup` among the socket options of a dial.
 * Guarded by: spec/integration/libp2p/host-names-spec.ts
 */
import type { tcp } from '@libp2p/tcp'
import { hostNameOf, type HostName } from '../../core/peers/addresses.js'
import type { Names } from '../../platform/names.js'

type TcpFactory = ReturnType<typeof tcp>

export function namedTcp(create: TcpFactory, names: Names): TcpFactory {
  return (components) => {
    const transport = create(components)
    const stock = transport.dial.bind(transport)
    const dial: typeof stock = (address, options) => {
      const host = hostNameOf(address.toString())
      return stock(address, host === undefined ? options : withLookup(options, names, host.families))
    }
    return Object.assign(transport, { dial })
  }
}

function withLookup<Options>(options: Options, names: Names, families: HostName['families']): Options {
  return { ...options, lookup: names.lookup(families) }
}
