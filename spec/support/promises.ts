/** Promises: to be settled by hand, how they end, and what is read until an end. */
import type { P2pError } from '../../src/errors.js'

/** Everything that is ready has run. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A promise to be settled by hand. */
export function pending<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve!: (value: T) => void
  let reject!: (error: Error) => void
  const promise = new Promise<T>((ok, no) => {
    resolve = ok
    reject = no
  })
  return { promise, resolve, reject }
}

/** What a promise is rejected with. @throws when it is not. */
export function failure(failing: Promise<unknown>): Promise<P2pError> {
  return failing.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: P2pError) => error,
  )
}

/** What a call throws at once. @throws when it does not. */
export function thrown(call: () => unknown): { code: string; message: string } {
  try {
    call()
  } catch (error) {
    return error as { code: string; message: string }
  }
  throw new Error('nothing was thrown')
}

/** All values of a loop, once it has ended. */
export async function drained<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

/** How a promise ended: with a value, or with the code of its `P2pError`. */
export async function outcome(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'fulfilled',
    (error: Error & { code?: string }) => error.code ?? String(error),
  )
}

/** The promise's value, unless it comes too late. */
export async function within<T>(ms: number, promise: Promise<T>, what = 'the promise'): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not settle within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
