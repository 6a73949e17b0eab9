/**
 * The load of the goal: one request of 1 KiB a node and second through the real codecs, one broadcast a second in the network,
 * 20 ± 10 ms latency, and one partition and its healing on the way.
 */
import { simulate } from '../../src/testing/index.js'
import { isP2pError } from '../../src/errors.js'

/** Runs it, and says what it took. */
export async function underLoad(size: number, seconds: number): Promise<string> {
  const started = performance.now()
  const net = simulate({ seed: 1, latency: 20, jitter: 10 })
  const boot = await net.createNode({ topics: ['block'] })
  const nodes = [boot]
  for (let i = 1; i < size; i++) nodes.push(await net.createNode({ topics: ['block'], bootNodes: boot.addresses }))
  const endings: Record<string, number> = {}
  const count = (ending: string): void => {
    endings[ending] = (endings[ending] ?? 0) + 1
  }
  let deliveries = 0
  for (const node of nodes) {
    node.setEventHandler({ handleInboundRequest: (data) => data })
    node.broadcasts$().subscribe(() => deliveries++)
  }
  const data = new Uint8Array(1_024)
  for (let second = 0; second < seconds; second++) {
    if (second === Math.floor(seconds / 3)) net.partition([nodes.slice(0, size / 2), nodes.slice(size / 2)])
    if (second === Math.floor(seconds / 2)) net.heal()
    nodes.forEach((node, i) => {
      const to = nodes[(i * 7 + second * 13 + 1) % size]!
      if (to === node) return
      node.request(to.peerId, data).then(
        () => count('answered'),
        (error: unknown) => count(isP2pError(error) ? error.code : String(error)),
      )
    })
    nodes[second % size]!.broadcast('block', new TextEncoder().encode(`block ${second}`)).catch(() => undefined)
    await net.run(1_000)
  }
  const ms = performance.now() - started
  // What the machine did for it: says more than the time when others are at work on it too.
  const cpu = process.cpuUsage()
  const { events, packets } = net.counts
  return [
    `${size} nodes, ${seconds} virtual seconds: ${(ms / 1_000).toFixed(2)} s of real time, ${((cpu.user + cpu.system) / 1e6).toFixed(2)} s of CPU with the start of the process`,
    `  ${events} events (${((1_000 * ms) / events).toFixed(1)} µs each), ${packets} packets, ${Math.round(process.memoryUsage().rss / 1e6)} MB`,
    `  requests ${JSON.stringify(endings)}, ${deliveries} broadcasts delivered`,
    ...shares(net.tally()),
  ].join('\n')
}

/** What the events are about: the types of each, and all others belong to the last. */
const KINDS: [string, RegExp][] = [
  ['connections opened and closed', /^connection/],
  ['subscriptions that come and go with them', /^subscriptionChanged/],
  ['streams of pub/sub that come and go with them', /^gossip(Opened|Closed)/],
  ['identify', /^identified/],
  ['wake-ups', /^woken/],
  ['changes of the table', /^tableChanged/],
  ['requests, with all of their streams', /^(request|respond|data|writable|stream)/],
  ['pings', /^ping/],
  ['broadcasts, ticks, dials, the rest', /^/],
]

function shares(counts: Map<string, number>): string[] {
  const left = new Map(counts)
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return KINDS.map(([kind, types]) => {
    let amount = 0
    for (const [type, count] of left) {
      if (!types.test(type)) continue
      left.delete(type)
      amount += count
    }
    return `  ${((100 * amount) / all).toFixed(1).padStart(5)} %  ${String(amount).padStart(9)}  ${kind}`
  })
}
