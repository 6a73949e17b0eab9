/** Callers that wait until so many peers are connected. */
import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../../src/core/events.js'
import { peerState } from '../../../src/core/peers/peer-states.js'
import { Core, KAD, shorts } from '../../support/core.js'
import { BOB, BOOT, dialFailed, identified } from '../../support/peers.js'

describe('online', () => {
  const online = (ask: number, peers = 1): Event => ({ type: 'online', ask, peers, timeout: 100 })

  it('is answered when so many peers have said who they are', () => {
    const core = new Core()
    core.in(online(1), online(2, 2))
    expect(core.connect('bob', 1)).toEqual([])
    expect(shorts(core.in(identified('bob')))).toEqual(['ping 1', 'tableAdd bob', 'settle 1'])
    core.connect('carol', 2)
    expect(shorts(core.in(identified('carol', [BOB], 2)))).toEqual(['ping 2', 'tableAdd carol', 'settle 2'])
    expect(shorts(core.in(online(3, 2)))).toEqual(['settle 3'])
    expect(core.state.online.size).toBe(0)
  })

  it('fails after its time, and says why', () => {
    const core = new Core({ bootNodes: { boot: [BOOT] }, firstTick: 1 })
    core.in({ type: 'tick' })
    core.in(dialFailed('boot'), online(1))
    const [fail] = core.at(100)
    expect(fail).toMatchObject({
      refusal: { code: 'DialError', message: expect.stringMatching(/^0 of 1 peers.*boot: refused/) as unknown },
    })
    core.in(online(2))
    core.in({ type: 'cancel', ask: 2 })
    expect(core.state.online.size).toBe(0)
  })

  it('says where a peer of the config is being dialled, and for how long', () => {
    const core = new Core({ bootNodes: { boot: [BOOT] }, firstTick: 1 })
    core.in({ type: 'tick' })
    core.now = 50
    core.in(online(1))
    const [fail] = core.at(150)
    const message = `0 of 1 peers are connected after 100 ms; boot: being dialled for 150 ms so far, at ${BOOT}`
    expect(fail).toMatchObject({ refusal: { code: 'DialError', message } })
  })

  it('names no reason that there is none of', () => {
    const core = new Core()
    core.in(online(1))
    const [fail] = core.at(100)
    expect(fail).toMatchObject({
      refusal: {
        message: '0 of 1 peers are connected after 100 ms; name peers that are up in bootNodes or keep',
      },
    })
  })

  it('counts a peer once, however many connections there are, and not before it has said who it is', () => {
    const core = new Core()
    core.in(online(1, 2))
    core.connect('bob', 1)
    core.connect('bob', 2)
    core.in(identified('bob', [BOB], 1), identified('bob', [BOB], 2))
    core.connect('carol', 3)
    expect(core.state.online.size).toBe(1)
    expect(shorts(core.in(identified('carol', [BOB], 3)))).toContain('settle 1')
  })

  it('does not count a peer that speaks no protocol of requests, and says so', () => {
    const core = new Core()
    core.in(online(1))
    core.connect('bob')
    core.in({ type: 'identified', connection: 1, peer: 'bob', protocols: [KAD], addresses: [BOB], agent: 'x' })
    expect(peerState(core.state, 'bob')).toMatchObject({ state: 'connected', protocols: [KAD] })
    const message = '0 of 1 peers are connected after 100 ms; bob: it is connected, and speaks no protocol of requests'
    expect(core.at(100)).toMatchObject([{ type: 'fail', refusal: { code: 'DialError', message } }])
  })
})
