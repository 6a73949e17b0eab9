/**
 * Requests between nodes on real sockets: by whatever names the peer, of whatever size, however many, however they end. All
 * of it over sessions, and again over version 1, as with peers that speak nothing else.
 */
import { newSecret } from 'tinyp2p'
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { peerIdOf } from '../../src/identity.js'
import { REQUEST_PROTOCOLS, REQUEST_RESPONSE_V1 } from '../../src/wire/protocols.js'
import type { InboundRequest } from '../../src/edge/answers/inbound.js'
import {
  bytes, heard, knows, logOf, MiB, next, outcome, pending, startEcho as echoNode, startNode as plainNode, stateOf, statusOf, stopNodes, text, within,
} from '../support/nodes.js' // prettier-ignore

afterEach(stopNodes)

/** How the nodes of the current part ask and answer. */
let protocols = REQUEST_PROTOCOLS
const startNode: typeof plainNode = (config, settings) => plainNode(config, { protocols, ...settings })
const startEcho: typeof echoNode = (config, settings) => echoNode(config, { protocols, ...settings })

/** Resolves when the signal fires. */
function fired(signal: AbortSignal): Promise<void> {
  return within(
    8_000,
    new Promise((resolve) => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), { once: true })
    }),
    'the signal',
  )
}

/** A node that leaves every request to the spec. */
async function answerer(...args: Parameters<typeof startNode>) {
  const node = await startNode(...args)
  const requests: InboundRequest[] = []
  node.requests$.subscribe((request) => requests.push(request))
  return { node, requests, asked: () => next(node.requests$) }
}

