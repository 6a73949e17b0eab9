/**
 * Two nodes in one process: a stream of values that is pulled as fast as its reader reads, left in the middle, and a ticker
 * whose slow reader sees the newest values only.
 *
 *   npx tsx examples/stream.ts
 */
import { setTimeout as pause } from 'node:timers/promises'
import { interval, map } from 'rxjs'
import { createNode } from 'tinyp2p'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (data: Uint8Array): string => new TextDecoder().decode(data)
const listen = '/ip4/127.0.0.1/tcp/0'

const bob = await createNode({ listen })
const alice = await createNode({ listen, bootNodes: bob.addresses })

let made = 0
/** An endless answer: 8 KiB a piece, made only when there is room for it. */
async function* pieces(): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      made++
      yield new Uint8Array(8_192)
    }
  } finally {
    console.log('bob: nobody wants more, the generator has ended')
  }
}

bob.setEventHandler({
  handleInboundRequest: (data) =>
    decode(data) === 'pieces' ? pieces() : interval(10).pipe(map((i) => encode(`${i}`))),
})

let read = 0
for await (const piece of alice.request$(bob.peerId, encode('pieces'))) {
  read += piece.length
  await pause(20)
  if (read >= 20 * 8_192) break
}
console.log(`alice: read ${read / 8_192} pieces; bob made ${made - read / 8_192} more than that`)

let last = -1
let skipped = 0
for await (const tick of alice.request$(bob.peerId, encode('ticks'), { onOverflow: 'conflate' })) {
  const count = Number(decode(tick))
  skipped += count - last - 1
  last = count
  await pause(100)
  if (count > 50) break
}
console.log(`alice: came to tick ${last} and never saw ${skipped} of those before it`)

await alice.stop()
await bob.stop()
