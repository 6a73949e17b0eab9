/** The driver of a simulated network: time that passes on demand, faults, and what is said to nonsense. */
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { firstValueFrom, interval, take, timer, toArray } from 'rxjs'
import type { P2pNode } from 'tinyp2p'
import { simulate, type SimulatedNetwork } from 'tinyp2p/testing'
import { bytes } from '../support/bytes.js'

const never = new Promise<never>(() => {})

/** Nodes that all know the first one, and echo. */
async function nodesOf(net: SimulatedNetwork, amount: number): Promise<P2pNode[]> {
  const nodes: P2pNode[] = []
  for (let i = 0; i < amount; i++) {
    const node = await net.createNode({ bootNodes: nodes[0]?.addresses ?? [] })
    node.setEventHandler({ handleInboundRequest: (data) => data })
    nodes.push(node)
  }
  return nodes
}

async function failureOf(failing: Promise<unknown>): Promise<string> {
  return failing.then(
    () => 'none',
    (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
  )
}

describe('run', () => {
  it('lets exactly so much time pass, whether or not something happens', async () => {
    const net = simulate()
    await net.run(1_000)
    expect(net.now).toBe(1_000)
    await nodesOf(net, 3)
    await net.run(0)
    expect(net.now).toBe(1_000)
    await net.run(60_000)
    expect(net.now).toBe(61_000)
  })

  it('rounds parts of a millisecond up: the clock knows whole ones only', async () => {
    const net = simulate()
    await net.run(0.4)
    expect(net.now).toBe(1)
    await expect(net.until(never, { within: 1.5 })).rejects.toThrow(/nothing is left/)
    await net.run(1)
    expect(net.now).toBe(2)
  })

  it('does what is due at its very end', async () => {
    const net = simulate()
    const done = jest.fn()
    timer(50, net.scheduler).subscribe(done)
    await net.run(49)
    expect(done).not.toHaveBeenCalled()
    await net.run(1)
    expect(done).toHaveBeenCalledTimes(1)
  })

  it('may be several at once: each ends at its own time', async () => {
    const net = simulate()
    const ends: number[] = []
    const until = async (end: Promise<unknown>): Promise<void> => {
      await end
      ends.push(net.now)
    }
    await Promise.all([
      until(net.run(200)),
      until(net.run(100)),
      until(net.until(firstValueFrom(timer(150, net.scheduler)))),
    ])
    expect(ends).toEqual([100, 150, 200])
  })

  it('beside a promise that is waited for goes on first, because it may do something at its end', async () => {
    const net = simulate()
    let settle!: (value: string) => void
    const promise = new Promise<string>((resolve) => (settle = resolve))
    const ran = net.run(1_000).then(() => settle('late'))
    expect(await net.until(promise)).toBe('late')
    await ran
    await Promise.all([expect(net.until(never)).rejects.toThrow(/nothing is left/), net.run(5)])
  })

  it('of all nodes may be ended together', async () => {
    const net = simulate()
    const nodes = await Promise.all([1, 2, 3].map(() => net.createNode()))
    await Promise.all(nodes.map((node) => net.until(node.stop())))
  })

  it.each([-1, NaN, '5' as never, undefined as never])('refuses %s', async (ms) => {
    await expect(simulate().run(ms)).rejects.toMatchObject({ code: 'InvalidConfig' })
  })
})

describe('until', () => {
  it('gives the value, or throws the error, of the promise', async () => {
    const net = simulate({ latency: 10 })
    const [a, b] = await nodesOf(net, 2)
    expect(await net.until(a!.request(b!.addresses[0]!, bytes('hello')))).toEqual(bytes('hello'))
    await expect(net.until(Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await net.until({ then: (resolve) => Promise.resolve(7).then(resolve) } as PromiseLike<number>)).toBe(7)
  })

  it('lets no more time pass than it takes', async () => {
    const net = simulate()
    await nodesOf(net, 2)
    expect(await net.until(firstValueFrom(timer(123, net.scheduler)))).toBe(0)
    expect(net.now).toBe(123)
    expect(await net.until(firstValueFrom(interval(10, net.scheduler).pipe(take(3), toArray())))).toEqual([0, 1, 2])
    expect(net.now).toBe(153)
    await net.until(Promise.resolve())
    expect(net.now).toBe(153)
  })

  it('says who still waits for what, when the time is over', async () => {
    const net = simulate()
    const [a, b] = await nodesOf(net, 2)
    await net.run(1_000)
    net.partition([[a!], [b!]])
    const asked = a!.request(b!.peerId, bytes('?'), { timeout: 60_000 })
    const dialled = a!.dial('/ip4/10.9.9.9/tcp/1')
    asked.catch(() => {})
    const failing = net.until(asked, { within: 10 })
    await expect(failing).rejects.toThrow(
      `the promise has not settled, and 10 ms have passed. n1 waits for an answer of ${b!.peerId} (queued); n1 waits for its dial (/ip4/10.9.9.9/tcp/1).`,
    )
    expect(net.now).toBe(1_010)
    await expect(net.until(dialled)).rejects.toMatchObject({ code: 'DialError' })
    await net.until(asked.catch(() => {}))
    await expect(net.until(never, { within: 5 })).rejects.toThrow(/5 ms have passed\. No node waits for anything\./)
  })

  it('says so at once when nothing is left to happen', async () => {
    const net = simulate()
    await expect(net.until(never)).rejects.toThrow(/nothing is left to happen\. No node waits for anything\./)
    const [a] = await nodesOf(net, 1)
    await net.until(a!.stop())
    await expect(net.until(never)).rejects.toThrow(/nothing is left to happen/)
    expect(net.now).toBeLessThan(60_000)
  })

  it('refuses what is no promise, and nonsense in within', async () => {
    const net = simulate()
    for (const nothing of [undefined, null, 5, {}]) {
      await expect(net.until(nothing as never)).rejects.toThrow(/until waits for a promise/)
    }
    for (const within of [-1, NaN, '5' as never]) {
      await expect(net.until(never, { within })).rejects.toMatchObject({ code: 'InvalidConfig' })
    }
  })
})

describe('with fake timers of a test runner', () => {
  afterEach(() => void jest.useRealTimers())

  it('runs on', async () => {
    jest.useFakeTimers()
    const net = simulate()
    const [a, b] = await nodesOf(net, 2)
    expect(await net.until(a!.request(b!.addresses[0]!, bytes('x')))).toEqual(bytes('x'))
  })
})

describe('nodes that come and go', () => {
  it('are started without any time, even while time passes', async () => {
    const net = simulate()
    const started: number[] = []
    timer(500, net.scheduler).subscribe(() => {
      void net.createNode().then(() => started.push(net.now))
    })
    await net.run(2_000)
    expect(started).toEqual([500])
  })

  it('reject everything after a crash, and say when it was and what to do', async () => {
    const net = simulate()
    const [a, b] = await nodesOf(net, 2)
    await net.run(1_000)
    const pending = b!.request(a!.peerId, bytes('?'))
    const completed = jest.fn()
    b!.requests$.subscribe({ complete: completed })
    await net.crash(b!)
    const dead = 'NodeStopped: the node has crashed at 1000 ms; use what restart gave you'
    expect(await failureOf(pending)).toBe(dead)
    expect(completed).toHaveBeenCalledTimes(1)
    for (const use of [
      () => b!.request(a!.peerId, bytes('?')),
      () => b!.broadcast('news', bytes('!')),
      () => b!.dial(a!.addresses[0]!),
      () => b!.status(),
      () => b!.knownPeers(),
    ]) {
      expect(await failureOf(net.until<unknown>(use()))).toBe(dead)
    }
    await b!.stop()
    await expect(net.crash(b!)).rejects.toThrow('n2 has crashed already')
    await expect(net.until(a!.request(b!.addresses[0] ?? b!.peerId, bytes('?')))).rejects.toHaveProperty('code')
  })

  it('are the same peer at the same place after a restart, and remember nothing', async () => {
    const net = simulate()
    const [a, b] = await nodesOf(net, 2)
    const { peerId, addresses } = a!
    await net.run(1_000)
    expect(await net.until(a!.knownPeers())).toHaveProperty(b!.peerId)
    await net.crash(a!)
    await net.run(1_000)
    const again = await net.restart(a!)
    expect([again.peerId, again.addresses]).toEqual([peerId, addresses])
    expect(await net.until(again.knownPeers())).toEqual({})
    again.setEventHandler({ handleInboundRequest: () => bytes('again') })
    expect(await net.until(b!.request(a!.peerId, bytes('?')))).toEqual(bytes('again'))
  })

  it('can be restarted after they were stopped, and not while they run', async () => {
    const net = simulate()
    const [a, b] = await nodesOf(net, 2)
    await expect(net.restart(b!)).rejects.toThrow(/n2 is running: crash or stop it before/)
    await net.until(b!.stop())
    const again = await net.restart(b!)
    expect(again).not.toBe(b)
    await expect(net.restart(b!)).rejects.toThrow(/no node of this network, or one that was restarted since/)
    expect(await net.until(again.request(a!.addresses[0]!, bytes('x')))).toEqual(bytes('x'))
  })

  it('listen where they can, and say where they cannot', async () => {
    const net = simulate()
    const [a] = await nodesOf(net, 1)
    const used = a!.addresses[0]!.replace(/\/p2p\/.*/, '')
    const lines: string[] = []
    const logger = ({ level, message }: { level: string; message: string }): void => {
      if (level === 'warn') lines.push(message)
    }
    const listen = [used, '/ip4/0.0.0.0/tcp/5000']
    const b = await net.createNode({ listen, bootNodes: a!.addresses, logger })
    expect(lines).toEqual([expect.stringContaining(`cannot listen on ${used} (`)])
    expect(b.addresses).toEqual([expect.stringContaining('/tcp/5000/')])
    expect(await net.until(a!.dial(b.addresses[0]!))).toBe(b.peerId)
  })

  it('cannot listen where another one does, nor have a scheduler of their own', async () => {
    const net = simulate()
    const [a] = await nodesOf(net, 1)
    const listen = a!.addresses[0]!.replace(/\/p2p\/.*/, '')
    await expect(net.createNode({ listen })).rejects.toMatchObject({ code: 'ListenError' })
    await expect(net.createNode({ scheduler: net.scheduler })).rejects.toThrow(/leave out scheduler/)
    await expect(net.createNode({ topics: 5 as never })).rejects.toMatchObject({ code: 'InvalidConfig' })
    await expect(net.createNode({ secret: 'x' })).rejects.toMatchObject({ code: 'InvalidSecretKey' })
    await net.run(1_000)
  })
})

describe('nonsense', () => {
  it.each([
    ['seed', [NaN, Infinity, null, {}, true]],
    ['latency', [-1, NaN, Infinity, '5', null, 1_000_001]],
    ['jitter', [-1, 11, NaN, '5', null]],
    ['loss', [-0.1, 0.91, 1, NaN, '0', null]],
    ['bandwidth', [0, -1, NaN, '5', null]],
  ])('in the option %s is refused by its name', (option, values) => {
    for (const value of values) {
      expect(() => simulate({ [option]: value })).toThrow(new RegExp(`^${option} must be a number`))
      expect(() => simulate({ [option]: value })).toThrow(expect.objectContaining({ code: 'InvalidConfig' }))
    }
  })

  it('as options is refused', () => {
    for (const options of [null, 5, 'seed']) expect(() => simulate(options as never)).toThrow(/must be an object/)
    expect(() => simulate({ latenzy: 5 } as never)).toThrow(
      /no option "latenzy" \(did you mean latency\?\); there are seed, latency/,
    )
    expect(simulate({ seed: undefined, bandwidth: Infinity, loss: 0.9, latency: 0 }).seed).toBe(1)
  })

  it('in skew is refused', async () => {
    for (const skew of [
      { offset: NaN },
      { offset: '1' as never },
      { rate: 0 },
      { rate: -1 },
      { rate: 11 },
      { ofset: 1 } as never,
    ]) {
      await expect(simulate().createNode({}, skew)).rejects.toMatchObject({ code: 'InvalidConfig' })
    }
  })

  it('in faults is refused, and changes nothing', async () => {
    const net = simulate()
    const [a, b] = await nodesOf(net, 2)
    const foreign = await simulate().createNode()
    for (const groups of [5, undefined, [a], [[a], b], [[a], [a]], [[a, a]], [[foreign]], [[undefined]]]) {
      expect(() => net.partition(groups as never)).toThrow(expect.objectContaining({ code: 'InvalidConfig' }))
    }
    for (const extra of [-1, NaN, '5']) {
      expect(() => net.slow(a!, b!, extra as never)).toThrow(/the extra time must be a number of ms/)
    }
    expect(() => net.slow(a!, foreign, 1)).toThrow(/no node of this network/)
    expect(() => net.corrupt(foreign, a!)).toThrow(/no node of this network/)
    expect(() => net.drop('gossip' as never)).toThrow(/drop takes a function/)
    await expect(net.crash(foreign)).rejects.toThrow(/no node of this network/)
    await expect(net.restart(foreign)).rejects.toThrow(/no node of this network/)
    expect(net.log.filter((line) => line.includes('network'))).toEqual([])
    expect(await net.until(a!.request(b!.addresses[0]!, bytes('x')))).toEqual(bytes('x'))
  })
})

describe('the log', () => {
  async function logOf(seed: number | string, jitter = 5): Promise<string[]> {
    const net = simulate({ seed, latency: 10, jitter, loss: 0.05 })
    const nodes = await nodesOf(net, 6)
    await net.run(3_000)
    net.partition([nodes.slice(0, 3), nodes.slice(3)])
    const asked = nodes.slice(1).map((node) => node.request(nodes[0]!.peerId, bytes('?'), { timeout: 2_000 }))
    void Promise.allSettled(asked)
    await net.run(3_000)
    net.heal()
    await net.crash(nodes[5]!)
    await net.restart(nodes[5]!)
    await net.run(10_000)
    return net.log
  }

  it('is the same, line by line, with the same seed, and another one with another seed', async () => {
    const log = await logOf(7)
    expect(log.length).toBeGreaterThan(200)
    expect(await logOf(7)).toEqual(log)
    expect(await logOf('7')).toEqual(log)
    expect(await logOf(8)).not.toEqual(log)
    expect(await logOf('seven')).not.toEqual(log)
  })

  it('tells what was done to the network at its time', async () => {
    const log = await logOf(7)
    expect(log.filter((line) => line.includes(' network '))).toEqual([
      '3000 network partition n1,n2,n3 | n4,n5,n6',
      '6000 network heal',
      '6000 network crash n6',
      '6000 network restart n6',
    ])
    const times = log.map((line) => Number(line.split(' ', 1)[0]))
    expect(times).toEqual([...times].sort((x, y) => x - y))
  })
})
