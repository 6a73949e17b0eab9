/** Requests to several peers, on virtual time, without a lane. */
import { describe, expect, it } from '@jest/globals'
import { TestScheduler } from 'rxjs/testing'
import {
  requestAll,
  requestAny,
  type PeerValue,
  type RequestAllOptions,
  type RequestAnyOptions,
} from '../../../src/edge/requests/fan-out.js'
import { peerIdOf } from '../../../src/identity.js'
import { newSecret } from '../../../src/secret.js'
import { isP2pError, P2pError, type ErrorCode } from '../../../src/errors.js'
import { bytes, text } from '../../support/bytes.js'
import { AskingEdge, BOB, CAROL, DAVE } from '../../support/edge.js'

const PEERS = [BOB, CAROL, DAVE]
const NAMES = new Map(PEERS.map((peer, i) => [peer, ['bob', 'carol', 'dave'][i]!]))

class Fan extends AskingEdge {
  readonly scheduler = new TestScheduler(() => undefined)
  readonly heard: string[] = []
  error: P2pError | undefined

  any(peers: readonly string[], options: RequestAnyOptions = {}): { unsubscribe: () => void } {
    return requestAny(this.asking, this.scheduler, peers, bytes('?'), options).subscribe(this.observer)
  }

  all(peers: readonly string[], options: RequestAllOptions = {}): { unsubscribe: () => void } {
    return requestAll(this.asking, peers, bytes('?'), options).subscribe(this.observer)
  }

  private readonly observer = {
    next: (answer: PeerValue | { peer: string; error: P2pError }): void => {
      const what = 'value' in answer ? text(answer.value) : answer.error.code
      this.heard.push(`${NAMES.get(answer.peer) ?? answer.peer}: ${what}`)
    },
    error: (error: P2pError): void => {
      this.error = error
      this.heard.push(`! ${error.code}`)
    },
    complete: (): void => void this.heard.push('|'),
  }

  /** Lets virtual time pass. */
  pass(ms: number): void {
    this.scheduler.maxFrames = this.scheduler.frame + ms
    this.scheduler.schedule(() => undefined, ms)
    this.scheduler.flush()
  }

  answer(peer: string, value: string): void {
    this.asks.settle(this.askOf(peer), bytes(value))
  }

  refuse(peer: string, code: ErrorCode = 'DialError', retryAfterMs?: number): void {
    const refusal = { code, message: `${NAMES.get(peer)} is not there` }
    this.asks.fail(this.askOf(peer), retryAfterMs === undefined ? refusal : { ...refusal, retryAfterMs })
  }

  get asked(): string[] {
    return this.commands('request').map(({ peer }) => NAMES.get(peer)!)
  }

  get cancelled(): string[] {
    const byAsk = new Map(this.commands('request').map(({ ask, peer }) => [ask, NAMES.get(peer)!]))
    return this.commands('cancel').map(({ ask }) => byAsk.get(ask)!)
  }
}

