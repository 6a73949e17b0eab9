/** A node of ours as a user has it, whichever checkout its `createNode` is from. */
import type { NodeConfig, P2pNode } from '../../src/index.js'
import type { Contestant } from './contestant.js'

/** The pauses between rounds are no reason to close a connection, and a slow machine none to give up. */
const REQ_RESP = { connectionKeepAlive: 3_600_000, requestTimeout: 60_000 }
const CONFIG: NodeConfig = { listen: '/ip4/127.0.0.1/tcp/0', reqResp: REQ_RESP }

export function oursFrom(create: (config: NodeConfig) => Promise<P2pNode>): Contestant {
  return {
    async serve() {
      const node = await create(CONFIG)
      node.setEventHandler({ handleInboundRequest: (data) => data })
      return node.addresses[0] ?? ''
    },
    async connect(address) {
      const node = await create(CONFIG)
      const peer = await node.dial(address)
      return { ask: (bytes) => node.request(peer, bytes) }
    },
  }
}
