/**
 * A node as streams: its status and the requests that come in, with RxJS operators.
 *
 *   npx tsx examples/observe.ts
 */
import { bufferTime, distinctUntilChanged, filter, map, take, tap } from 'rxjs'
import { createNode } from 'tinyp2p'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (data: Uint8Array): string => new TextDecoder().decode(data)
const listen = '/ip4/127.0.0.1/tcp/0'

const server = await createNode({ listen })

// The status now and after every change of it; `complete` comes with `stop()`.
server.status$
  .pipe(
    map(({ connections }) => connections.length),
    distinctUntilChanged(),
  )
  .subscribe({
    next: (count) => console.log(`connections: ${count}`),
    complete: () => console.log('the server has stopped'),
  })

// Three pings are answered, everything else is rejected. A request that nobody answers is rejected after its timeout.
server.requests$
  .pipe(
    tap((request) => decode(request.data) === 'ping' || request.reject()),
    filter((request) => decode(request.data) === 'ping'),
    take(3),
  )
  .subscribe((request) => request.respond(encode('pong')))

// How many requests came in each half second, whichever handler answers them.
server.requests$
  .pipe(
    bufferTime(500),
    filter((requests) => requests.length > 0),
  )
  .subscribe((requests) => console.log(`requests: ${requests.length}`))

const client = await createNode({ listen, bootNodes: server.addresses })
for (const text of ['ping', 'ping', 'other', 'ping']) {
  const answer = await client.request(server.peerId, encode(text)).catch((error: Error) => encode(error.message))
  console.log(`${text}: ${decode(answer)}`)
}
await client.stop()
await server.stop()
