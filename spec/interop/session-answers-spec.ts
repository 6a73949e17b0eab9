/** Requests over sessions from a Rust peer to our node: what it is answered, and what it can stop, delay and end. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { from, NEVER, Observable, ReplaySubject } from 'rxjs'
import type { InboundRequest, P2pNode } from 'tinyp2p'
import { killProcesses } from '../support/line-process.js'
import { bytes, MiB, nextFew, text, within } from '../support/nodes.js'
import type { RustPeer } from '../support/rust-peer.js'
import { equal, failure, numbered, payload, startAsked, startPair, stopSessionNodes } from './session-nodes.js'

afterEach(() => Promise.all([stopSessionNodes(), killProcesses()]))

const SIZES = [0, 1, 16_384, 16_385, 65_537, MiB]
const VALUE_COST = 32

/** Fires as the signal does. */
function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve())
  })
}

/** An endless stream that counts what is pulled of it, and knows when it was torn down. */
class Endless {
  pulled = 0
  readonly ended: Promise<void>
  private end!: () => void

  constructor(private readonly size: number) {
    this.ended = new Promise((resolve) => (this.end = resolve))
  }

  async *values(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield numbered(this.pulled++, this.size)
    } finally {
      this.end()
    }
  }
}

describe('a request over a session from Rust to us', () => {
  it.each(SIZES)('of %i bytes comes back whole', async (size) => {
    const asked: { size: number; from: string }[] = []
    const [rust, node] = await startAsked((data, { from: peer }) => {
      asked.push({ size: data.length, from: peer })
      return data
    })
    expect(equal(await rust.sessionRequest(node.peerId, payload(size)), payload(size))).toBe(true)
    expect(asked).toEqual([{ size, from: rust.peerId }])
  })

  it('is one of five hundred at once, over one session', async () => {
    const [rust, node] = await startAsked((data) => data)
    const all = await rust.sessionAskMany(node.peerId, 500, 1_000)
    expect(all).toEqual({ succeeded: 500, failed: 0, errors: {} })
    expect(await rust.sessionsOpened('asker')).toBe(1)
  })

  it('is one of 25 large ones at once, of which we take 17 at a time', async () => {
    const [rust, node] = await startAsked((data) => data)
    // 16 MiB are what one peer may have us hold. The others get no credit beyond the window until there is room.
    const all = await rust.sessionAskMany(node.peerId, 25, 950_000)
    expect(all).toEqual({ succeeded: 25, failed: 0, errors: {} })
  })

  it('is Overloaded when there is no room for it', async () => {
    const [rust, node] = await startPair()
    // One peer may have us hold 16 MiB of requests that nobody has answered.
    const held = nextFew(node.requests$, 16)
    await rust.dial(node.addresses[0]!)
    for (let index = 0; index < 16; index++) rust.sessionAsk(node.peerId, bytes(MiB))
    const requests = await held
    const { code, message } = await rust.sessionAsk(node.peerId, bytes('no room'), { one: true }).ended
    expect({ code, message }).toEqual({ code: 'Overloaded', message: expect.any(String) })
    node.setEventHandler({ handleInboundRequest: (data) => data })
    requests[0]!.respond(bytes('done'))
    expect(text(await rust.sessionRequest(node.peerId, bytes('room again')))).toBe('room again')
  })

  it('may come while we ask the other way, each over a session of its own', async () => {
    const [rust, node] = await startAsked((data) => data)
    const [theirs, ours] = await Promise.all([
      rust.sessionAskMany(node.peerId, 100, 20_000),
      Promise.all(Array.from({ length: 100 }, () => node.request(rust.peerId, payload(20_000)))),
    ])
    expect(theirs).toEqual({ succeeded: 100, failed: 0, errors: {} })
    expect(ours.every((answer) => equal(answer, payload(20_000)))).toBe(true)
    expect([await rust.sessionsOpened('asker'), await rust.sessionsOpened('answerer')]).toEqual([1, 1])
  })

  it('over our limit is TooLarge, no handler sees it, and the next one passes', async () => {
    const sizes: number[] = []
    const [rust, node] = await startAsked(
      (data) => {
        sizes.push(data.length)
        return data
      },
      { reqResp: { maxRequestSize: 1_000 } },
    )
    // Its session is new, and has not heard yet what we take.
    const large = [1_001, 100_000].map((size) => rust.sessionRequest(node.peerId, payload(size)))
    for (const each of large) expect(await failure(each)).toMatchObject({ message: 'TooLarge' })
    expect(await rust.sessionRequest(node.peerId, payload(1_000))).toEqual(payload(1_000))
    expect(sizes).toEqual([1_000])
    expect(await rust.sessionsOpened('asker')).toBe(1)
  })

  it('is Rejected when nobody answers here', async () => {
    const [rust, node] = await startAsked(undefined)
    expect(await rust.sessionAsk(node.peerId, bytes('?'), { one: true }).ended).toMatchObject({
      end: 'fail',
      code: 'Rejected',
    })
  })

  it('hears the reason of a refusal, and nothing of an error that is not meant for strangers', async () => {
    const [rust, node] = await startAsked((data) => {
      if (text(data) === 'exposed') {
        throw Object.assign(new Error('come later'), { expose: true, code: 'Closed', retryAfterMs: 1_200 })
      }
      throw new Error('secret of this house')
    })
    const ended = (data: string) => rust.sessionAsk(node.peerId, bytes(data), { one: true }).ended
    expect(await ended('exposed')).toMatchObject({ code: 'Closed', message: 'come later', retryAfter: 1_200 })
    const hidden = await ended('hidden')
    expect(hidden).toMatchObject({ end: 'fail', code: 'Rejected' })
    expect(hidden.message).not.toContain('secret')
  })

  it('is refused by a subscriber with a code, a message and a time', async () => {
    const [rust, node] = await startAsked(undefined)
    node.requests$.subscribe((request) => {
      request.reject({ code: 'Overloaded', message: 'a busy day', retryAfterMs: 50 })
    })
    expect(await rust.sessionAsk(node.peerId, bytes('?'), { one: true }).ended).toMatchObject({
      end: 'fail',
      code: 'Overloaded',
      message: 'a busy day',
      retryAfter: 50,
    })
  })

  it('that is cancelled fires our signal, and gets its final frame', async () => {
    const [rust, node] = await startPair()
    const asked = nextFew(node.requests$, 1)
    await rust.dial(node.addresses[0]!)
    const call = rust.sessionAsk(node.peerId, bytes('?'), { one: true })
    const { signal } = (await asked)[0] as InboundRequest
    expect(signal.aborted).toBe(false)
    await rust.cancelSession(call)
    await within(5_000, fired(signal), 'the signal')
    expect(await call.ended).toMatchObject({ end: 'fail', code: 'Cancelled', cancelled: 'command' })
  })

  it('that is cancelled while half of it is here never reaches a handler', async () => {
    let handled = 0
    const [rust, node] = await startAsked((data) => {
      handled++
      return data
    })
    await rust.sessionAttack(node.peerId, 'cancel-half')
    expect(text(await rust.sessionRequest(node.peerId, bytes('after')))).toBe('after')
    expect(handled).toBe(1)
    expect(await rust.sessionsOpened('asker')).toBe(1)
  })

  it('has a deadline of its own, at which our signal fires', async () => {
    const [rust, node] = await startPair()
    const asked = nextFew(node.requests$, 1)
    await rust.dial(node.addresses[0]!)
    const call = rust.sessionAsk(node.peerId, bytes('?'), { one: true, timeout: 300 })
    await within(5_000, fired((await asked)[0]!.signal), 'the signal')
    const { end, code } = await call.ended
    expect(end).toBe('fail')
    expect(['Timeout', 'Cancelled']).toContain(code)
  })

  it('without a deadline ends at ours', async () => {
    const [rust, node] = await startAsked(() => new Promise<Uint8Array>(() => {}), {
      reqResp: { requestTimeout: 300 },
    })
    const { end, code, cancelled } = await rust.sessionAsk(node.peerId, bytes('?'), { one: true }).ended
    expect({ end, cancelled }).toEqual({ end: 'fail', cancelled: null })
    expect(code).toBe('Rejected')
  })

  it('is answered after Rust has closed its side, and then we close ours', async () => {
    const [rust, node] = await startPair()
    const asked = nextFew(node.requests$, 1)
    await rust.dial(node.addresses[0]!)
    const call = rust.sessionAsk(node.peerId, bytes('last words'), { one: true })
    const [request] = await asked
    await rust.command('sessionClose', { peer: node.peerId })
    request!.respond(request!.data)
    expect(await call.ended).toMatchObject({ end: 'last' })
    await rust.sessionEnded('asker')
    const next = nextFew(node.requests$, 1)
    const later = rust.sessionRequest(node.peerId, bytes('new session'))
    const [again] = await next
    again!.respond(again!.data)
    expect(text(await later)).toBe('new session')
    expect(await rust.sessionsOpened('asker')).toBe(2)
  })

  it('that Rust forgets with its session fires our signal, and a new session is served', async () => {
    const [rust, node] = await startPair()
    const asked = nextFew(node.requests$, 1)
    await rust.dial(node.addresses[0]!)
    const call = rust.sessionAsk(node.peerId, bytes('?'))
    const [request] = await asked
    await rust.command('sessionReset', { peer: node.peerId })
    expect(await failure(call.ended)).toMatchObject({ message: expect.stringContaining('lost') })
    await within(5_000, fired(request!.signal), 'the signal')
    node.setEventHandler({ handleInboundRequest: (data) => data })
    expect(text(await rust.sessionRequest(node.peerId, bytes('again')))).toBe('again')
  })
})

