/** Foreign code inside ours: what is thrown may be anything, and what produces may not stop. */
import { describe, expect, it } from '@jest/globals'
import { Observable } from 'rxjs'
import { AnsweringEdge } from '../../support/edge.js'
import { turn } from '../../support/promises.js'

function thrower(): never {
  throw new Error('from a getter')
}

const trap = { get: thrower, has: thrower, getPrototypeOf: thrower, ownKeys: thrower }

describe('a handler that throws what cannot be read is answered as a rejection', () => {
  it.each<[string, unknown]>([
    ['an error whose expose throws', Object.defineProperty(new Error('x'), 'expose', { get: thrower })],
    ['an error whose message throws', Object.defineProperty(new Error('x'), 'message', { get: thrower })],
    ['what has no text', Object.create(null)],
    ['what throws as a text', { toString: thrower }],
    ['a proxy', new Proxy({}, trap)],
  ])('%s', async (_what, error) => {
    for (const later of [false, true]) {
      const edge = new AnsweringEdge()
      edge.inbound.setHandler({
        handleInboundRequest: () => {
          if (!later) throw error
          return turn().then(() => {
            throw error
          })
        },
      })
      edge.inbound.onRequest(2, 'bob', new Uint8Array())
      for (let i = 0; i < 3; i++) await turn()
      expect(edge.said).toEqual(['reject'])
      expect(edge.logged).toHaveLength(1)
    }
  })
})

describe('an Observable', () => {
  it('that produces without a pause is stopped while it does, at what may wait of an answer', () => {
    const edge = new AnsweringEdge()
    let made = 0
    const flood$ = new Observable<Uint8Array>((subscriber) => {
      while (!subscriber.closed && made < 200) {
        made++
        subscriber.next(new Uint8Array(1_000_000))
      }
    })
    edge.request().respond(flood$)
    expect(made).toBe(5)
    expect(edge.said).toEqual([...Array<string>(4).fill('next 1000000'), 'reject Overloaded'])
  })

  it('that pauses goes on', async () => {
    const edge = new AnsweringEdge()
    const parts$ = new Observable<Uint8Array>((subscriber) => {
      void (async () => {
        for (let i = 0; i < 6; i++, await turn()) subscriber.next(new Uint8Array(1_000_000))
        subscriber.complete()
      })()
    })
    edge.request().respond(parts$)
    for (let i = 0; i < 8; i++) await turn()
    expect(edge.said).toEqual([...Array<string>(6).fill('next 1000000'), 'complete'])
  })
})
