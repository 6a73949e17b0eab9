import { describe, expect, it, jest } from '@jest/globals'
import { EmptyError, firstValueFrom as rxjsFirstValueFrom, NEVER, Observable, of, Subject, throwError } from 'rxjs'
import { firstValueFrom } from '../../src/edge/first-value.js'

// Ours does the same as that of rxjs.
describe.each([
  ['ours', firstValueFrom],
  ['that of rxjs', rxjsFirstValueFrom],
])('firstValueFrom: %s', (_, first) => {
  it('is the first of several values, and leaves then', async () => {
    const source = new Subject<number>()
    const promise = first(source)
    source.next(1)
    expect(source.observed).toBe(false)
    source.next(2)
    expect(await promise).toBe(1)
  })

  it('takes values that come on subscribing, and runs the teardown', async () => {
    const teardown = jest.fn()
    const source = new Observable<string>((subscriber) => {
      subscriber.next('a')
      subscriber.next('b')
      return teardown
    })
    expect(await first(source)).toBe('a')
    expect(teardown).toHaveBeenCalledTimes(1)
  })

  it('rejects with the error, and with EmptyError without a value', async () => {
    const error = new Error('no')
    await expect(first(throwError(() => error))).rejects.toBe(error)
    await expect(first(of())).rejects.toBeInstanceOf(EmptyError)
  })

  it('rejects if subscribing throws', async () => {
    const source = new Observable<never>(() => {
      throw new Error('thrown')
    })
    await expect(first(source)).rejects.toThrow('thrown')
  })

  it('is pending while nothing comes', async () => {
    const pending = Symbol('pending')
    expect(await Promise.race([first(NEVER), Promise.resolve(pending)])).toBe(pending)
  })
})