describe('requestAny', () => {
  it('asks all at once, takes the first answer, and cancels the others', () => {
    const fan = new Fan()
    fan.any(PEERS, { timeout: 70 })
    expect(fan.asked).toEqual(['bob', 'carol', 'dave'])
    expect(fan.commands('request').map(({ timeout, values }) => [timeout, values])).toEqual(
      PEERS.map(() => [70, undefined]),
    )
    fan.refuse(BOB)
    fan.answer(CAROL, 'hi')
    expect(fan.heard).toEqual(['carol: hi', '|'])
    expect(fan.cancelled).toEqual(['dave'])
  })

  it('asks the next peer after each `hedgeAfter`, and lets the first one go on', () => {
    const fan = new Fan()
    fan.any(PEERS, { hedgeAfter: 100 })
    const asked: string[][] = [fan.asked]
    for (const ms of [99, 1, 99, 1, 1_000]) {
      fan.pass(ms)
      asked.push(fan.asked)
    }
    expect(asked.map(({ length }) => length)).toEqual([1, 1, 2, 2, 3, 3])
    fan.answer(BOB, 'after all')
    expect(fan.heard).toEqual(['bob: after all', '|'])
    expect(fan.cancelled).toEqual(['carol', 'dave'])
  })

  it('asks the next peer as soon as one fails, which then has the whole time for itself', () => {
    const fan = new Fan()
    fan.any(PEERS, { hedgeAfter: 100 })
    fan.pass(60)
    fan.refuse(BOB)
    expect(fan.asked).toEqual(['bob', 'carol'])
    fan.pass(99)
    expect(fan.asked).toEqual(['bob', 'carol'])
    fan.pass(1)
    expect(fan.asked).toEqual(['bob', 'carol', 'dave'])
  })

  it('asks nobody else once it has an answer', () => {
    const fan = new Fan()
    fan.any(PEERS, { hedgeAfter: 100 })
    fan.answer(BOB, 'hi')
    fan.pass(1_000)
    expect([fan.asked, fan.cancelled, fan.heard]).toEqual([['bob'], [], ['bob: hi', '|']])
  })

  it('fails when all have failed: with the code of the last, and all of them as its cause', () => {
    const fan = new Fan()
    fan.any(PEERS)
    fan.refuse(CAROL, 'RequestTimeout')
    fan.refuse(BOB, 'Overloaded', 900)
    fan.refuse(DAVE, 'Overloaded', 400)
    expect(fan.heard).toEqual(['! Overloaded'])
    expect(fan.error!.message).toBe(
      'nobody answered (asked: 3): carol is not there; bob is not there; dave is not there',
    )
    const { errors } = fan.error!.cause as AggregateError
    expect(errors.map(({ code }: P2pError) => code)).toEqual(['RequestTimeout', 'Overloaded', 'Overloaded'])
    expect(fan.error!.retryAfterMs).toBe(400)
  })

  it('of one peer fails in the same way', () => {
    const fan = new Fan()
    fan.any([BOB])
    fan.refuse(BOB, 'RequestRejected')
    expect([fan.error!.code, (fan.error!.cause as AggregateError).errors.length]).toEqual(['RequestRejected', 1])
  })

  it('of many peers says of the first five why, and has all as its cause', async () => {
    const fan = new Fan()
    const peers = await Promise.all(Array.from({ length: 7 }, () => peerIdOf(newSecret())))
    fan.any(peers)
    for (const peer of peers) fan.refuse(peer)
    expect(fan.error!.message).toMatch(/^nobody answered \(asked: 7\): (undefined is not there; ){5}and 2 more$/)
    expect((fan.error!.cause as AggregateError).errors).toHaveLength(7)
  })

  it('asks a peer once, whatever it is called', () => {
    const fan = new Fan()
    fan.any([BOB, `/ip4/192.0.2.1/tcp/9000/p2p/${BOB}`, `/p2p/${BOB}`, BOB, CAROL])
    expect(fan.asked).toEqual(['bob', 'carol'])
  })

  it('names the winner as its caller does', () => {
    const fan = new Fan()
    const address = `/ip4/192.0.2.1/tcp/9000/p2p/${BOB}`
    fan.any([address, CAROL])
    expect(fan.commands('request')[0]!.addresses).toEqual([address])
    fan.answer(BOB, 'hi')
    expect(fan.heard[0]).toBe(`${address}: hi`)
  })

  it('cancels everything, and asks nobody else, when its caller aborts', () => {
    const fan = new Fan()
    const controller = new AbortController()
    fan.any(PEERS, { hedgeAfter: 100, signal: controller.signal })
    fan.pass(100)
    controller.abort()
    fan.pass(1_000)
    expect([fan.asked, fan.cancelled, fan.heard]).toEqual([['bob', 'carol'], ['bob', 'carol'], ['! Aborted']])
  })

  it('ends with the node, and asks nobody after that', () => {
    const fan = new Fan()
    fan.any(PEERS, { hedgeAfter: 100 })
    fan.asks.end(new P2pError('NodeStopped', 'over'))
    fan.pass(1_000)
    expect([fan.asked, fan.heard]).toEqual([['bob'], ['! NodeStopped']])
    const late = new Fan()
    late.asks.end(new P2pError('NodeStopped', 'over'))
    late.any(PEERS)
    expect([late.asked, late.heard]).toEqual([[], ['! NodeStopped']])
  })
})

