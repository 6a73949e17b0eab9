import { describe, expect, it } from '@jest/globals'
import { firstValueFrom, throwError, timer } from 'rxjs'
import { leading, leadsToCaller } from '../../src/edge/callers.js'
import { P2pError } from '../../src/errors.js'

/** Rejects in another turn of the event loop, as the lane does. */
function failsLater(error: unknown = new P2pError('DialError', 'nobody is there')): Promise<unknown> {
  return leading(firstValueFrom(timer(1)).then(() => firstValueFrom(throwError(() => error))))
}

async function stackOf(promise: Promise<unknown>): Promise<string> {
  return String(await promise.then(String, (error: Error) => error.stack))
}

class Calls {
  @leadsToCaller
  async later(): Promise<void> {
    await failsLater()
  }

  @leadsToCaller
  async atOnce(): Promise<void> {
    throw new P2pError('InvalidConfig', 'no')
  }
}

describe('the stack of what a promise is rejected with', () => {
  it('has the functions that wait for it, and none of the lane', async () => {
    const user = async (): Promise<void> => {
      await failsLater()
    }
    const stack = await stackOf(user())
    expect(stack).toMatch(/^P2pError: nobody is there\n +at (async )?user \(.*callers-spec/)
    expect(stack).not.toContain('rxjs')
  })

  it('has them beyond Promise.all', async () => {
    const user = async (): Promise<void> => {
      await Promise.all([failsLater(), failsLater()])
    }
    expect(await stackOf(user())).toMatch(/at (async )?user \(.*callers-spec/)
  })

  it('has the place of the call where nothing waits', async () => {
    const calls = new Calls()
    for (const call of [() => calls.later(), () => calls.atOnce()]) {
      const stack = await new Promise<string>((resolve) => {
        function user(): void {
          call().catch((error: Error) => resolve(error.stack!))
        }
        user()
      })
      expect(stack).toMatch(/at user \(.*callers-spec/)
      expect(stack).not.toContain('callers.ts')
    }
  })

  it('stays as it is in an error of another make', async () => {
    const error = new TypeError('theirs')
    const before = error.stack
    await expect(failsLater(error)).rejects.toBe(error)
    expect(error.stack).toBe(before)
  })
})
