/**
 * A protocol with types on both sides: methods, a stream, a topic, and what bad data does.
 *
 *   npx tsx examples/protocol.ts
 */
import { firstValueFrom } from 'rxjs'
import { createNode, defineProtocol, isP2pError, json, nothing, stream, unary, utf8 } from 'tinyp2p'

interface Block {
  height: number
  text: string
}

const chain = defineProtocol({
  name: 'chain',
  codecs: { block: json<Block>(), height: json<number>() },
  methods: {
    tip: unary(nothing, 'block'),
    at: unary('height', 'block'),
    since: stream('height', 'block'),
    shout: unary(utf8, utf8),
  },
  topics: { mined: 'block' },
})

const listen = '/ip4/127.0.0.1/tcp/0'
const bob = await createNode({ listen })
const alice = await createNode({ listen, bootNodes: bob.addresses })

const blocks: Block[] = ['genesis', 'second', 'third'].map((text, height) => ({ height, text }))

chain.serve(bob, {
  tip: () => blocks.at(-1) ?? { height: -1, text: 'nothing' },
  at(height) {
    const block = blocks[height]
    if (block === undefined) throw Object.assign(new Error('no such block'), { expose: true, code: 'NotFound' })
    return block
  },
  async *since(height) {
    yield* blocks.slice(height)
  },
  shout: (text, { from }) => `${text.toUpperCase()}, ${from === alice.peerId ? 'alice' : 'stranger'}!`,
})

const client = chain.client(alice)
const remote = client.peer(bob.peerId)
console.log(await remote.tip())
console.log(await remote.shout('hello'))
for await (const { height, text } of remote.since(1)) console.log(height, text)

try {
  await remote.at(7)
} catch (error) {
  if (isP2pError(error, 'RequestRejected')) console.log(`${error.remoteCode}: ${error.message}`)
}

const mined = firstValueFrom(client.broadcasts$('mined'))
// A subscription takes a moment to get around.
await chain.client(bob).broadcast('mined', { height: 3, text: 'fourth' }, { waitForPeers: {} })
console.log((await mined).data)

await alice.stop()
await bob.stop()
