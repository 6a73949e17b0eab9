/** The topics that a host is in, and what it tells and hears of them. */
import { describe, expect, it } from '@jest/globals'
import { join, leave, line, TOPIC } from './lab.js'
import type { Lab, Member } from '../lab.js'

describe('subscriptions', () => {
  it('are told to those who are connected, and to those who come', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    join(a)
    lab.run(100)
    expect(b.heard('subscriptionChanged')).toMatchObject([{ peer: 'peer1', topic: TOPIC, subscribed: true }])
    const c = lab.member()
    lab.connect(c, a)
    expect(c.heard('subscriptionChanged')).toHaveLength(1)
    leave(a)
    lab.run(100)
    expect([b, c].map((one) => one.last('subscriptionChanged').subscribed)).toEqual([false, false])
  })

  it('end with the connection', () => {
    const [lab, [a, b]] = line(2) as [Lab, [Member, Member]]
    join(a, b)
    lab.run(2_000)
    expect(a.mesh).toEqual(['peer2'])
    b.host.crash()
    lab.run(100)
    expect(a.last('subscriptionChanged')).toMatchObject({ peer: 'peer2', subscribed: false })
    expect(a.mesh).toEqual([])
  })
})
