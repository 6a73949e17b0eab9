/** What a recording tells of a node that asked, was asked, and broadcast. */
import { beforeAll, describe, expect, it } from '@jest/globals'
import { firstValueFrom, from } from 'rxjs'
import { readRecording, simulate, type RecordedNode } from 'tinyp2p/testing'
import { bytes, text } from '../../support/bytes.js'
import { failure } from '../../support/promises.js'

const texts = (values: readonly Uint8Array[]): string[] => values.map(text)

let recorded: RecordedNode
let bob: string
let carol: string

beforeAll(async () => {
  const chunks: Uint8Array[] = []
  const net = simulate({ latency: 10 })
  const alice = await net.createNode({
    topics: ['news'],
    record: { write: (chunk) => void chunks.push(chunk.slice()) },
  })
  const others = [await net.createNode({ topics: ['news'] }), await net.createNode()] as const
  ;[bob, carol] = [others[0].peerId, others[1].peerId]
  alice.setEventHandler({
    handleInboundRequest(data) {
      if (text(data) === 'no') throw Object.assign(new Error('never'), { expose: true, code: 'No' })
      return text(data) === 'many' ? from([bytes('a'), bytes('b')]) : data
    },
  })
  others[0].setEventHandler({ handleInboundRequest: () => bytes('of bob') })
  await net.until(alice.request(others[0].addresses[0]!, bytes('to bob')))
  await net.until(failure(alice.request(others[1].addresses[0]!, bytes('to carol'))))
  await net.until(others[0].request(alice.peerId, bytes('back')))
  await net.until(failure(others[0].request(alice.peerId, bytes('no'))))
  await net.until(firstValueFrom(others[1].request$(alice.peerId, bytes('many'))))
  await net.run(5_000)
  await net.until(alice.broadcast('news', bytes('ours'), { waitForPeers: {} }))
  await net.until(others[0].broadcast('news', bytes('theirs')))
  await net.run(1_000)
  await net.until(alice.stop())
  recorded = await readRecording(Buffer.concat(chunks))
})

describe('a recording that is read', () => {
  it('pairs questions with their answers, both ways', () => {
    const told = recorded.requests.map(({ direction, peer, data, values, code, at, endedAt }) => {
      expect(endedAt).toBeGreaterThanOrEqual(at)
      return [direction, peer, text(data), texts(values), code]
    })
    expect(told.slice(0, 4)).toEqual([
      ['out', bob, 'to bob', ['of bob'], undefined],
      ['out', carol, 'to carol', [], 'RequestRejected'],
      ['in', bob, 'back', ['back'], undefined],
      ['in', bob, 'no', [], 'No'],
    ])
  })

  it('has broadcasts, those that were sent and those that were heard', () => {
    const alice = recorded.header.peerId
    expect(recorded.broadcasts).toMatchObject([
      { direction: 'out', topic: 'news', from: alice, data: bytes('ours') },
      { direction: 'in', topic: 'news', from: bob, via: bob, data: bytes('theirs') },
    ])
  })

  it('has its batches, and what they have about one peer', () => {
    expect(recorded.batches.map(({ index }) => index)).toEqual(recorded.batches.map((_, i) => i + 1))
    const ofCarol = recorded.about(carol)
    const records = ofCarol.flatMap(({ events, effects }) => [...events, ...effects])
    expect(records.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['request', 'connectionOpened', 'data', 'fail']),
    )
    expect(JSON.stringify(records)).not.toContain(bob)
    expect(() => recorded.about('nobody')).toThrow('is not a peer id')
  })

  it('gives its requests and broadcasts to a handler of today', async () => {
    const heard: string[] = []
    const handled = await recorded.handle({
      handleInboundRequest(data, { from: asker }) {
        expect([bob, carol]).toContain(asker)
        if (text(data) === 'no') throw new Error('still not')
        return from([bytes('new'), data])
      },
      handleBroadcast: (_topic, data) => void heard.push(text(data)),
    })
    expect(handled.slice(0, 2)).toMatchObject([
      { request: { peer: bob }, values: [bytes('new'), bytes('back')] },
      { request: { code: 'No' }, error: new Error('still not') },
    ])
    expect(heard).toEqual(['theirs'])
    await expect(recorded.handle({})).rejects.toMatchObject({ code: 'InvalidConfig' })
  })
})