describe('requestAll', () => {
  it('tells what became of each peer, in the order of their answers, and completes', () => {
    const fan = new Fan()
    fan.all(PEERS)
    expect(fan.asked).toEqual(['bob', 'carol', 'dave'])
    fan.answer(DAVE, 'd')
    fan.refuse(BOB)
    expect(fan.heard).toEqual(['dave: d', 'bob: DialError'])
    fan.answer(CAROL, 'c')
    expect(fan.heard).toEqual(['dave: d', 'bob: DialError', 'carol: c', '|'])
    expect(fan.cancelled).toEqual([])
  })

  it('asks no more than `concurrency` at once', () => {
    const fan = new Fan()
    fan.all(PEERS, { concurrency: 2 })
    expect(fan.asked).toEqual(['bob', 'carol'])
    fan.refuse(CAROL)
    expect(fan.asked).toEqual(['bob', 'carol', 'dave'])
  })

  it('cancels what is open when it is unsubscribed, and asks nobody else', () => {
    const fan = new Fan()
    const subscription = fan.all(PEERS, { concurrency: 2 })
    fan.answer(BOB, 'b')
    subscription.unsubscribe()
    expect([fan.asked, fan.cancelled]).toEqual([
      ['bob', 'carol', 'dave'],
      ['carol', 'dave'],
    ])
  })

  it('completes at once for nobody, and asks a peer once', () => {
    const nobody = new Fan()
    nobody.all([])
    expect(nobody.heard).toEqual(['|'])
    const twice = new Fan()
    twice.all([BOB, `/p2p/${BOB}`, BOB])
    expect(twice.asked).toEqual(['bob'])
  })

  it('tells of a node that ends for each peer that has not answered, and completes', () => {
    const fan = new Fan()
    fan.all(PEERS, { concurrency: 2 })
    fan.asks.end(new P2pError('NodeStopped', 'over'))
    expect(fan.heard.slice(0, 3).sort()).toEqual(['bob: NodeStopped', 'carol: NodeStopped', 'dave: NodeStopped'])
    expect(fan.heard.slice(3)).toEqual(['|'])
  })

  it('errors when its caller aborts', () => {
    const fan = new Fan()
    const controller = new AbortController()
    fan.all(PEERS, { signal: controller.signal })
    fan.answer(BOB, 'b')
    controller.abort()
    expect([fan.heard, fan.cancelled]).toEqual([
      ['bob: b', '! Aborted'],
      ['carol', 'dave'],
    ])
  })
})

describe('bad arguments', () => {
  const wrong: [string, unknown[], ErrorCode][] = [
    ['a peer that is none', [[BOB, 'peer']], 'InvalidPeerId'],
    ['no array', [BOB], 'InvalidConfig'],
    ['a timeout of 0', [[BOB], { timeout: 0 }], 'InvalidConfig'],
    ['no signal', [[BOB], { signal: 7 }], 'InvalidConfig'],
    ['options that are none', [[BOB], null], 'InvalidConfig'],
  ]
  const any: typeof wrong = [
    ['nobody to ask', [[]], 'InvalidConfig'],
    ['a negative hedge', [[BOB], { hedgeAfter: -1 }], 'InvalidConfig'],
  ]
  const all: typeof wrong = [['nobody at once', [[BOB], { concurrency: 0 }], 'InvalidConfig']]

  it.each([...wrong, ...any])('of requestAny are refused before anybody is asked: %s', (_what, args, code) => {
    const fan = new Fan()
    const [peers, options] = args as [string[], RequestAnyOptions?]
    const thrown = caught(() => fan.any(peers, options))
    expect([isP2pError(thrown, code), fan.pushed]).toEqual([true, []])
  })

  it.each([...wrong, ...all])('of requestAll are refused before anybody is asked: %s', (_what, args, code) => {
    const fan = new Fan()
    const [peers, options] = args as [string[], RequestAllOptions?]
    const thrown = caught(() => fan.all(peers, options))
    expect([isP2pError(thrown, code), fan.pushed]).toEqual([true, []])
  })
})

function caught(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  return undefined
}
