/** Who may come in, on real sockets: lists, authorize, and private networks. */
import { createConnection, createServer, type Socket } from 'node:net'
import { createNode, newNetworkKey, type AccessConfig, type AuditEvent, type NodeConfig, type P2pNode } from 'tinyp2p'
import { afterEach, describe, expect, it } from '@jest/globals'
import { filter, firstValueFrom } from 'rxjs'
import { bytes, LOOPBACK, outcome, text } from '../support/nodes.js'
import { failure } from '../support/promises.js'
import { RawPeer } from '../support/raw-peer.js'

const nodes: P2pNode[] = []

async function start(access: AccessConfig = {}, config: NodeConfig = {}): Promise<P2pNode> {
  const node = await createNode({ listen: LOOPBACK, access, ...config })
  node.setEventHandler({ handleInboundRequest: (data) => data })
  nodes.push(node)
  return node
}

const ask = (from: P2pNode, to: P2pNode): Promise<string> => from.request(to.addresses[0]!, bytes('hi')).then(text)
const codeOf = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'done',
    (error: { code: unknown }) => error.code,
  )
const isGone = (node: P2pNode, peer: P2pNode) =>
  firstValueFrom(node.status$.pipe(filter(({ connections }) => !connections.includes(peer.peerId))))
const audited = (node: P2pNode): AuditEvent[] => {
  const events: AuditEvent[] = []
  node.audit$.subscribe((event) => events.push(event))
  return events
}
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const portOf = (node: P2pNode): number => Number(node.addresses[0]!.split('/')[4])

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
})

