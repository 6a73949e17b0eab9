/**
 * A node of ours in a process of its own, for specs that kill it. Takes a config as JSON, tells `listening` as the Rust peer
 * does, answers with what it was asked, and ends with its standard input.
 *
 *   node --import tsx spec/interop/node-process.ts '{"listen":"/ip4/127.0.0.1/tcp/0"}'
 */
import { createNode, type NodeConfig } from '../../src/index.js'

const node = await createNode(JSON.parse(process.argv[2] ?? '{}') as NodeConfig)
node.setEventHandler({ handleInboundRequest: (data) => data })
console.log(JSON.stringify({ event: 'listening', peerId: node.peerId, address: node.addresses[0] }))
process.stdin.resume().once('end', () => process.exit())
