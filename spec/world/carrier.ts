/** The program that carries the packets of a world. It owns the namespaces and devices: they end with it. */
import { Orders } from './orders.js'
import { linkWords, type LinkSettings } from './profiles.js'
import { carrier } from './program.js'

/** A device on links: a host's, or one of the two of a NAT box. */
export interface Port {
  index: number
  /** Ports of one segment see each other. The public ones are in segment 0. */
  segment: number
}

/** What one direction of a link has done so far, in packets and bytes. */
export interface LinkCounters {
  sent: number
  sentBytes: number
  arrived: number
  arrivedBytes: number
  /** By chance. */
  lost: number
  /** Because the link was cut. */
  cut: number
  /** Because the queue was full. */
  overflowed: number
  reordered: number
  /** Bytes that wait. */
  queuedBytes: number
}

export interface Stats {
  links: (LinkCounters & { from: number; to: number })[]
  /** Packets to addresses that nobody has. */
  strays: number
  /** Packets from addresses that their sender does not have. */
  spoofed: number
}

export class Carrier extends Orders {
  constructor() {
    super('the carrier', carrier(), ['run'])
  }

  async openPort(namespace: string, device: string, segment: number, gateway = false): Promise<Port> {
    const index = (await this.ask(`port ${namespace} ${device} ${segment} ${gateway ? 1 : 0}`)) as number
    return { index, segment }
  }

  async setLink(from: Port, to: Port, settings: LinkSettings): Promise<void> {
    await this.ask(`link ${from.index} ${to.index} ${linkWords(settings)}`)
  }

  stats(): Promise<Stats> {
    return this.ask('stats') as Promise<Stats>
  }
}
