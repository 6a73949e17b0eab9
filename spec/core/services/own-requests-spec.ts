/** Requests of the node itself to other nodes. */
import { describe, expect, it } from '@jest/globals'
import { askNode, cancelOwnAsk } from '../../../src/core/services/own-requests.js'
import { GossipCore } from '../../support/broadcasts.js'
import { bytes } from '../../support/core.js'
import { reply } from '../../support/session.js'
import { ServiceCore } from '../../support/service-core.js'

describe('the node’s own requests', () => {
  it('wait for the HELLO of the other side, and callers’ do not', () => {
    const core = new GossipCore({ protocols: ['/tinyp2p/session/1.0.0'], gossipPatience: 0 })
    core.member('bob')
    core.in({ type: 'subscribe', topic: 'block', replay: { subscription: 1, count: 1 } })
    expect(core.lines({ type: 'meshChanged', topic: 'block', peers: ['bob'] })).toEqual(['open 1 on 1'])
    core.in({ type: 'request', ask: 1, peer: 'bob', addresses: [], data: bytes('?'), timeout: 1_000 })
    const opened = core.in({ type: 'streamOpened', stream: 1, protocol: '/tinyp2p/session/1.0.0' })
    const written = Buffer.concat(opened.flatMap((effect) => (effect.type === 'write' ? effect.chunks : [])))
    // HELLO and the caller's request: the other one has the flag 80.
    expect([written[1], written[6]]).toEqual([0, 0x21])
    expect(core.state.connections.all.get(1)!.queue.size).toBe(1)
  })

  it('are never seen by callers, nor fail for them', () => {
    const core = new ServiceCore()
    core.peer('bob')
    core.run({ type: 'subscribe', topic: 'block', replay: { subscription: 1, count: 1 } })
    core.run({ type: 'meshChanged', topic: 'block', peers: ['bob'] })
    expect(core.lines({ type: 'connectionClosed', connection: 1 })).toEqual(['replayed 1:'])
  })
})

describe('a question of the node itself', () => {
  it('that is cancelled is not asked any longer, and the peer is told', () => {
    const core = new ServiceCore()
    core.peer('bob')
    const purpose = { kind: 'receipt', ask: 1, peer: 'bob' } as const
    const ask = askNode(core.state, [], 'bob', { kind: 'receipt', topic: 'block', id: 'a' }, 1_000, purpose)
    core.run({ type: 'woken' })
    expect(core.asked('bob')).toHaveLength(1)
    cancelOwnAsk(core.state, [], ask)
    cancelOwnAsk(core.state, [], ask)
    core.run({ type: 'woken' })
    expect(core.gotLines('bob')).toEqual(['CANCEL 1'])
    expect([core.state.asks.open.size, core.state.services.purposes.size]).toEqual([0, 0])
  })

  it('to which there is no value ends with the first one that is said', () => {
    const core = new ServiceCore()
    core.peer('bob')
    askNode(core.state, [], 'bob', { kind: 'twin', address: '/ip4/192.0.2.1/tcp/1' }, 1_000, { kind: 'twin' })
    core.run({ type: 'woken' })
    expect(core.asked('bob')).toHaveLength(1)
    core.run(core.hears('bob', reply(1, bytes('!'))))
    expect(core.gotLines('bob')).toEqual(['CANCEL 1'])
    expect([core.state.asks.open.size, core.state.services.purposes.size]).toEqual([0, 0])
  })
})
