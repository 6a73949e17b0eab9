/** The smallest simulated network: two nodes, of which Alice has Bob as her boot node. */
import type { NodeConfig, P2pNode } from 'tinyp2p'
import { simulate, type SimulatedNetwork } from 'tinyp2p/testing'

export interface SimulatedPair {
  net: SimulatedNetwork
  alice: P2pNode
  bob: P2pNode
}

/** `config`: Alice's. */
export async function simulatedPair(config: NodeConfig = {}): Promise<SimulatedPair> {
  const net = simulate()
  const bob = await net.createNode()
  const alice = await net.createNode({ bootNodes: bob.addresses, ...config })
  return { net, alice, bob }
}