describe.each([
  ['a session', REQUEST_PROTOCOLS],
  ['version 1', [REQUEST_RESPONSE_V1]],
])('over %s,', (_protocol, names) => {
  beforeAll(() => {
    protocols = names
  })

  describe('whom a request goes to', () => {
    it('may be named by a multiaddr of a peer that was never heard of', async () => {
      const [a, b] = [await startNode(), await startNode()]
      b.setEventHandler({ handleInboundRequest: (data, { from }) => bytes(`${text(data)} from ${from}`) })
      expect(text(await a.request(b.addresses[0]!, bytes('hello')))).toBe(`hello from ${a.peerId}`)
    })

    it('may be named by the id of a peer that dialled us', async () => {
      const [a, b] = [await startNode(), await startEcho()]
      await b.dial(a.addresses[0]!)
      await statusOf(a, ({ connections }) => connections.includes(b.peerId))
      expect(text(await a.request(b.peerId, bytes('back')))).toBe('back')
    })

    it('may be named by the id of a peer that is known but not connected', async () => {
      const [a, b] = [await startNode({ reqResp: { connectionKeepAlive: 500 }, stayConnected: 0 }), await startEcho()]
      await a.dial(b.addresses[0]!)
      await knows(a, b)
      await statusOf(a, ({ connections }) => connections.length === 0)
      expect(text(await a.request(b.peerId, bytes('again')))).toBe('again')
    })

    it('may be named by the id of a peer that only another node knows', async () => {
      const late = { firstTick: 60_000 }
      const boot = await startNode({}, late)
      const hidden = await startEcho({ bootNodes: boot.addresses }, late)
      await Promise.all([knows(boot, hidden), knows(hidden, boot)])
      await heard(hidden, 'tableQueried')

      const asker = await startNode({}, late)
      stateOf(asker).discovery.querying = true // It does not look around, so it learns of nobody by itself.
      await asker.dial(boot.addresses[0]!)
      await knows(asker, boot)
      expect(Object.keys(await asker.knownPeers())).toEqual([boot.peerId])
      expect(text(await asker.request(hidden.peerId, bytes('found')))).toBe('found')
    })

    it('fails at once, saying why, for an id that nobody knows', async () => {
      const node = await startNode()
      const nobody = await peerIdOf(newSecret())
      const start = performance.now()
      await expect(node.request(nobody, bytes('?'))).rejects.toMatchObject({
        name: 'P2pError',
        code: 'DialError',
        message: expect.stringContaining('nobody that we could ask knows an address of it'),
      })
      expect(performance.now() - start).toBeLessThan(1_000)
      expect(pending(stateOf(node))).toMatchObject({ asks: 0, dials: 0, askDeadlines: 0 })
    })

    it('fails for an address where nobody listens, naming it', async () => {
      const [a, gone] = [await startNode(), await startNode()]
      const [address] = gone.addresses
      await gone.stop()
      const failure = { code: 'DialError', message: expect.stringContaining(address!), cause: expect.anything() }
      await expect(a.request(address!, bytes('?'))).rejects.toMatchObject(failure)
    })

    it('fails when somebody else answers at the address', async () => {
      const [a, b] = [await startNode(), await startEcho()]
      const address = b.addresses[0]!.replace(b.peerId, await peerIdOf(newSecret()))
      expect(await outcome(a.request(address, bytes('?')))).toBe('DialError')
    })

    it('fails when it is ourselves', async () => {
      const node = await startEcho()
      expect(await outcome(node.request(node.peerId, bytes('me')))).toBe('DialError')
      expect(await outcome(node.request(node.addresses[0]!, bytes('me')))).toBe('DialError')
    })

    it.each([
      ['', 'InvalidPeerId'],
      ['nobody', 'InvalidPeerId'],
      ['12D3KooWnotAPeerId', 'InvalidPeerId'],
      ['/ip4/127.0.0.1/tcp/9', 'InvalidAddress'],
      ['/ip4/300.0.0.1/tcp/9/p2p/12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc', 'InvalidAddress'],
      ['/ip4/127.0.0.1/udp/9/p2p/12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc', 'InvalidAddress'],
      ['/ip4/127.0.0.1/tcp/9/p2p/nobody', 'InvalidPeerId'],
      [undefined as unknown as string, 'InvalidPeerId'],
      [{} as string, 'InvalidPeerId'],
    ])('rejects %j before anything is sent', async (peer, code) => {
      const node = await startNode()
      await expect(node.request(peer, bytes('?'))).rejects.toMatchObject({ name: 'P2pError', code })
      expect(pending(stateOf(node))).toMatchObject({ asks: 0, dials: 0 })
    })

    it('rejects what is not bytes, a bad timeout and a bad signal', async () => {
      const [a, b] = [await startNode(), await startEcho()]
      const [peer] = b.addresses as [string]
      expect(await outcome(a.request(peer, 'text' as unknown as Uint8Array))).toBe('InvalidConfig')
      expect(await outcome(a.request(peer, new Uint16Array(1) as unknown as Uint8Array))).toBe('InvalidConfig')
      for (const timeout of [0, -1, 1.5, NaN, Infinity, 2 ** 31, '5' as unknown as number]) {
        expect(await outcome(a.request(peer, bytes('?'), { timeout }))).toBe('InvalidConfig')
      }
      const signal = { fired: false } as unknown as AbortSignal
      expect(await outcome(a.request(peer, bytes('?'), { signal }))).toBe('InvalidConfig')
      expect(stateOf(a).connections.all.size).toBe(0)
    })
  })

  describe('dials', () => {
    it('to one peer at one time are one dial, and one connection', async () => {
      const [a, b] = [await startNode(), await startEcho()]
      const [address] = b.addresses as [string]
      const dials = Array.from({ length: 10 }, () => a.dial(address))
      const asks = Array.from({ length: 10 }, (_, i) => a.request(address, bytes(`${i}`)))
      expect(new Set(await Promise.all(dials))).toEqual(new Set([b.peerId]))
      expect((await Promise.all(asks)).map(text)).toEqual([...'0123456789'])
      expect(stateOf(a).connections.all.size).toBe(1)
      await statusOf(b, ({ connections }) => connections.includes(a.peerId))
      expect(stateOf(b).connections.all.size).toBe(1)
    })

    it('tell who was reached, also at an address without a peer id and at a second try', async () => {
      const [a, b] = [await startNode(), await startNode()]
      const [full] = b.addresses as [string]
      const bare = full.replace(/\/p2p\/.*/, '')
      expect(await a.dial(bare)).toBe(b.peerId)
      expect(await a.dial(bare)).toBe(b.peerId)
      expect(await a.dial(full)).toBe(b.peerId)
      expect(await a.dial(b.peerId)).toBe(b.peerId)
      expect(await a.dial(`/p2p/${b.peerId}`)).toBe(b.peerId)
      expect(stateOf(a).connections.all.size).toBe(1)
    })

    it.each([
      ['nonsense', 'InvalidPeerId'],
      ['/nonsense', 'InvalidAddress'],
      ['/ip4/127.0.0.1/tcp/65536', 'InvalidAddress'],
      ['/ip4/127.0.0.1/tcp/1', 'DialError'],
      [3 as unknown as string, 'InvalidPeerId'],
    ])('to %j reject', async (address, code) => {
      expect(await outcome((await startNode()).dial(address))).toBe(code)
    })
  })

  describe('many requests at once', () => {
    it.each([64, 1_000])(
      '%i of them, straight after the first dial: none fails',
      async (amount) => {
        const [a, b] = [await startNode(), await startEcho()]
        const asks = Array.from({ length: amount }, (_, i) => a.request(b.addresses[0]!, bytes(`request ${i}`)))
        const replies = await within(20_000, Promise.all(asks), `${amount} requests`)
        expect(replies.map(text)).toEqual(Array.from({ length: amount }, (_, i) => `request ${i}`))
        expect(stateOf(a).connections.all.size).toBe(1)
      },
      30_000,
    )

    it('64 in both directions at once, by nodes that dial each other at the same time', async () => {
      const [a, b] = [await startEcho(), await startEcho()]
      const asks = Array.from({ length: 64 }, (_, i) => [
        a.request(b.addresses[0]!, bytes(`${i}`)),
        b.request(a.addresses[0]!, bytes(`${i}`)),
      ])
      const replies = await within(20_000, Promise.all(asks.flat()))
      expect(replies.map(text)).toEqual(Array.from({ length: 128 }, (_, i) => `${i >> 1}`))
    }, 30_000)
  })

  describe('sizes', () => {
    it('may be zero, both ways', async () => {
      const [a, b] = [await startNode(), await startEcho()]
      expect(await a.request(b.addresses[0]!, new Uint8Array())).toEqual(new Uint8Array())
    })

    it('of a reply may be 1 MiB, and not a byte more', async () => {
      const [a, b] = [await startNode(), await startNode()]
      b.setEventHandler({ handleInboundRequest: (data) => bytes(Number(text(data))) })
      const reply = await a.request(b.addresses[0]!, bytes(`${MiB}`))
      expect(reply.length).toBe(MiB)
      expect(reply.every((byte) => byte === 7)).toBe(true)
      await expect(a.request(b.addresses[0]!, bytes(`${MiB + 1}`))).rejects.toMatchObject({
        code: 'ResponseTooLarge',
        message: expect.stringContaining('maxResponseSize'),
      })
      expect((await a.request(b.addresses[0]!, bytes('1'))).length).toBe(1)
    })

    it('of replies may be more together than comes at once: all come, of two peers, and nothing is booked in the end', async () => {
      const a = await startNode({ limits: { responseBytesPerPeer: MiB } })
      const [b, c] = [await startNode(), await startNode()]
      for (const peer of [b, c]) peer.setEventHandler({ handleInboundRequest: () => bytes(400_000) })
      const asks = [b, c].flatMap((peer) => Array.from({ length: 24 }, () => a.request(peer.addresses[0]!, bytes('?'))))
      const replies = await within(20_000, Promise.all(asks), '48 replies')
      expect(replies.map(({ length }) => length)).toEqual(Array(48).fill(400_000))
      const { budget, responses } = stateOf(a)
      expect([budget.all.responses, budget.all.early, responses.waiting.size, responses.lent]).toEqual([0, 0, 0, 0])
    }, 30_000)

    it('of a request may be 1 MiB; a byte more is refused before anything is sent', async () => {
      const [a, b] = [await startNode(), await startNode()]
      b.setEventHandler({ handleInboundRequest: (data) => bytes(`${data.length}`) })
      const [peer] = b.addresses as [string]
      await expect(a.request(peer, bytes(MiB + 1))).rejects.toMatchObject({
        code: 'RequestTooLarge',
        message: expect.stringContaining('1048577'),
      })
      expect(stateOf(a).connections.all.size + stateOf(a).dials.size).toBe(0)
      expect(text(await a.request(peer, bytes(MiB)))).toBe(`${MiB}`)
    })

    it('of a request that is too large for the other side: refused, and the next one is answered', async () => {
      const [a, b] = [await startNode(), await startEcho({ reqResp: { maxRequestSize: 100 } })]
      // Version 1 has no word for it.
      const code = protocols.length === 1 ? 'RequestRejected' : 'RequestTooLarge'
      expect(await outcome(a.request(b.addresses[0]!, bytes(101)))).toBe(code)
      expect(await outcome(a.request(b.addresses[0]!, bytes(500_000)))).toBe(code)
      expect((await a.request(b.addresses[0]!, bytes(100))).length).toBe(100)
    })

    it('are limits that a config changes', async () => {
      const a = await startNode({ reqResp: { maxRequestSize: 10, maxResponseSize: 5 } })
      const b = await startEcho()
      expect(await outcome(a.request(b.addresses[0]!, bytes(11)))).toBe('RequestTooLarge')
      expect(await outcome(a.request(b.addresses[0]!, bytes(6)))).toBe('ResponseTooLarge')
      expect(await outcome(a.request(b.addresses[0]!, bytes(5)))).toBe('fulfilled')
    })

    it('leave the bytes of both sides alone, and take any view of bytes', async () => {
      const [a, b] = [await startNode(), await startNode()]
      b.setEventHandler({ handleInboundRequest: (data) => Buffer.from(text(data).toUpperCase()) })
      const data = Buffer.from('xx-view-xx').subarray(3, 7)
      const reply = await a.request(b.addresses[0]!, data)
      expect(text(reply)).toBe('VIEW')
      expect(data.toString()).toBe('view')
      expect(reply.constructor.name).toBe('Uint8Array')
    })
  })

  describe('who answers', () => {
    it('is a subscriber of requests$, who knows the asker', async () => {
      const [a, { node: b, asked }] = [await startNode(), await answerer()]
      const answer = asked().then((request) => {
        request.respond(bytes(`for ${request.from}`))
        return request
      })
      expect(text(await a.request(b.addresses[0]!, bytes('data')))).toBe(`for ${a.peerId}`)
      expect(text((await answer).data)).toBe('data')
    })

    it('is whoever is first, handler or subscriber; later answers are ignored', async () => {
      const [a, b] = [await startNode(), await startNode()]
      let finish: (data: Uint8Array) => void = () => undefined
      let asked = 0
      b.setEventHandler({
        handleInboundRequest(data) {
          asked++
          if (text(data) === 'quick') return bytes('handler')
          return new Promise((resolve) => (finish = resolve))
        },
      })
      b.requests$.subscribe((request) => {
        queueMicrotask(() => {
          request.respond(bytes('subscriber'))
          request.respond(bytes('again'))
          request.reject('too late')
        })
      })
      expect(text(await a.request(b.addresses[0]!, bytes('slow')))).toBe('subscriber')
      finish(bytes('handler'))
      expect(text(await a.request(b.addresses[0]!, bytes('quick')))).toBe('handler')
      expect(text(await a.request(b.addresses[0]!, bytes('slow')))).toBe('subscriber')
      expect(asked).toBe(3)
    })

    it('is not the handler when a subscriber has answered at once', async () => {
      const [a, b] = [await startNode(), await startNode()]
      const asked: string[] = []
      b.setEventHandler({ handleInboundRequest: (data) => (asked.push(text(data)), data) })
      b.requests$.subscribe((request) => {
        if (text(request.data) === 'mine') request.respond(bytes('subscriber'))
      })
      b.requests$.subscribe((request) => {
        if (text(request.data) === 'mine') request.respond(bytes('second subscriber'))
      })
      expect(text(await a.request(b.addresses[0]!, bytes('mine')))).toBe('subscriber')
      expect(text(await a.request(b.addresses[0]!, bytes('yours')))).toBe('yours')
      expect(asked).toEqual(['yours'])
    })

    it('is the handler when the subscribers only look on', async () => {
      const [a, b] = [await startNode(), await startEcho()]
      const seen: string[] = []
      b.requests$.subscribe(({ data }) => seen.push(text(data)))
      expect(text(await a.request(b.addresses[0]!, bytes('hi')))).toBe('hi')
      expect(seen).toEqual(['hi'])
    })

    it('is nobody: the request is rejected at once', async () => {
      const [a, b] = [await startNode(), await startNode()]
      await a.dial(b.addresses[0]!)
      const start = performance.now()
      await expect(a.request(b.peerId, bytes('?'))).rejects.toMatchObject({
        code: 'RequestRejected',
        message: expect.stringContaining(b.peerId),
      })
      expect(performance.now() - start).toBeLessThan(2_000)
      expect(text(await b.request(a.addresses[0]!, bytes('?')).catch(() => bytes('rejected too')))).toBe('rejected too')
    })

    it('is somebody who never does: rejected after requestTimeout, and the signal fires', async () => {
      const [a, { node: b, asked }] = [await startNode(), await answerer({ reqResp: { requestTimeout: 300 } })]
      const start = performance.now()
      const result = outcome(a.request(b.addresses[0]!, bytes('?')))
      const { signal } = await asked()
      await fired(signal)
      expect(performance.now() - start).toBeGreaterThan(250)
      expect(await result).toBe('RequestRejected')
    })

    it('may refuse', async () => {
      const [a, { node: b, asked }] = [await startNode(), await answerer()]
      const result = outcome(a.request(b.addresses[0]!, bytes('?')))
      ;(await asked()).reject('I do not like you')
      expect(await result).toBe('RequestRejected')
    })

    it('is not named by an answer that is no bytes: respond throws, and the request can still be answered', async () => {
      const [a, { node: b, asked }] = [await startNode(), await answerer()]
      const result = a.request(b.addresses[0]!, bytes('?'))
      const request = await asked()
      expect(() => request.respond('text' as unknown as Uint8Array)).toThrow(/must be a Uint8Array/)
      request.respond(bytes('bytes'))
      expect(text(await result)).toBe('bytes')
    })

    it.each<[string, () => unknown]>([
    ['throws', () => { throw new Error('a secret') }],
    ['rejects', async () => { throw new Error('a secret') }],
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- that is the point
    ['throws what is no error', () => { throw null }],
    ['returns a text', () => 'a text'],
    ['returns nothing', () => undefined],
    ['resolves with a number', async () => 42],
    ['returns a thenable that throws', () => ({ then() { throw new Error('a secret') } })],
  ])('is a handler that %s: that request is rejected, the log says why, and the next is answered', async (_, fault) => {
    const [a, b] = [await startNode(), await startNode()]
    b.setEventHandler({
      handleInboundRequest: (data) => (text(data) === 'fault' ? (fault() as Uint8Array) : data),
    })
    const [bad, good] = [a.request(b.addresses[0]!, bytes('fault')), a.request(b.addresses[0]!, bytes('fine'))]
    expect(await outcome(bad)).toBe('RequestRejected')
    await expect(bad).rejects.not.toMatchObject({ message: expect.stringContaining('secret') })
    expect(text(await good)).toBe('fine')
    expect(logOf(b)).toContainEqual(
      expect.objectContaining({ level: 'error', message: expect.stringContaining(`the handler failed on a request of ${a.peerId}: `) as unknown }),
    )
  }) // prettier-ignore

    it('is a handler that keeps its `this`', async () => {
      class Greeter {
        constructor(private readonly greeting: string) {}
        async handleInboundRequest(data: Uint8Array) {
          return bytes(`${this.greeting} ${text(data)}`)
        }
      }
      const [a, b] = [await startNode(), await startNode()]
      b.setEventHandler(new Greeter('Hello'))
      expect(text(await a.request(b.addresses[0]!, bytes('you')))).toBe('Hello you')
    })

    it('may be slow without holding up anybody else', async () => {
      const [a, b] = [await startNode(), await startNode()]
      let release: () => void = () => undefined
      const gate = new Promise<void>((resolve) => (release = resolve))
      b.setEventHandler({
        async handleInboundRequest(data) {
          if (text(data) === 'slow') await gate
          return data
        },
      })
      const slow = a.request(b.addresses[0]!, bytes('slow'))
      expect(text(await a.request(b.addresses[0]!, bytes('quick')))).toBe('quick')
      release()
      expect(text(await slow)).toBe('slow')
    })
  })

  describe('who gives up', () => {
    it('is the asker by its signal: Aborted with the reason, and the answerer hears of it', async () => {
      const [a, { node: b, asked }] = [await startNode(), await answerer()]
      const controller = new AbortController()
      const result = a.request(b.addresses[0]!, bytes('?'), { signal: controller.signal })
      const { signal } = await asked()
      expect(signal.aborted).toBe(false)
      controller.abort(new Error('changed my mind'))
      await expect(result).rejects.toMatchObject({
        code: 'Aborted',
        cause: expect.objectContaining({ message: 'changed my mind' }),
      })
      await fired(signal)
      expect(stateOf(a).asks.open.size).toBe(0)
    })

    it('is the asker before it began: nothing is sent', async () => {
      const [a, b] = [await startNode(), await startEcho()]
      expect(await outcome(a.request(b.addresses[0]!, bytes('?'), { signal: AbortSignal.abort() }))).toBe('Aborted')
      expect(stateOf(a).dials.size + stateOf(a).connections.all.size).toBe(0)
    })

    it('is the asker while it still dials: the others of that dial go on', async () => {
      const [a, b] = [await startNode(), await startEcho()]
      const controller = new AbortController()
      const first = outcome(a.request(b.addresses[0]!, bytes('1'), { signal: controller.signal }))
      const second = a.request(b.addresses[0]!, bytes('2'))
      controller.abort()
      expect(await first).toBe('Aborted')
      expect(text(await second)).toBe('2')
    })

    it('is nobody when the signal fires after the answer', async () => {
      const [a, b] = [await startNode(), await startEcho()]
      const controller = new AbortController()
      expect(text(await a.request(b.addresses[0]!, bytes('1'), { signal: controller.signal }))).toBe('1')
      controller.abort()
      expect(text(await a.request(b.addresses[0]!, bytes('2')))).toBe('2')
    })

    it('is the clock of the asker: RequestTimeout, and the answerer hears of it', async () => {
      const [a, { node: b, asked }] = [await startNode(), await answerer()]
      await a.dial(b.addresses[0]!)
      const result = a.request(b.peerId, bytes('?'), { timeout: 300 })
      const { signal } = await asked()
      await expect(result).rejects.toMatchObject({
        code: 'RequestTimeout',
        message: expect.stringMatching(new RegExp(`${b.peerId}.*300 ms`)),
      })
      await fired(signal)
      expect(pending(stateOf(a))).toMatchObject({ asks: 0, calls: 0, askDeadlines: 0 })
    })

    it('is the clock of the config', async () => {
      const [a, { node: b }] = [await startNode({ reqResp: { requestTimeout: 300 } }), await answerer()]
      expect(await outcome(a.request(b.addresses[0]!, bytes('?')))).toBe('RequestTimeout')
    })

    it('is the answerer that stops: its askers and its own handlers hear of it', async () => {
      const [a, { node: b, asked }] = [await startNode(), await answerer()]
      const result = outcome(a.request(b.addresses[0]!, bytes('?')))
      const { signal } = await asked()
      await b.stop()
      await fired(signal)
      expect(['ConnectionLost', 'RequestRejected']).toContain(await result)
    })
  })
})
