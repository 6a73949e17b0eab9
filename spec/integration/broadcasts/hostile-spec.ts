/**
 * Peers that break the rules of gossip, against a node in a process of its own: each offence is counted under its name and
 * punished; what honest peers say arrives all the same, memory stays flat, and nothing is fatal.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { AnotherProcess, endProcesses } from '../../support/another-process.js'
import { titled } from '../../support/child-broadcasts.js'
import { bytes, MiB } from '../../support/nodes.js'
import { rawGossipIn, stopRaw, type RawGossip } from '../../support/raw-gossip.js'

const TOPIC = 'news'

let victim: AnotherProcess
let honest: AnotherProcess
let attacker: RawGossip
let memory: number
let said = 0

/** What an honest peer says comes through, and what the victim says reaches it. */
async function honestAreHeard(): Promise<void> {
  said++
  await honest.broadcast(TOPIC, titled(`honest ${said}`, 100))
  await victim.broadcast(TOPIC, titled(`victim ${said}`, 100))
  for (const [reader, title] of [[victim, `honest ${said}`], [honest, `victim ${said}`]] as const) {
    await reader.wroteText(TOPIC, title)
    expect(reader.journal(TOPIC).filter(({ text }) => text === title)).toHaveLength(1)
  }
} // prettier-ignore

beforeAll(async () => {
  ;[victim, honest] = await Promise.all([AnotherProcess.start(), AnotherProcess.start()])
  await Promise.all([victim.writes(TOPIC), honest.writes(TOPIC)])
  await honest.order('dial', { address: victim.address })
  await Promise.all([victim, honest].map((node) => node.order('meshed', { topic: TOPIC, amount: 1, within: 15_000 })))
  await honestAreHeard()
  memory = await victim.memory()
}, 60_000)

afterEach(async () => {
  await honestAreHeard()
  await stopRaw()
  expect(await victim.order('faults', {})).toEqual([])
  expect((await victim.memory()) - memory).toBeLessThan(150 * MiB)
}, 60_000)

afterAll(endProcesses)

/** What the victim counts against the attacker, once it has counted so much. */
async function counted(reason: string, amount: number) {
  return victim.order('dropped', { peer: attacker.peerId, reason, amount, within: 15_000 }) as Promise<{
    dropped: Record<string, number>
    score: number
    connected: boolean
  }>
}

describe('a peer that sends', () => {
  it('unsigned and wrongly signed messages is counted by its signatures, and silenced', async () => {
    attacker = await rawGossipIn(TOPIC, victim.address)
    const good = await attacker.sign(TOPIC, bytes('forged'))
    const { data, topic } = good
    const other = await attacker.sign(TOPIC, bytes('something else'))
    const unsigned = { data, topic }
    const forged = { ...good, signature: other.signature }
    const changed = { ...good, data: bytes('changed') }
    // In one frame: after a few of them nothing of it would be read.
    attacker.send({ messages: [unsigned, forged, changed, ...Array.from({ length: 12 }, () => forged)] })
    const { dropped, score } = await counted('signature', 15)
    expect(dropped).toEqual({ signature: 15 })
    expect(score).toBeLessThan(-80)
    // For some seconds not even a good one is read.
    await attacker.publish(TOPIC, bytes('a good one'))
    await honestAreHeard()
    expect(victim.journal(TOPIC).map(({ text }) => text)).not.toContain('a good one')
  }, 60_000)

  it('messages over the limit is counted, and none is delivered', async () => {
    attacker = await rawGossipIn(TOPIC, victim.address)
    await attacker.publish(TOPIC, bytes(70_000))
    const { dropped, score, connected } = await counted('oversize', 1)
    expect({ dropped, connected }).toEqual({ dropped: { oversize: 1 }, connected: true })
    expect(score).toBeLessThan(0)
    expect(victim.journal(TOPIC).filter(({ size }) => size === 70_000)).toEqual([])
  }, 60_000)

  it.each([
    ['a frame far over the limit', Uint8Array.of(0xff, 0xff, 0xff, 0x7f)],
    ['a length that does not end', new Uint8Array(20).fill(0xff)],
    ['garbage', Uint8Array.of(6, 1, 2, 3, 4, 5, 6)],
  ])(
    '%s is disconnected',
    async (_, frame) => {
      attacker = await rawGossipIn(TOPIC, victim.address)
      attacker.sendBytes(frame)
      await attacker.cut()
      const { dropped } = await counted('malformed', 1)
      expect(dropped).toEqual({ malformed: 1 })
      expect((await victim.explainPeer(attacker.peerId)).connections).toEqual([])
    },
    60_000,
  )

  it('a flood of topics that nobody is in is counted as that, and costs it its score', async () => {
    attacker = await rawGossipIn(TOPIC, victim.address)
    const message = await attacker.sign('strange', bytes(500))
    for (let i = 0; i < 2_000; i++) attacker.send({ messages: [{ ...message, topic: `strange ${i}` }] })
    // Some of them are not even looked at any more.
    const { dropped, score } = await counted('unknownTopic', 16)
    expect(Object.keys(dropped)).toEqual(['unknownTopic'])
    expect(score).toBeLessThan(0)
    expect(((await victim.order('status', {})) as { topics: object }).topics).toHaveProperty(TOPIC)
    expect(Object.keys(((await victim.order('status', {})) as { topics: object }).topics)).toEqual([TOPIC])
  }, 60_000)

  it('one message five thousand times is heard once', async () => {
    attacker = await rawGossipIn(TOPIC, victim.address)
    const message = await attacker.sign(TOPIC, bytes('again and again'))
    for (let i = 0; i < 5_000; i++) attacker.send({ messages: [message] })
    expect(await attacker.drained()).toBe(true)
    await honestAreHeard()
    expect(victim.journal(TOPIC).filter(({ text }) => text === 'again and again')).toHaveLength(1)
    expect(honest.journal(TOPIC).filter(({ text }) => text === 'again and again').length).toBeLessThanOrEqual(1)
  }, 60_000)

  it('a flood of good messages holds up nobody', async () => {
    attacker = await rawGossipIn(TOPIC, victim.address)
    const messages = await Promise.all(
      Array.from({ length: 3_000 }, (_, i) => attacker.sign(TOPIC, titled(`flood ${i}`, 2_000))),
    )
    for (const message of messages) attacker.send({ messages: [message] })
    await honestAreHeard()
    await victim.wroteText(TOPIC, 'flood 2999', 30_000)
    const flood = victim.journal(TOPIC).filter(({ text }) => text.startsWith('flood'))
    expect(flood.map(({ text }) => text)).toEqual(messages.map((_, i) => `flood ${i}`))
  }, 90_000)
})