describe('deny', () => {
  it('of the node itself is a mistake', async () => {
    const node = await start()
    expect(await codeOf(node.deny(['10.0.0.1', node.peerId]))).toBe('InvalidConfig')
  })

  it('hangs up, ends requests in flight, and refuses the peer from then on, until it is allowed', async () => {
    const [a, b] = [await start(), await start()]
    await a.dial(b.addresses[0]!)
    const stuck: AbortSignal[] = []
    const c = await createNode({ listen: LOOPBACK })
    nodes.push(c)
    c.setEventHandler({
      handleInboundRequest: (_, { signal }) => {
        stuck.push(signal)
        return new Promise(() => undefined)
      },
    })
    const ours = failure(b.request(c.addresses[0]!, bytes('?')))
    const theirs = failure(b.request(c.peerId, bytes('?')))
    while (stuck.length < 2) await pause(5)
    await b.deny(c.peerId, { reason: 'spam' })
    for (const answer of [await ours, await theirs]) {
      expect(answer).toMatchObject({ code: 'Denied', message: `${c.peerId} is denied by this node: spam` })
    }
    await isGone(c, b)
    // On the other side the asker was lost.
    while (stuck.some(({ aborted }) => !aborted)) await pause(20)
    expect(await codeOf(ask(b, c))).toBe('Denied')
    expect(await codeOf(ask(c, b))).not.toBe('done')
    expect(await ask(a, b)).toBe('hi')
    await b.allow(c.peerId)
    expect(await codeOf(c.dial(b.addresses[0]!))).toBe('done')
  }, 20_000)

  it('of a range refuses before a handshake, and ends by itself', async () => {
    const [a, b] = [await start(), await start({ deny: '10.0.0.0/8' })]
    expect(await ask(a, b)).toBe('hi')
    await b.deny('127.0.0.0/8', { for: 1_500 })
    expect((await b.status()).connections).toEqual([])
    const events = audited(b)
    const socket = createConnection(portOf(b), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.resume()
    // Nothing was said to it.
    expect(await new Promise((resolve) => socket.on('close', () => resolve(socket.bytesRead)))).toBe(0)
    while (events.length === 0) await pause(50)
    expect(events[0]).toMatchObject({ kind: 'refused', reason: 'denied by this node (127.0.0.0/8)', inbound: true })
    expect(events[0]).not.toHaveProperty('peer')
    while ((await codeOf(b.dial(a.addresses[0]!))) === 'Denied') await pause(100)
    expect(await ask(a, b)).toBe('hi')
  }, 20_000)

  it('is not needed against too many handshakes: the audit tells who was refused one', async () => {
    const b = await start({}, { limits: { handshakesPerRange: 2 } })
    const events = audited(b)
    const sockets = Array.from({ length: 4 }, () => createConnection(portOf(b), '127.0.0.1'))
    for (const socket of sockets) socket.on('error', () => undefined)
    while (events.length === 0) await pause(50)
    for (const socket of sockets) socket.destroy()
    expect(events[0]).toMatchObject({
      ...{ kind: 'refused', reason: 'there were too many handshakes', inbound: true, count: 2 },
      address: expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/) as unknown,
    })
  })

  it('is not needed against sockets that say nothing: the audit and the log tell where they came from', async () => {
    const lines: string[] = []
    const b = await start({}, { logger: ({ message }) => lines.push(message) })
    const events = audited(b)
    const sockets = Array.from({ length: 5 }, () => createConnection(portOf(b), '127.0.0.1'))
    const ends = sockets.map((socket) => new Promise((resolve) => socket.on('close', resolve).resume()))
    for (const socket of sockets) socket.on('error', () => undefined)
    // Whoever leaves by itself is not refused.
    await pause(500)
    sockets[0]!.destroy()
    expect(await ask(await start(), b)).toBe('hi')
    await Promise.all(ends)
    while (!events.some(({ kind }) => kind === 'refused')) await pause(50)
    const reason = 'its handshake was not over in time'
    const refused = events.filter(({ kind }) => kind === 'refused')
    expect(refused).toMatchObject([{ reason, inbound: true, count: 4 }])
    expect(lines.filter((line) => line.includes(reason))).toEqual([
      `🚪 refused ${refused[0]!.address}: ${reason} (4 times)`,
    ])
  }, 20_000)

  it('while dials are under way leaves no connection, and no promise unsettled', async () => {
    const others = await Promise.all(Array.from({ length: 5 }, () => start()))
    const b = await start()
    for (let round = 0; round < 4; round++) {
      const dials = others.map((other) => outcome(b.dial(other.addresses[0]!)))
      const asks = others.map((other) => outcome(ask(other, b)))
      await pause(round * 8)
      await b.deny(others.map(({ peerId }) => peerId))
      expect((await b.status()).connections).toEqual([])
      await Promise.all([...dials, ...asks])
      expect((await b.status()).connections).toEqual([])
      await b.allow(others.map(({ peerId }) => peerId))
    }
    expect(await Promise.all(others.map((other) => ask(b, other)))).toEqual(others.map(() => 'hi'))
  }, 40_000)

  it('of a host that is dialled by name holds for its address', async () => {
    const [a, b] = [await start(), await start({ deny: '127.0.0.0/8' })]
    const named = a.addresses[0]!.replace('/ip4/127.0.0.1/', '/dns4/localhost/')
    expect(await codeOf(b.dial(named))).toBe('Denied')
  })

  it('keeps what a peer has signed from us, whoever hands it on', async () => {
    const [a, b, c] = [
      await start({}, { topics: 'news' }),
      await start({}, { topics: 'news' }),
      await start({}, { topics: 'news' }),
    ]
    const heard: string[] = []
    c.broadcasts$('news').subscribe(({ data }) => heard.push(text(data)))
    await c.deny(a.peerId)
    await a.dial(b.addresses[0]!)
    await c.dial(b.addresses[0]!)
    const isDropped = async (): Promise<boolean> => ((await c.explain({ topic: 'news' })).dropped.denied ?? 0) > 0
    for (let i = 0; !(await isDropped()); i++) {
      await a.broadcast('news', bytes(`of a ${i}`))
      await b.broadcast('news', bytes(`of b ${i}`))
      await pause(100)
    }
    expect(heard.length).toBeGreaterThan(0)
    expect(heard.filter((one) => !one.startsWith('of b'))).toEqual([])
  }, 20_000)

  it('takes thousands of entries', async () => {
    const entries = Array.from({ length: 20_000 }, (_, i) => `11.${i >> 8}.${i & 255}.0/24`)
    const [a, b] = [await start(), await start({ deny: entries })]
    expect(await ask(a, b)).toBe('hi')
    await b.deny(entries.map((entry) => entry.replace('11.', '12.')))
    expect(await ask(a, b)).toBe('hi')
  }, 20_000)
})

