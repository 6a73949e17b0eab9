/**
 * A line of five processes. What is broadcast at one place arrives once at all others, unless a validator on its way says
 * otherwise: then nobody behind it hears of it. What each has heard is read from what it wrote down.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { AnotherProcess } from '../../support/another-process.js'
import { endProcesses } from '../../support/another-process.js'
import { isIntact, titled, type Noted } from '../../support/child-broadcasts.js'
import { joinLine, startLine } from '../../support/line.js'

type Line = [AnotherProcess, AnotherProcess, AnotherProcess, AnotherProcess, AnotherProcess]

let line: Line

beforeAll(async () => {
  line = (await startLine(5)) as Line
}, 60_000)

afterEach(async () => {
  for (const node of line) expect(await node.order('faults', {})).toEqual([])
})

afterAll(endProcesses)

const texts = (lines: Noted[]): string[] => lines.map(({ text }) => text)

describe('in a line of five', () => {
  it('everything arrives exactly once at everybody else, from both ends and from the middle', async () => {
    const topic = 'all'
    await joinLine(line, topic)
    const amount = 50
    const bursts = await Promise.all(
      line.map((node, place) => node.burst({ topic, name: `of ${place}`, amount, size: 200 + 1_000 * place })),
    )
    for (const sent of bursts) expect(sent.filter(({ recipients = [] }) => recipients.length === 0)).toEqual([])
    for (const [place, node] of line.entries()) {
      const lines = await node.wrote(topic, 4 * amount)
      const expected = [...line.keys()]
        .filter((other) => other !== place)
        .flatMap((other) => Array.from({ length: amount }, (_, i) => `of ${other} ${i}`))
      expect(texts(lines).sort()).toEqual(expected.sort())
      expect(lines.every(isIntact)).toBe(true)
      // From whoever is next to it, on the way to the signer.
      for (const { from, via } of lines) {
        const signer = line.findIndex(({ peerId }) => peerId === from)
        expect(via).toBe(line[place + Math.sign(signer - place)]!.peerId)
      }
    }
  }, 60_000)

  it('slow validators keep nothing back but what they do not accept; broken ones punish nobody', async () => {
    const topic = 'slow'
    const [first, second, ...behind] = line
    await second.order('validate', { topic, after: 20 })
    await line[3].order('validate', { topic, after: 5 })
    await joinLine(line, topic)
    const words = ['good 0', 'ignore 1', 'throw 2', 'never 3', 'nonsense 4', 'good 5']
    for (const word of words) await first.broadcast(topic, titled(word, 50))
    for (const node of behind) expect(texts(await node.wrote(topic, 2))).toEqual(['good 0', 'good 5'])
    const never = await first.broadcast(topic, titled('never 6', 50), { receipts: { timeout: 20_000 } })
    // Its time is up after two seconds, and the answer to who wants a receipt comes then.
    expect(never.receipts).toEqual([])
    const sender = await second.explainPeer(first.peerId)
    expect(sender.dropped).toEqual({ ignored: 1, validatorFailed: 4 })
    expect(sender.gossip.score).toBe(0)
    await first.broadcast(topic, titled('good 7', 50))
    for (const node of [second, ...behind]) {
      expect(texts(await node.wrote(topic, 3))).toEqual(['good 0', 'good 5', 'good 7'])
    }
    expect((await second.explainTopic(topic)).heard).toMatchObject({ received: 8, delivered: 3 })
  }, 60_000)

  it('a node in the middle that is stopped holds back the rest, which arrives when it goes on', async () => {
    const topic = 'stopped'
    await joinLine(line, topic)
    const [first, , middle, fourth, last] = line
    await middle.pause()
    await first.burst({ topic, name: 'during', amount: 20, size: 100 })
    expect(await line[1].wrote(topic, 20)).toHaveLength(20)
    expect(middle.journal(topic)).toEqual([])
    expect(fourth.journal(topic)).toEqual([])
    middle.resume()
    for (const node of [middle, fourth, last]) {
      expect(texts(await node.wrote(topic, 20)).sort()).toEqual(
        Array.from({ length: 20 }, (_, i) => `during ${i}`).sort(),
      )
    }
  }, 60_000)

  // The last one: for a minute, gossipsub's back-off, the first has no place in a mesh of the second after that.
  it('what the second rejects never reaches the third, gets no receipt, and costs its sender its place', async () => {
    const topic = 'judged'
    const [first, second, ...behind] = line
    await second.order('validate', { topic })
    await joinLine(line, topic)
    const before = await first.broadcast(topic, titled('good 1', 50), { receipts: true })
    expect(before.receipts).toMatchObject([{ peer: second.peerId }])
    const bad = await first.broadcast(topic, titled('reject 2', 50), { receipts: true })
    expect(bad).toEqual({ recipients: [second.peerId], receipts: [] })
    await first.broadcast(topic, titled('good 3', 50))
    for (const node of behind) expect(texts(await node.wrote(topic, 2))).toEqual(['good 1', 'good 3'])
    expect(texts(await second.wrote(topic, 2))).toEqual(['good 1', 'good 3'])

    const sender = await second.explainPeer(first.peerId)
    expect(sender.dropped).toMatchObject({ rejected: 1 })
    expect(sender.gossip.score).toBeLessThan(0)
    expect((await second.explainTopic(topic)).dropped).toEqual({ rejected: 1 })
    // At its next heartbeat it puts the sender out of its mesh, and keeps the third.
    await second.order('meshed', { topic, amount: 1, within: 10_000 })
    const { meshes, text } = await second.explainPeer(first.peerId)
    expect(meshes).not.toContain(topic)
    expect(text).toMatch(/score -[^]*1 rejected/)
    expect((await second.explainPeer(behind[0].peerId)).meshes).toContain(topic)
    expect((await second.explainPeer(behind[0].peerId)).gossip.score).toBe(0)
  }, 60_000)
})
