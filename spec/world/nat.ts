/** A NAT box: a place with a public device and an inner one, and nftables between them. */
import type { Carrier, Port } from './carrier.js'
import { Place } from './place.js'

/**
 * How a box maps and filters connections from inside. All but `cone` let nothing in that was not asked for.
 * - `cone`: outer ports are the inner ones; whoever knows the port of a host that has sent from it gets in.
 * - `restricted`: outer ports are the inner ones where they are free, for every destination the same.
 * - `symmetric`: each connection has another outer port, by chance.
 */
export type NatKind = 'cone' | 'restricted' | 'symmetric'

export interface NatOptions {
  kind?: NatKind
  /** Names of the hosts behind it. */
  hosts: string[]
  /** Seconds after which a silent connection is forgotten: its packets are then lost. Default: days. */
  idleTimeout?: number
}

export class Nat extends Place {
  outer!: Port
  inner!: Port

  private constructor(
    name: string,
    carrier: Carrier,
    namespace: string,
    /** The public one. */
    readonly address: string,
  ) {
    super(name, carrier, namespace)
  }

  static async create(
    name: string,
    carrier: Carrier,
    { address, gateway, segment }: { address: string; gateway: string; segment: number },
    { kind = 'restricted', idleTimeout }: Omit<NatOptions, 'hosts'>,
  ): Promise<Nat> {
    const nat = new Nat(name, carrier, (await carrier.ask('namespace')) as string, address)
    nat.outer = await carrier.openPort(nat.namespace, 'outer', 0)
    nat.inner = await carrier.openPort(nat.namespace, 'inner', segment, true)
    await carrier.ask(`address ${nat.outer.index} ${address}`)
    await carrier.ask(`address ${nat.inner.index} ${gateway}`)
    await nat.ip(
      'link set lo up',
      ...['outer', 'inner'].flatMap((device) => [
        `link set ${device} addrgenmode none`,
        `link set ${device} up mtu 1500 txqueuelen 2000`,
      ]),
      `address add ${address}/32 dev outer`,
      `address add ${gateway}/24 dev inner`,
      'route add default dev outer',
    )
    await nat.exec('sysctl', ['-q', '-w', 'net.ipv4.ip_forward=1'])
    await nat.exec('nft', ['-f', '-'], rules(kind))
    if (idleTimeout !== undefined) {
      const conntrack = 'net.netfilter.nf_conntrack'
      // What it has forgotten must not begin again in the middle.
      const settings = [`${conntrack}_tcp_timeout_established=${idleTimeout}`, `${conntrack}_tcp_loose=0`]
      await nat.exec('sysctl', ['-q', '-w', ...settings])
    }
    return nat
  }

  /** A port mapping: TCP connections to this port of the public address reach that host. */
  async forward(port: number, { address }: { address: string }, hostPort = port): Promise<void> {
    await this.exec('nft', ['add', 'element', 'ip', 'nat', 'forwards', `{ ${port} : ${address} . ${hostPort} }`])
  }
}

function rules(kind: NatKind): string {
  return `
    table ip nat {
      map forwards { type inet_service : ipv4_addr . inet_service; }
      map senders { type inet_proto . inet_service : ipv4_addr; flags dynamic; size 65535; }
      chain incoming {
        type nat hook prerouting priority dstnat;
        iifname outer dnat ip to tcp dport map @forwards
        ${kind === 'cone' ? 'iifname outer dnat to meta l4proto . th dport map @senders' : ''}
      }
      chain outgoing {
        type nat hook postrouting priority srcnat;
        ${kind === 'cone' ? 'oifname outer update @senders { meta l4proto . th sport : ip saddr }' : ''}
        oifname outer masquerade ${kind === 'symmetric' ? 'fully-random' : ''}
      }
    }
    table ip filter {
      chain input {
        type filter hook input priority 0;
        iifname outer ct state != { established, related } drop
      }
      chain forward {
        type filter hook forward priority 0;
        iifname outer ct state { established, related } accept
        iifname outer ct status dnat accept
        iifname outer drop
        ct state invalid drop
      }
    }`
}