describe('allow', () => {
  it('lets nobody in but those who are named, and those who are named later', async () => {
    const [a, c] = [await start(), await start()]
    const b = await start({ allow: [a.peerId] })
    expect(await ask(a, b)).toBe('hi')
    expect(await codeOf(ask(c, b))).not.toBe('done')
    expect(await codeOf(b.dial(c.addresses[0]!))).toBe('Denied')
    expect((await b.status()).connections).toEqual([a.peerId])
    await b.allow(c.peerId)
    expect(await ask(c, b)).toBe('hi')
  }, 20_000)
})

describe('the audit', () => {
  it('has the time of the clock on the wall, whenever the process began', async () => {
    const b = await start()
    const events = audited(b)
    const began = Date.now()
    await ask(await start(), b)
    const [first] = events
    expect(first!.at).toBeGreaterThanOrEqual(began)
    expect(first!.at).toBeLessThanOrEqual(Date.now())
  })

  it('and explain tell of whoever was refused, how often and why', async () => {
    const a = await start()
    const b = await start({ authorize: () => false })
    expect(await codeOf(ask(a, b))).not.toBe('done')
    const { turnedAway, text: all } = await b.explain({ peer: a.peerId })
    expect(turnedAway!.reason).toContain('authorize')
    expect(turnedAway!.count).toBeGreaterThanOrEqual(1)
    expect(all).toContain(turnedAway!.reason)
  })
})

describe('authorize', () => {
  it('is asked before anything counts, once, and nothing of whoever is admitted is lost', async () => {
    const asked: string[] = []
    let answer!: (isAdmitted: boolean) => void
    const b = await start({
      authorize: ({ peer }) => {
        asked.push(peer)
        return new Promise((resolve) => (answer = resolve))
      },
    })
    const a = await start()
    const answers = Array.from({ length: 50 }, () => ask(a, b))
    while (asked.length === 0) await pause(5)
    // All of it waits, and nothing of it counts.
    await pause(300)
    expect(await b.status()).toMatchObject({ connections: [], knownPeersCount: 0 })
    answer(true)
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['hi']))
    expect(await b.request(a.peerId, bytes('?')).then(text)).toBe('?')
    expect(asked).toEqual([a.peerId])
  }, 20_000)

  it('that says no, or throws, admits nobody, in neither direction', async () => {
    const a = await start()
    const b = await start({ authorize: () => false })
    const c = await start({
      authorize: () => {
        throw new Error('no database')
      },
    })
    for (const node of [b, c]) {
      expect(await codeOf(node.dial(a.addresses[0]!))).toBe('Denied')
      expect(await codeOf(ask(a, node))).not.toBe('done')
      expect((await node.status()).connections).toEqual([])
    }
  }, 20_000)

  it.each(['authorize', 'allow', 'deny'])(
    'that says no is hinted at over there, after one connection: %s',
    async (what) => {
      const a = await start()
      const no = {
        authorize: { authorize: () => false },
        allow: { allow: ['12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'] },
        deny: { deny: a.peerId },
      }[what]!
      const b = await start(no)
      const events = audited(b)
      const hint = /^the request was not sent: the connection was lost before .* it may not let us in, or is full$/
      await expect(ask(a, b)).rejects.toMatchObject({ code: 'DialError', message: expect.stringMatching(hint) })
      await pause(1_100)
      expect(events).toHaveLength(1)
      const { dialFailure, text: explained } = await a.explain({ peer: b.peerId })
      expect(dialFailure).toMatchObject({ tried: [{ address: b.addresses[0]!.split('/p2p/')[0] }] })
      expect(explained).toContain('it may not let us in, or is full')
    },
    20_000,
  )

  it.each([
    ['a denied range', { deny: '127.0.0.0/8' }, {}],
    ['no address at all', { allow: [] }, {}],
    ['addresses alone', { allow: ['10.0.0.0/8'] }, {}],
    ['too many handshakes', {}, { limits: { handshakeRate: 1 } }],
  ])(
    'refusal of an address has the same hint: %s',
    async (_, access, config) => {
      const b = await start(access, config)
      const callers = await Promise.all(Array.from({ length: 8 }, () => start()))
      const all = await Promise.allSettled(callers.map((a) => a.dial(b.addresses[0]!)))
      const failed = all.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Error).message] : []))
      expect(failed.length).toBeGreaterThan(0)
      for (const message of failed) expect(message).toContain('it may not let us in, or is full')
    },
    20_000,
  )

  it('that never answers is a no after a while, and the node stops all the same', async () => {
    const a = await start()
    const b = await start({ authorize: () => new Promise(() => undefined) }, { limits: { authorizeTimeout: 300 } })
    const events = audited(b)
    expect(await codeOf(b.dial(a.addresses[0]!))).toBe('Denied')
    expect(events).toMatchObject([
      { kind: 'unauthorized', peer: a.peerId, reason: 'authorize has not answered within 300 ms' },
    ])
    const late = await start({ authorize: () => new Promise(() => undefined) })
    const dial = codeOf(late.dial(a.addresses[0]!))
    await pause(100)
    await late.stop()
    expect(await dial).toBe('NodeStopped')
  }, 20_000)

  it('of a peer that is killed meanwhile, or denied, leaves nothing behind', async () => {
    const questions: ((isAdmitted: boolean) => void)[] = []
    const b = await start({ authorize: () => new Promise((resolve) => questions.push(resolve)) })
    const [a, c] = [await start(), await start()]
    const asking = outcome(ask(a, b))
    while (questions.length === 0) await pause(5)
    await a.stop()
    questions.pop()!(true)
    await asking
    const other = outcome(ask(c, b))
    while (questions.length === 0) await pause(5)
    await b.deny(c.peerId)
    for (const answer of questions) answer(true)
    await other
    expect((await b.status()).connections).toEqual([])
  }, 30_000)
})

