/**
 * Two nodes in one process: a request, its answer, and what goes wrong as typed errors.
 *
 *   npx tsx examples/request.ts
 */
import { createNode, P2pError } from 'tinyp2p'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (data: Uint8Array): string => new TextDecoder().decode(data)
const listen = '/ip4/127.0.0.1/tcp/0'

const bob = await createNode({ listen })
const alice = await createNode({ listen, bootNodes: bob.addresses })

bob.setEventHandler({
  async handleInboundRequest(data) {
    const text = decode(data)
    if (text === 'sleep') await new Promise((resolve) => setTimeout(resolve, 1_000))
    if (text === 'fail') throw new Error('this text stays with bob')
    return encode(text.toUpperCase())
  },
})

async function ask(peer: string, text: string): Promise<void> {
  try {
    const answer = await alice.request(peer, encode(text), { timeout: 500 })
    console.log(`${text}: ${decode(answer)}`)
  } catch (error) {
    if (!(error instanceof P2pError)) throw error
    console.log(`${text}: ${error.code}: ${error.message}`)
  }
}

await ask(bob.peerId, 'hello')
await ask(bob.peerId, 'fail')
await ask(bob.peerId, 'sleep')
await ask('not a peer id', 'hello')
await bob.stop()
await ask(bob.peerId, 'are you there')
await alice.stop()
