/** Idle connections on real sockets, whose streams end before they do: what is asked at that moment is answered. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { bytes } from '../support/bytes.js'
import { next, startNode, stopNodes } from '../support/nodes.js'

afterEach(() => stopNodes(), 20_000)

describe('connections that are closed nearly at once', () => {
  it.each([2, 20, 60])(
    'lose no request when both sides ask (keep-alive %s ms)',
    async (connectionKeepAlive) => {
      // A busy machine is no reason to take a peer for dead.
      const config = { stayConnected: 0, reqResp: { connectionKeepAlive }, ping: { test: 10_000 } }
      const [a, b] = await Promise.all([startNode(config), startNode(config)])
      for (const node of [a, b]) node.setEventHandler({ handleInboundRequest: (data: Uint8Array) => data })
      const ends: Promise<string>[] = []
      const ask = (from: typeof a, to: typeof a): void => {
        const answer = from.request(to.addresses[0]!, bytes('?'))
        ends.push(answer.then(() => 'answered', (error: Error) => error.message)) // prettier-ignore
      }
      for (let i = 0; i < 100; i++) {
        ask(a, b)
        if (i % 3 > 0) ask(b, a)
        await new Promise((resolve) => setTimeout(resolve, connectionKeepAlive * (0.9 + (i % 7) / 30) + (i % 4)))
      }
      expect(new Set(await Promise.all(ends))).toEqual(new Set(['answered']))
    },
    60_000,
  )
})

describe('a connection that the other side leaves', () => {
  it('loses no request that is made while it is being closed', async () => {
    const handler = { handleInboundRequest: (data: Uint8Array) => data }
    const pairs = Array.from({ length: 4 }, async () => {
      const [leaver, other] = await Promise.all(
        [500, 1_500].map((connectionKeepAlive) => startNode({ stayConnected: 0, reqResp: { connectionKeepAlive } })),
      )
      leaver!.setEventHandler(handler)
      other!.setEventHandler(handler)
      for (let round = 0; round < 4; round++) {
        await leaver!.request(other!.addresses[0]!, bytes('hello'))
        await other!.request(leaver!.peerId, bytes('hello'))
        await next(leaver!.peer$(other!.peerId), ({ connections }) => connections === 0)
        expect(await other!.request(leaver!.addresses[0]!, bytes('now'))).toEqual(bytes('now'))
      }
    })
    await Promise.all(pairs)
  }, 60_000)
})