describe('a stream of values from us to Rust', () => {
  const VALUES = Array.from({ length: 300 }, (_, index) => numbered(index, 1_000))

  async function* generated(values: Uint8Array[]): AsyncGenerator<Uint8Array> {
    yield* values
  }

  it.each([
    ['an AsyncIterable', () => generated(VALUES)],
    ['a promise of one', () => Promise.resolve(generated(VALUES))],
  ])('may be %s', async (_, reply) => {
    const [rust, node] = await startAsked(reply)
    const call = rust.sessionAsk(node.peerId, bytes('go'))
    expect(await call.ended).toMatchObject({ values: 300, cancelled: null })
    const values = await rust.sessionValues(call, 300)
    expect(values.every((value, index) => equal(value, VALUES[index]!))).toBe(true)
  })

  it('may be an Observable', async () => {
    const [rust, node] = await startAsked(() => from(VALUES.slice(0, 20)))
    const call = rust.sessionAsk(node.peerId, bytes('go'))
    expect(await call.ended).toMatchObject({ values: 20 })
    expect((await rust.sessionValues(call, 20)).map((value) => [...value])).toEqual(VALUES.slice(0, 20).map((value) => [...value])) // prettier-ignore
  })

  it('may have no value, and large ones', async () => {
    const large = [70_000, 16_385, 0, MiB].map(payload)
    const [rust, node] = await startAsked((data) => generated(text(data) === 'none' ? [] : large))
    expect(await rust.sessionAsk(node.peerId, bytes('none')).ended).toMatchObject({ end: 'end', values: 0 })
    const call = rust.sessionAsk(node.peerId, bytes('large'))
    expect(await call.ended).toMatchObject({ values: 4 })
    const values = await rust.sessionValues(call, 4)
    expect(values.every((value, index) => equal(value, large[index]!))).toBe(true)
  })

  it('gives one value to those who want one, and is torn down', async () => {
    const endless = new Endless(100)
    const [rust, node] = await startAsked(() => endless.values())
    expect(await rust.sessionRequest(node.peerId, bytes('one'))).toEqual(numbered(0, 100))
    await within(5_000, endless.ended, 'the teardown')
  })

  it('is pulled no further than the credit of Rust goes', async () => {
    const size = 1_000
    const cost = size + VALUE_COST
    const endless = new Endless(size)
    const [rust, node] = await startAsked(() => endless.values())
    const call = rust.sessionAsk(node.peerId, bytes('go'), { credit: 10 * cost })
    await rust.sessionValues(call, 10)
    // Rust has the tenth; whatever our side pulls beyond is pulled when this request has been answered too.
    expect(await rust.sessionRequest(node.peerId, bytes('turn'))).toEqual(numbered(endless.pulled - 1, size))
    const ahead = endless.pulled - 1
    expect(ahead).toBeGreaterThanOrEqual(10)
    expect(ahead).toBeLessThanOrEqual(12)
    await rust.giveCredit(call, 90 * cost)
    await rust.sessionValues(call, 100)
    expect(endless.pulled - 1).toBeLessThanOrEqual(102)
    await rust.cancelSession(call)
    expect(await call.ended).toMatchObject({ end: 'fail', code: 'Cancelled', values: 100 })
  })

  it('waits within a value when the credit ends there', async () => {
    const [rust, node] = await startAsked(() => generated([payload(50_000)]))
    const call = rust.sessionAsk(node.peerId, bytes('go'), { credit: VALUE_COST })
    for (let given = 0; given < 50_000; given += 10_000) await rust.giveCredit(call, 10_000)
    await rust.sessionValues(call, 1)
    // A producer that is pulled by credit only shows its end when there is some for another value.
    await rust.giveCredit(call, VALUE_COST)
    expect(await call.ended).toMatchObject({ values: 1 })
    expect(equal((await rust.sessionValues(call, 1))[0]!, payload(50_000))).toBe(true)
  })

  it('ends with CANCEL when a value is over what Rust takes', async () => {
    const endless = new Endless(20_000)
    const [rust, node] = await startAsked(() => endless.values())
    const call = rust.sessionAsk(node.peerId, bytes('go'), { maxValue: 19_999 })
    expect(await call.ended).toMatchObject({ end: 'fail', code: 'Cancelled', cancelled: 'too large', values: 0 })
    await within(5_000, endless.ended, 'the teardown')
  })

  it('is torn down when Rust cancels: a generator is returned, an Observable unsubscribed', async () => {
    const endless = new Endless(100)
    let unsubscribed!: () => void
    const teardown = new Promise<void>((resolve) => (unsubscribed = resolve))
    const silent$ = new Observable<Uint8Array>(() => {
      const inner = NEVER.subscribe()
      return () => {
        inner.unsubscribe()
        unsubscribed()
      }
    })
    const [rust, node] = await startAsked((data) => (text(data) === 'push' ? silent$ : endless.values()))
    const pulled = rust.sessionAsk(node.peerId, bytes('pull'))
    await rust.sessionValues(pulled, 100)
    const pushed = rust.sessionAsk(node.peerId, bytes('push'))
    await rust.cancelSession(pulled)
    await rust.cancelSession(pushed)
    await within(5_000, Promise.all([endless.ended, teardown]), 'the teardowns')
    for (const { ended } of [pulled, pushed]) expect(await ended).toMatchObject({ end: 'fail', code: 'Cancelled' })
  })

  it('is torn down when Rust is killed', async () => {
    const endless = new Endless(100)
    const [rust, node] = await startAsked(() => endless.values())
    await rust.sessionValues(rust.sessionAsk(node.peerId, bytes('go')), 100)
    await rust.kill()
    await within(10_000, endless.ended, 'the teardown')
  })

  it('may fail after some values', async () => {
    const [rust, node] = await startAsked(async function* () {
      yield* VALUES.slice(0, 3)
      throw Object.assign(new Error('out of paper'), { expose: true, code: 'Paper' })
    })
    expect(await rust.sessionAsk(node.peerId, bytes('go')).ended).toMatchObject({
      end: 'fail',
      code: 'Paper',
      message: 'out of paper',
      values: 3,
    })
  })

  // Credit for two values of four bytes; when they are there, five more come at once, which nobody takes.
  const TWO = 2 * (4 + VALUE_COST)

  async function startPushed(): Promise<[RustPeer, P2pNode, ReplaySubject<Uint8Array>]> {
    const values$ = new ReplaySubject<Uint8Array>()
    for (const index of [0, 1]) values$.next(numbered(index, 4))
    return [...(await startAsked(() => values$)), values$]
  }

  it.each([
    ['the oldest of a buffer of three', { policy: 1, buffer: 3 }, [0, 1, 4, 5, 6]],
    ['all but the newest', { policy: 2, buffer: 3 }, [0, 1, 6]],
    ['nothing that there is room for', { policy: 0, buffer: 5 }, [0, 1, 2, 3, 4, 5, 6]],
  ] as const)('that cannot wait drops %s', async (_, lossy, kept) => {
    const [rust, node, values$] = await startPushed()
    const call = rust.sessionAsk(node.peerId, bytes('go'), { credit: TWO, lossy })
    await rust.sessionValues(call, 2)
    for (let index = 2; index < 7; index++) values$.next(numbered(index, 4))
    values$.complete()
    await node.status()
    await rust.giveCredit(call, 100 * TWO)
    expect(await call.ended).toMatchObject({ values: kept.length })
    expect(await rust.sessionValues(call, kept.length)).toEqual(kept.map((index) => numbered(index, 4)))
  })

  it('that cannot wait fails as Overloaded when its buffer is full', async () => {
    const [rust, node, values$] = await startPushed()
    const call = rust.sessionAsk(node.peerId, bytes('go'), { credit: TWO, lossy: { policy: 0, buffer: 4 } })
    await rust.sessionValues(call, 2)
    for (let index = 2; index < 7; index++) values$.next(numbered(index, 4))
    await node.status()
    await rust.giveCredit(call, 100 * TWO)
    expect(await call.ended).toMatchObject({ end: 'fail', code: 'Overloaded' })
    expect(values$.observed).toBe(false)
  })
})
