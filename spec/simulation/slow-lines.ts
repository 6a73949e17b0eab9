/**
 * A large value over a slow line, up or down, and a small request each half second beside it: how long the small ones take, and how
 * much longer than the line needs the large one takes.
 */
import type { P2pNode } from '../../src/index.js'
import { simulate, type SimulatedNetwork } from '../../src/testing/index.js'
import { Random } from '../../src/testing/network/random.js'
import { Violation } from './violation.js'

export interface SlowLine {
  /** Bytes a second. */
  rate: number
  /** One way, ms. */
  latency: number
  /** Of the large value, bytes. */
  size: number
  /** Is it the request, or the answer? */
  direction: 'up' | 'down'
  /** The line was fast before, and the asker still begins with all of its first window. */
  wasFast?: boolean
}

export interface Seen {
  /** What became of the large one, and when, ms. */
  end: string
  took: number
  /** How long each small request took, sorted, ms; `Infinity`: it failed. */
  small: number[]
}

const EVERY = 500
const PATIENCE = 120_000
/** Of a request by default, bytes. */
const LARGEST = 1_048_576
/** Of a request, what may come before any CREDIT, bytes. */
export const FIRST = 65_536
/** Of an answer by which a line is known, because it takes several writes, bytes. */
const TEACHING = 600_000

export async function sendBeside({ rate, latency, size, direction, wasFast = false }: SlowLine): Promise<Seen> {
  const net = simulate({ latency })
  const config = { discoveryInterval: 1_000_000_000 }
  const [a, b] = [await net.createNode(config), await net.createNode(config)]
  b.setEventHandler({ handleInboundRequest: (data) => new Uint8Array(data[0] === 1 ? size : 1) })
  a.setEventHandler({ handleInboundRequest: () => new Uint8Array(TEACHING) })
  await net.until(a.request(b.addresses[0]!, new Uint8Array(10)))
  if (wasFast) for (let i = 0; i < 4; i++) await net.until(a.request(b.peerId, new Uint8Array(LARGEST)))
  net.limit(a, b, rate)
  // The answerer gets to know the line by an answer to itself, which tells the asker nothing.
  if (wasFast) await net.until(b.request(a.peerId, new Uint8Array(10), { timeout: PATIENCE }))
  await net.run(3_000)
  const start = net.now
  const payload = direction === 'up' ? new Uint8Array(size) : Uint8Array.of(1)
  let took: number | undefined
  const large = a.request(b.peerId, payload, { timeout: PATIENCE }).then(
    () => 'ok',
    (error: { code: string }) => error.code,
  )
  void large.then(() => {
    took = net.now - start
  })
  const isOver = (): boolean => took !== undefined
  const small: Promise<number>[] = []
  while (!isOver()) {
    await net.run(EVERY)
    if (!isOver()) small.push(timeOf(net, a, b))
  }
  const times = await net.until(Promise.all(small))
  return { end: await large, took: took!, small: times.sort((one, other) => one - other) }
}

function timeOf(net: SimulatedNetwork, a: P2pNode, b: P2pNode): Promise<number> {
  const start = net.now
  return a.request(b.peerId, new Uint8Array(100)).then(
    () => net.now - start,
    () => Infinity,
  )
}

/** One such line, by chance: nothing fails, and the small requests wait for a part of the large one alone. */
export async function useSlowLine(seed: number): Promise<void> {
  const random = new Random(`slow line ${seed}`)
  const rate = 10_000 + random.below(90_000)
  const latency = 1 + random.below(100)
  const size = Math.min(rate * (5 + random.below(15)), LARGEST)
  const direction = random.below(2) === 0 ? 'up' : 'down'
  const wasFast = direction === 'up' && size >= 4 * FIRST && random.below(2) === 0
  const { end, took, small } = await sendBeside({ rate, latency, size, direction, wasFast })
  const what = `${size} bytes ${direction} at ${rate} bytes a second${wasFast ? ', which were more before,' : ''}`
  if (end !== 'ok') throw new Violation('liveness', `${what} ended with ${end} after ${took} ms`, took)
  // The first flight, or what the line carries in half a second and two round trips; and the way of the small one itself.
  const most = Math.ceil((24_000 * 1_000) / rate) + 700 + 8 * latency
  // Some wait for the first window, if all of that comes at once.
  const longest = wasFast ? small[small.length >> 1] : small.at(-1)
  if (longest === undefined) throw new Violation('fair', `nothing was asked beside ${what}`, took)
  if (longest > most) throw new Violation('fair', `a small request beside ${what} took ${longest} ms`, took)
}
