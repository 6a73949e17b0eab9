/** Idle connections on real sockets, whose streams end before they do: what is asked at that moment is answered. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { bytes } from '../support/bytes.js'
import { next, startNode, stopNodes } from '../support/nodes.js'

afterEach(() => stopNodes(), 20_000)

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
