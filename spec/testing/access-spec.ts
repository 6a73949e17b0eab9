/** Who may come in, in a simulated network: the same options, and faults at the wrong moment. */
import { newNetworkKey, type AccessConfig, type P2pNode } from 'tinyp2p'
import { simulate, type SimulatedNetwork } from 'tinyp2p/testing'
import { describe, expect, it } from '@jest/globals'
import { bytes, outcome, text } from '../support/nodes.js'

async function start(net: SimulatedNetwork, access: AccessConfig = {}, config = {}): Promise<P2pNode> {
  const node = await net.createNode({ access, ...config })
  node.setEventHandler({ handleInboundRequest: (data) => data })
  return node
}

/** The answer, or the code of the error. */
const ask = (from: P2pNode, to: P2pNode): Promise<string> =>
  from.request(to.addresses[0]!, bytes('hi')).then(text, (error: { code: string }) => error.code)
const later = (net: SimulatedNetwork, ms: number): Promise<void> =>
  new Promise((resolve) => {
    net.scheduler.schedule(() => resolve(), ms)
  })

describe('a simulated network', () => {
  it('has lists, which change at run time and with time', async () => {
    const net = simulate({ seed: 1, latency: 20 })
    const [a, b] = [await start(net), await start(net)]
    expect(await net.until(ask(a, b))).toBe('hi')
    await net.until(b.deny(a.peerId, { for: 5_000 }))
    expect(await net.until(ask(b, a))).toBe('Denied')
    expect(await net.until(ask(a, b))).not.toBe('hi')
    await net.run(5_000)
    expect(await net.until(ask(a, b))).toBe('hi')
    await net.until(b.deny('10.0.0.0/8'))
    expect(await net.until(ask(b, a))).toBe('Denied')
    await net.until(b.allow('10.0.0.0/8'))
    expect(await net.until(ask(b, a))).toBe('hi')
  })

  it('has authorize: what comes meanwhile waits, and nothing of it is lost', async () => {
    const net = simulate({ seed: 2, latency: 20 })
    const asked: string[] = []
    const b = await start(net, {
      authorize: async ({ peer }) => {
        asked.push(peer)
        await later(net, 2_000)
        return true
      },
    })
    const a = await start(net)
    const answers = Array.from({ length: 50 }, () => ask(a, b))
    await net.run(1_000)
    expect((await net.until(b.status())).connections).toEqual([])
    expect(new Set(await net.until(Promise.all(answers)))).toEqual(new Set(['hi']))
    expect(asked).toEqual([a.peerId])
  })

  it('has keys: networks do not mix, and a dial says why', async () => {
    const net = simulate({ seed: 3, latency: 20 })
    const [ours, theirs] = [newNetworkKey(), newNetworkKey()]
    const [a, b, c] = [
      await start(net, { networkKey: ours }),
      await start(net, { networkKey: ours }),
      await start(net, { networkKey: theirs }),
    ]
    expect(await net.until(ask(a, b))).toBe('hi')
    await expect(net.until(c.dial(b.addresses[0]!))).rejects.toThrow('another network key')
  })

  it.each([1, 2, 3, 4, 5])('keeps its word through kills, cuts and a change of the lists (seed %d)', async (seed) => {
    const net = simulate({ seed, latency: 30, jitter: 20, loss: 0.02 })
    const good = await start(net)
    const friends = [good]
    const b = await start(net, {
      authorize: async ({ peer }) => {
        await later(net, 400)
        return friends.some(({ peerId }) => peerId === peer)
      },
    })
    let eve = await start(net, {}, { bootNodes: b.addresses })
    const heard: string[] = []
    b.requests$.subscribe(({ from }) => heard.push(from))
    const asks: Promise<string>[] = []
    for (let round = 0; round < 6; round++) {
      asks.push(ask(eve, b), ask(good, b), outcome(b.dial(eve.addresses[0]!)))
      await net.run(150)
      if (round === 1) net.partition([[good], [b, eve]])
      if (round === 2) net.heal()
      if (round === 3) {
        await net.crash(eve)
        eve = await net.restart(eve)
      }
      if (round === 4) await net.until(b.deny(eve.peerId, { for: 2_000 }))
      await net.run(500)
    }
    await net.until(Promise.all(asks))
    await net.run(5_000)
    const { connections, knownPeers } = await net.until(b.status())
    expect([...connections, ...Object.keys(knownPeers)]).not.toContain(eve.peerId)
    expect(new Set(heard)).toEqual(new Set([good.peerId]))
    expect(await net.until(ask(good, b))).toBe('hi')
  })
})
