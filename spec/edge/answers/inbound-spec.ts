import { describe, expect, it } from '@jest/globals'
import type { Refusal } from '../../../src/core/effects.js'
import type { Event } from '../../../src/core/events.js'
import { InboundRequests, type InboundRequest } from '../../../src/edge/answers/inbound.js'
import { P2pError } from '../../../src/errors.js'
import { bytes } from '../../support/bytes.js'
import { turn } from '../../support/promises.js'

function edge(): { inbound: InboundRequests; pushed: Event[]; logged: unknown[] } {
  const pushed: Event[] = []
  const logged: unknown[] = []
  const inbound = new InboundRequests(
    (event) => pushed.push(event),
    (_level, _message, cause) => logged.push(cause),
    () => 0,
  )
  return { inbound, pushed, logged }
}

describe('an inbound request', () => {
  it('is rejected at once when nobody answers requests here', () => {
    const { inbound, pushed } = edge()
    inbound.onRequest(2, 'bob', bytes('?'))
    expect(pushed).toEqual([{ type: 'reject', exchange: 2, reason: 'nobody answers requests here' }])
  })

  it('is answered by the handler, at once or later', async () => {
    const { inbound, pushed } = edge()
    let later = false
    inbound.setHandler({ handleInboundRequest: (data) => (later ? Promise.resolve(data) : data) })
    inbound.onRequest(2, 'bob', bytes('a'))
    later = true
    inbound.onRequest(4, 'bob', bytes('b'))
    await turn()
    expect(pushed).toEqual([
      { type: 'respond', exchange: 2, data: bytes('a') },
      { type: 'respond', exchange: 4, data: bytes('b') },
    ])
  })

  it('takes the first answer of a handler and a subscriber, and ignores the rest', async () => {
    const { inbound, pushed } = edge()
    const seen: InboundRequest[] = []
    inbound.requests$.subscribe((request) => seen.push(request))
    inbound.setHandler({ handleInboundRequest: async () => bytes('handler') })
    inbound.onRequest(2, 'bob', bytes('?'))
    seen[0]!.respond(bytes('subscriber'))
    seen[0]!.reject('too late')
    await turn()
    expect(pushed).toEqual([
      { type: 'respond', exchange: 2, data: bytes('subscriber'), working: true },
      { type: 'released', exchange: 2 },
    ])
  })

  it('is rejected when the handler throws or rejects: the text stays in our log', async () => {
    const { inbound, pushed, logged } = edge()
    const error = new Error('the database password is wrong')
    let async = false
    inbound.setHandler({
      handleInboundRequest: () => {
        if (async) return Promise.reject(error)
        throw error
      },
    })
    inbound.onRequest(2, 'bob', bytes('?'))
    async = true
    inbound.onRequest(4, 'bob', bytes('?'))
    await turn()
    expect(pushed).toEqual([
      { type: 'reject', exchange: 2 },
      { type: 'reject', exchange: 4 },
    ])
    expect(logged).toEqual([error, error])
  })

  it('carries the text of an error that is meant for strangers', () => {
    const { inbound, pushed } = edge()
    inbound.setHandler({
      handleInboundRequest: () => {
        throw Object.assign(new Error('no such block'), { expose: true })
      },
    })
    inbound.onRequest(2, 'bob', bytes('?'))
    expect(pushed).toEqual([{ type: 'reject', exchange: 2, reason: 'no such block' }])
  })

  it('is rejected when the handler answers with something that is not bytes', () => {
    const { inbound, pushed, logged } = edge()
    inbound.setHandler({ handleInboundRequest: () => 'text' as unknown as Uint8Array })
    inbound.onRequest(2, 'bob', bytes('?'))
    expect(pushed).toEqual([{ type: 'reject', exchange: 2 }])
    expect(String(logged[0])).toContain('must be a Uint8Array')
  })

  it('tells a subscriber who answers with something that is not bytes, and still waits', () => {
    const { inbound, pushed } = edge()
    const seen: InboundRequest[] = []
    inbound.requests$.subscribe((request) => seen.push(request))
    inbound.onRequest(2, 'bob', bytes('?'))
    expect(() => {
      seen[0]!.respond('text' as unknown as Uint8Array)
    }).toThrow('must be a Uint8Array')
    seen[0]!.respond(bytes('!'))
    expect(pushed).toEqual([{ type: 'respond', exchange: 2, data: bytes('!') }])
  })

  it('fires its signal when nobody waits any more, also for who looks at it only then', () => {
    const { inbound, pushed } = edge()
    const seen: InboundRequest[] = []
    inbound.requests$.subscribe((request) => seen.push(request))
    inbound.onRequest(2, 'bob', bytes('?'))
    inbound.onRequest(4, 'bob', bytes('?'))
    const { signal } = seen[0]!
    expect(signal.aborted).toBe(false)
    const refusal: Refusal = { code: 'Aborted', message: 'the asker has given up' }
    inbound.onCancel(2, refusal)
    inbound.onCancel(4, refusal)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toMatchObject(refusal)
    expect(signal.reason).toBeInstanceOf(P2pError)
    expect(seen[1]!.signal.aborted).toBe(true)
    seen[0]!.respond(bytes('late'))
    expect(pushed).toEqual([2, 4].map((exchange) => ({ type: 'released', exchange })))
  })

  it('keeps the handler an object: its methods see `this`', () => {
    const { inbound, pushed } = edge()
    class Greeter {
      private readonly greeting = bytes('hello')
      handleInboundRequest(): Uint8Array {
        return this.greeting
      }
    }
    inbound.setHandler(new Greeter())
    inbound.onRequest(2, 'bob', bytes('?'))
    expect(pushed).toEqual([{ type: 'respond', exchange: 2, data: bytes('hello') }])
  })
})
