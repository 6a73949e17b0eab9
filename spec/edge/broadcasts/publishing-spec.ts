import { describe, expect, it } from '@jest/globals'
import type { Command, Event } from '../../../src/core/events.js'
import { Asks } from '../../../src/edge/asks.js'
import { publish, type BroadcastOptions, type Published } from '../../../src/edge/broadcasts/publishing.js'
import { Receipts, type Receipt } from '../../../src/edge/broadcasts/receipts.js'
import { bytes } from '../../support/core.js'

class PublishingEdge {
  readonly pushed: Event[] = []
  readonly asks = new Asks((event) => this.pushed.push(event))
  readonly receipts = new Receipts()

  publish(options?: unknown, topic: unknown = 'block', data: unknown = bytes('b')): Promise<Published> {
    return publish(
      this.asks,
      this.receipts,
      5_000,
      topic as string,
      data as Uint8Array,
      options as BroadcastOptions | undefined,
    )
  }
}

async function codeAndMessage(failing: Promise<unknown>): Promise<[string, string]> {
  try {
    await failing
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    return [code, message]
  }
  throw new Error('nothing failed')
}

describe('a broadcast of a caller', () => {
  it('is a question to the lane, answered with the recipients', async () => {
    const edge = new PublishingEdge()
    const published = edge.publish()
    expect(edge.pushed).toEqual([{ type: 'broadcast', ask: 1, topic: 'block', data: bytes('b') }])
    edge.asks.settle(1, { recipients: ['bob'] })
    expect(await published).toEqual({ recipients: ['bob'] })
  })

  it.each<[string, BroadcastOptions, Partial<Extract<Command, { type: 'broadcast' }>>]>([
    ['wait for one', { waitForPeers: {} }, { waitForPeers: { min: 1, timeout: 5_000 } }],
    ['wait', { waitForPeers: { min: 3, timeout: 10 } }, { waitForPeers: { min: 3, timeout: 10 } }],
    ['receipts of all', { receipts: true }, { receipts: { timeout: 5_000 } }],
    ['some receipts', { receipts: { count: 2 } }, { receipts: { count: 2, timeout: 5_000 } }],
    ['receipts for a time', { receipts: { timeout: 7 } }, { receipts: { timeout: 7 } }],
    ['no receipts', { receipts: false }, {}],
  ])('may %s', async (_what, options, asked) => {
    const edge = new PublishingEdge()
    const published = edge.publish(options)
    expect(edge.pushed).toEqual([{ type: 'broadcast', ask: 1, topic: 'block', data: bytes('b'), ...asked }])
    edge.asks.settle(1, { recipients: [] })
    await published
  })

  it.each<[string, unknown, string]>([
    ['options that are none', 5, 'the options of broadcast must be an object, not 5'],
    ['a misspelt option', { recepits: true }, 'broadcast has no option "recepits" (did you mean receipts?)'],
    ['a misspelt wait', { waitForPeers: { mim: 2 } }, 'waitForPeers has no option "mim" (did you mean min?)'],
    ['a misspelt receipt', { receipts: { cuont: 2 } }, 'receipts has no option "cuont"'],
    ['a signal that is none', { signal: 'now' }, 'signal must be an AbortSignal, not "now"'],
    ['waitForPeers that is a number', { waitForPeers: 2 }, 'waitForPeers must be an object, not 2'],
    ['waitForPeers that is null', { waitForPeers: null }, 'waitForPeers must be an object, not null'],
    [
      'min of 0',
      { waitForPeers: { min: 0 } },
      'waitForPeers.min must be a whole number of peers from 1 to 10000, not 0',
    ],
    ['min of a half', { waitForPeers: { min: 0.5 } }, 'not 0.5'],
    ['a timeout of 0', { waitForPeers: { timeout: 0 } }, 'waitForPeers.timeout must be a whole number of ms'],
    ['receipts of a text', { receipts: 'yes' }, 'receipts must be true, or { count, timeout }, not "yes"'],
    ['receipts of null', { receipts: null }, 'receipts must be true, or { count, timeout }, not null'],
    ['a count of 0', { receipts: { count: 0 } }, 'receipts.count must be a whole number of peers'],
    ['a timeout below 0', { receipts: { timeout: -1 } }, 'receipts.timeout must be a whole number of ms'],
  ])('is refused before anything is sent: %s', async (_what, options, message) => {
    const edge = new PublishingEdge()
    const [code, said] = await codeAndMessage(edge.publish(options))
    expect(code).toBe('InvalidConfig')
    expect(said).toContain(message)
    expect(edge.pushed).toEqual([])
  })

  it('is refused before anything is sent: a topic, or bytes, that are none', async () => {
    const edge = new PublishingEdge()
    expect((await codeAndMessage(edge.publish({}, '')))[0]).toBe('InvalidConfig')
    expect((await codeAndMessage(edge.publish({}, 'block', 'text')))[0]).toBe('InvalidConfig')
    expect(edge.pushed).toEqual([])
  })

  it('is given up with its signal, also one that has fired already', async () => {
    const edge = new PublishingEdge()
    const controller = new AbortController()
    const published = edge.publish({ signal: controller.signal, receipts: true })
    controller.abort()
    expect((await codeAndMessage(published))[0]).toBe('Aborted')
    expect(edge.pushed.slice(1)).toEqual([{ type: 'cancel', ask: 1 }])
    expect((await codeAndMessage(edge.publish({ signal: controller.signal })))[0]).toBe('Aborted')
    expect(edge.pushed).toHaveLength(2)
  })

  it('has receipts that none of them misses, also those that came before anybody looked', async () => {
    const edge = new PublishingEdge()
    const published = edge.publish({ receipts: true })
    edge.asks.settle(1, { recipients: ['bob'] })
    edge.receipts.onReceipt(1, { peer: 'bob', rtt: 3 })
    const { receipts$ } = await published
    const seen: unknown[] = []
    receipts$!.subscribe({ next: (one: Receipt) => seen.push(one.peer), complete: () => seen.push('|') })
    expect(seen).toEqual(['bob'])
    edge.receipts.onReceipt(1, { peer: 'carol', rtt: 4 })
    edge.receipts.onEnded(1)
    expect(seen).toEqual(['bob', 'carol', '|'])
    const late: string[] = []
    receipts$!.subscribe({ next: ({ peer, rtt }) => late.push(`${peer} ${rtt}`), complete: () => late.push('|') })
    expect(late).toEqual(['bob 3', 'carol 4', '|'])
  })

  it('that fails has no receipts, and keeps nothing', async () => {
    const edge = new PublishingEdge()
    const published = edge.publish({ receipts: true })
    edge.asks.fail(1, { code: 'DuplicateMessage', message: 'seen' })
    expect(await codeAndMessage(published)).toEqual(['DuplicateMessage', 'seen'])
    expect((edge.receipts as unknown as { receipts: Map<number, unknown> }).receipts.size).toBe(0)
  })
})
