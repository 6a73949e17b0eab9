/**
 * Two that dial each other at once over a line of 25 kB/s, while the one sends the other what takes a minute: each has two
 * connections then, and tests the older one, whose ping or answer waits behind a second's worth of bytes and more: many seconds' worth
 * when the other one speaks version 1 alone, in which all goes at once.
 */
import { REQUEST_RESPONSE_V1 } from '../../src/wire/protocols.js'
import { simulate } from '../../src/testing/index.js'
import { Random } from '../../src/testing/network/random.js'
import { Violation } from './violation.js'

const SLOW_LINE = 25_000
/** Two of them take 80 s. */
const SIZE = 1_000_000
const PATIENCE = 100_000

export async function dialBothWays(seed: number): Promise<void> {
  const random = new Random(`both ways ${seed}`)
  const net = simulate({ seed, latency: 5 + random.below(80), jitter: 5 })
  const config = { discoveryInterval: 1_000_000_000, reqResp: { requestTimeout: PATIENCE } }
  const isOld = random.below(2) === 0
  const a = await net.createNode(config)
  const b = await net.createNode(config, {}, isOld ? { protocols: [REQUEST_RESPONSE_V1] } : {})
  b.setEventHandler({ handleInboundRequest: (data) => data.slice(0, 1) })
  net.limit(a, b, SLOW_LINE)
  const large = [0, 1].map(() => a.request(b.addresses[0]!, new Uint8Array(SIZE)).then(() => 'ok', String))
  await net.run(random.below(40))
  b.dial(a.addresses[0]!).catch(() => undefined)
  for (const end of await net.until(Promise.all(large))) {
    if (end !== 'ok')
      throw new Violation('liveness', `a large request, sent while both dialled, ended with ${end}`, net.now)
  }
}
