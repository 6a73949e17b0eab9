/** Handlers run in turns of the event loop, and the lane is told when they have ended. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import type { Command } from '../../../src/core/events.js'
import type { Refusal } from '../../../src/core/effects.js'
import { InboundRequests, type EventHandler, type InboundRequest } from '../../../src/edge/answers/inbound.js'
import { bytes } from '../../support/bytes.js'
import { pending, turn as oneTurn } from '../../support/promises.js'

/** Sockets have been read, and what waited for that has run. */
async function turn(): Promise<void> {
  await oneTurn()
  await oneTurn()
}

const GONE: Refusal = { code: 'Aborted', message: 'gone' }

/** A clock of which each handler takes what its request says, ms. */
class Edge {
  clock = 0
  readonly pushed: Command[] = []
  readonly handled: string[] = []
  readonly inbound = new InboundRequests(
    (command) => this.pushed.push(command),
    () => undefined,
    () => this.clock,
  )

  constructor(handle?: EventHandler['handleInboundRequest']) {
    this.inbound.setHandler({
      handleInboundRequest: (data, context) => {
        this.handled.push(`${context.from} ${data[0]}`)
        this.clock += data[0]!
        return handle === undefined ? data : handle(data, context)
      },
    })
  }

  /** Requests that take so long, from 2 on. */
  request(...times: number[]): void {
    times.forEach((time, i) => this.inbound.onRequest(i + 2, 'bob', new Uint8Array([time])))
  }

  get told(): string[] {
    return this.pushed.map(({ type }) => type)
  }
}

describe('handlers', () => {
  it('are called until the time of a turn is used up; the others go back to the lane, with their bytes', async () => {
    const edge = new Edge()
    edge.request(2, 4, 1, 2)
    expect(edge.handled).toEqual(['bob 2', 'bob 4'])
    expect(edge.pushed.at(-1)).toEqual({ type: 'turnUsed', ran: 2 })
    await turn()
    expect(edge.pushed.at(-1)).toEqual({
      type: 'handedBack',
      requests: [
        { exchange: 4, data: new Uint8Array([1]) },
        { exchange: 5, data: new Uint8Array([2]) },
      ],
    })
    edge.request(1)
    expect(edge.handled).toHaveLength(3)
    edge.request(4)
    expect(edge.pushed.at(-1)).toEqual({ type: 'turnUsed', ran: 2 })
  })

  it('run on after sockets have been read, also when they used up a turn in which those had been read before', async () => {
    const edge = new Edge()
    const server = createServer((socket) => {
      socket.on('data', ([which]) => {
        if (which === 2) return void edge.pushed.push({ type: 'cancel', ask: 2 })
        // The other one comes while the handler computes.
        clients[1]!.write(new Uint8Array([2]))
        const until = performance.now() + 20
        while (performance.now() < until);
        edge.request(20)
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const clients = [1, 2].map(() => connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay())
    await Promise.all(clients.map((client) => once(client, 'connect')))
    clients[0]!.write(new Uint8Array([1]))
    while (edge.told.at(-1) !== 'handedBack') await oneTurn()
    for (const client of clients) client.destroy()
    server.close()
    expect(edge.told.slice(-3)).toEqual(['turnUsed', 'cancel', 'handedBack'])
  })

  it('have a turn of their own after a pause, and nothing goes back when its time was not used up', async () => {
    const edge = new Edge()
    edge.request(4)
    edge.inbound.pause()
    edge.clock += 5
    edge.request(3)
    await turn()
    expect(edge.handled).toHaveLength(2)
    expect(edge.told).not.toContain('handedBack')
  })

  it('that keep everything else waiting are told of', () => {
    const edge = new Edge()
    edge.request(0, 3)
    expect(edge.pushed.filter(({ type }) => type === 'handlerTook')).toEqual([
      { type: 'handlerTook', peer: 'bob', ms: 3 },
    ])
  })

  it('are not charged with what ran since the one before', () => {
    const edge = new Edge()
    edge.request(0)
    edge.clock += 20
    edge.inbound.pause()
    edge.request(0)
    expect(edge.told).not.toContain('handlerTook')
  })

  it('hear how long their request has waited', () => {
    const waits: number[] = []
    const edge = new Edge((data, { waited }) => (waits.push(waited), data))
    edge.inbound.requests$.subscribe(({ waited }) => waits.push(waited))
    edge.inbound.onRequest(2, 'bob', new Uint8Array(1), 70)
    edge.inbound.onRequest(4, 'bob', new Uint8Array(1))
    expect(waits).toEqual([70, 70, 0, 0])
  })
})

describe('the end of a handler is told', () => {
  it('by its answer', async () => {
    const edge = new Edge(async (data) => data)
    edge.request(0)
    await turn()
    expect(edge.pushed).toEqual([{ type: 'respond', exchange: 2, data: new Uint8Array(1) }])
  })

  it('when its promise has settled, if its request was cancelled', async () => {
    const later = pending<Uint8Array>()
    const edge = new Edge(() => later.promise)
    edge.request(0)
    edge.inbound.onCancel(2, GONE)
    expect(edge.pushed).toEqual([])
    later.resolve(bytes('late'))
    await turn()
    expect(edge.pushed).toEqual([{ type: 'released', exchange: 2 }])
  })

  it('once, when a subscriber has answered for it by a stream that was cut', async () => {
    const later = pending<Uint8Array>()
    const edge = new Edge(() => later.promise)
    const seen: InboundRequest[] = []
    edge.inbound.requests$.subscribe((request) => seen.push(request))
    edge.request(0)
    const closed = pending<IteratorResult<Uint8Array>>()
    seen[0]!.respond({
      [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}), return: () => closed.promise }),
    })
    edge.inbound.onCancel(2, GONE)
    later.resolve(bytes('late'))
    await turn()
    expect(edge.told).toEqual(['pullable'])
    closed.resolve({ done: true, value: undefined })
    await turn()
    expect(edge.told).toEqual(['pullable', 'released'])
  })

  it('when its iterator has returned or, without a way to say so, has settled', async () => {
    const next = pending<IteratorResult<Uint8Array>>()
    const edge = new Edge(() => ({ [Symbol.asyncIterator]: () => ({ next: () => next.promise }) }))
    edge.request(0)
    edge.inbound.onProduce(2, 1_000)
    edge.inbound.onCancel(2, GONE)
    await turn()
    expect(edge.told).toEqual(['pullable'])
    next.resolve({ done: true, value: undefined })
    await turn()
    expect(edge.told).toEqual(['pullable', 'released'])
  })

  it('at once for a subscriber who has said nothing', () => {
    const edge = new Edge()
    const only = new InboundRequests(
      (command) => edge.pushed.push(command),
      () => undefined,
      () => 0,
    )
    only.requests$.subscribe()
    only.onRequest(2, 'bob', bytes('a'))
    only.onCancel(2, GONE)
    expect(edge.pushed).toEqual([{ type: 'released', exchange: 2 }])
  })
})
