import { describe, expect, it } from '@jest/globals'
import type { Refusal } from '../../../src/core/effects.js'
import type { Event } from '../../../src/core/events.js'
import { Validators, type ValidationContext, type Validator } from '../../../src/edge/broadcasts/validators.js'
import { P2pError } from '../../../src/errors.js'
import { bytes } from '../../support/core.js'
import { pending, turn } from '../../support/promises.js'

const LATE: Refusal = { code: 'RequestTimeout', message: 'no verdict within 50 ms' }

function edge(fromConfig: Record<string, Validator> = {}): {
  validators: Validators
  pushed: Event[]
  logged: { level: string; cause: unknown }[]
  judge: (validation: number, topic?: string) => void
} {
  const pushed: Event[] = []
  const logged: { level: string; cause: unknown }[] = []
  const validators = new Validators(
    (event) => pushed.push(event),
    (level, _message, cause) => logged.push({ level, cause }),
    fromConfig,
  )
  return {
    validators,
    pushed,
    logged,
    judge: (validation, topic = 'block') => {
      validators.onValidate(validation, { topic, data: bytes('b'), from: 'bob', via: 'carol', id: '1' })
    },
  }
}

const said = (validation: number, verdict: string, failed = false): unknown => ({
  type: 'validated',
  validation,
  verdict,
  failed,
})

describe('a validator', () => {
  it('is told of the message, who signed it and who handed it over', () => {
    const seen: unknown[] = []
    const { judge, pushed } = edge({
      block: (data, { topic, from, via, signal }) => {
        seen.push(data, topic, from, via, signal.aborted)
        return 'accept'
      },
    })
    judge(1)
    expect(seen).toEqual([bytes('b'), 'block', 'bob', 'carol', false])
    expect(pushed).toEqual([said(1, 'accept')])
  })

  it.each(['accept', 'ignore', 'reject'] as const)('says %s, now or later', async (verdict) => {
    const { judge, pushed } = edge({ now: () => verdict, later: () => Promise.resolve(verdict) })
    judge(1, 'now')
    judge(2, 'later')
    expect(pushed).toEqual([said(1, verdict)])
    await turn()
    expect(pushed).toEqual([said(1, verdict), said(2, verdict)])
  })

  it('that fails has its message ignored, and the failure is logged', async () => {
    const { judge, pushed, logged } = edge({
      throws: () => {
        throw new Error('at once')
      },
      rejects: () => Promise.reject(new Error('later')),
    })
    judge(1, 'throws')
    judge(2, 'rejects')
    await turn()
    expect(pushed).toEqual([said(1, 'ignore', true), said(2, 'ignore', true)])
    expect(logged).toEqual([
      { level: 'error', cause: new Error('at once') },
      { level: 'error', cause: new Error('later') },
    ])
  })

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['true', true],
    ['"ACCEPT"', 'ACCEPT'],
    ['an object ()', {}],
  ])('that says %s has failed', async (shown, verdict) => {
    const { judge, pushed, logged } = edge({
      now: (() => verdict) as Validator,
      later: (() => Promise.resolve(verdict)) as Validator,
    })
    judge(1, 'now')
    judge(2, 'later')
    await turn()
    expect(pushed).toEqual([said(1, 'ignore', true), said(2, 'ignore', true)])
    expect(logged.map(({ cause }) => (cause as Error).message)).toEqual(
      [1, 2].map(() => `a verdict is 'accept', 'ignore' or 'reject', not ${shown}`),
    )
  })

  it('hears by its signal that nobody waits any more, and is not heard after that', async () => {
    const verdict = pending<'accept'>()
    let context!: ValidationContext
    const { judge, pushed, validators } = edge({
      block: (_data, one) => {
        context = one
        return verdict.promise
      },
    })
    judge(1)
    const { signal } = context
    expect(signal.aborted).toBe(false)
    validators.onCancel(1, LATE)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toMatchObject(LATE)
    verdict.resolve('accept')
    await turn()
    expect(pushed).toEqual([])
  })

  it('may look at its signal late', () => {
    let context!: ValidationContext
    const { judge, validators } = edge({
      block: (_data, one) => {
        context = one
        return new Promise(() => undefined)
      },
    })
    judge(1)
    validators.onCancel(1, LATE)
    expect(context.signal.aborted).toBe(true)
    expect(context.signal).toBe(context.signal)
  })

  it('hears it when the node ends', () => {
    const contexts: ValidationContext[] = []
    const { judge, validators } = edge({
      block: (_data, one) => {
        contexts.push(one)
        return new Promise(() => undefined)
      },
    })
    judge(1)
    judge(2)
    const end = new P2pError('NodeStopped', 'the node was stopped')
    validators.end(end)
    expect(contexts.map(({ signal }) => signal.reason as unknown)).toEqual([end, end])
  })

  it('that failed after its time is logged, and nothing else comes of it', async () => {
    const verdict = pending<'accept'>()
    const { judge, validators, pushed, logged } = edge({ block: () => verdict.promise })
    judge(1)
    validators.onCancel(1, LATE)
    verdict.reject(new Error('late'))
    await turn()
    expect([pushed, logged.length]).toEqual([[], 1])
  })
})

describe('setting a validator', () => {
  it('tells the lane that the topic is guarded', () => {
    const { validators, pushed, judge } = edge()
    validators.set('block', () => 'reject')
    expect(pushed).toEqual([{ type: 'guardTopic', topic: 'block' }])
    judge(4)
    expect(pushed[1]).toEqual(said(4, 'reject'))
  })

  it('is done once for a topic, wherever', () => {
    const { validators, pushed } = edge({ block: () => 'accept' })
    expect(() => {
      validators.set('block', () => 'reject')
    }).toThrow(expect.objectContaining({ code: 'HandlerAlreadySet' }))
    expect(pushed).toEqual([])
  })

  it('takes a function and nothing else', () => {
    const { validators } = edge()
    expect(() => {
      validators.set('block', 'accept' as unknown as Validator)
    }).toThrow('the validator of "block" must be a function, not "accept"')
  })
})