describe('a private network', () => {
  it('is one of those who have the key, whatever they send', async () => {
    const networkKey = newNetworkKey()
    const [a, b] = [await start({ networkKey }), await start({ networkKey })]
    const large = new Uint8Array(900_000).map((_, i) => i * 31)
    expect(Buffer.compare(await a.request(b.addresses[0]!, large), large)).toBe(0)
  })

  it.each([
    ['with another key', newNetworkKey(), newNetworkKey()],
    ['without one', undefined, newNetworkKey()],
    ['with one, of a node without', newNetworkKey(), undefined],
  ])(
    'a dial %s fails soon, and says why',
    async (_, ours, theirs) => {
      const b = await start(theirs === undefined ? {} : { networkKey: theirs })
      const a = await start(ours === undefined ? {} : { networkKey: ours })
      const began = Date.now()
      const error = await failure(a.dial(b.addresses[0]!))
      expect(error.code).toBe('DialError')
      const hint = ours === undefined ? 'or has another network key' : 'the other side has another network key, or none'
      expect(error.message).toContain(hint)
      expect(Date.now() - began).toBeLessThan(6_000)
      expect((await b.status()).connections).toEqual([])
    },
    20_000,
  )

  it('hangs up on who says nothing, or nonsense', async () => {
    const b = await start({ networkKey: newNetworkKey() })
    const ended = (socket: Socket): Promise<unknown> => {
      socket.on('error', () => undefined)
      socket.resume()
      return new Promise((resolve) => socket.on('close', resolve))
    }
    const silent = createConnection(portOf(b), '127.0.0.1')
    const noisy = createConnection(portOf(b), '127.0.0.1', () => noisy.write(new Uint8Array(40).fill(7)))
    await Promise.all([ended(silent), ended(noisy)])
    const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    expect(await codeOf(b.dial(`/ip4/127.0.0.1/tcp/${port}`))).toBe('DialError')
    server.close()
  }, 20_000)
})

describe('bans', () => {
  it('keep out who breaks the protocol again and again', async () => {
    const b = await start()
    const events = audited(b)
    const peer = await RawPeer.start()
    const isBanned = (): boolean => events.some(({ kind }) => kind === 'banned')
    for (let i = 0; i < 40 && !isBanned(); i++) {
      const stream = await peer.open(b.addresses[0]!)
      // A request of one byte, and a byte more.
      stream.send(Uint8Array.of(1, 1, 1))
      await pause(10)
    }
    expect(events.find(({ kind }) => kind === 'banned')).toMatchObject({ duration: 60_000 })
    expect((await b.status()).connections).toEqual([])
    while (events.at(-1)!.kind !== 'refused') {
      await peer.connect(b.addresses[0]!).catch(() => undefined)
      await pause(50)
    }
    expect((await b.status()).connections).toEqual([])
    await peer.stop()
  }, 20_000)
})
