/**
 * A node that may be kept from some peers, by a gate that refuses to dial and to be dialled, and whose gossipsub has other
 * numbers or is counted: the public config can say none of it.
 */
import type { GossipsubOpts } from '@chainsafe/libp2p-gossipsub'
import type { NodeConfig } from '../../src/config/config.js'
import type { P2pNode } from '../../src/node/p2p-node.js'
import { startNode } from './nodes.js'

export interface Gating {
  /** Peer ids; they may be added later. */
  denied?: Set<string>
  gossipsub?: Partial<GossipsubOpts>
}

/** `stopNodes` ends it. */
export function startGated(config: NodeConfig, { denied = new Set(), gossipsub = {} }: Gating): Promise<P2pNode> {
  return startNode(config, {}, { gossipsub, gate: { deny: (peer) => denied.has(peer) } })
}

/** What gossipsub counts by itself, by the name of its metric. (Its `rpc_…` count streams that it reads and writes, and it has none.) */
export class GossipCounts {
  private readonly counts = new Map<string, number>()

  /** Go among the gossipsub options. */
  readonly options: Partial<GossipsubOpts>

  constructor() {
    const metric = ({ name }: { name: string }) => ({
      inc: (first?: unknown, second?: unknown) => {
        const amount = [first, second].find((value) => typeof value === 'number') ?? 1
        this.counts.set(name, this.of(name) + amount)
      },
      set() {},
      addCollect() {},
      observe() {},
      reset() {},
      startTimer: () => () => {},
    })
    const metricsRegister = { gauge: metric, histogram: metric, avgMinMax: metric } as never
    this.options = { metricsRegister, metricsTopicStrToLabel: new Map() }
  }

  of(name: string): number {
    return this.counts.get(name) ?? 0
  }
}
