/**
 * Stacks that lead to whoever called. An error of the network is made in the lane, in another turn of the event loop, and its own stack
 * says nothing. So a promise that is rejected gives its error the stack of the functions that wait for it: V8 follows them from promise
 * to promise, which costs nothing while all goes well.
 *
 * A caller that waits for nothing, because it has a callback, is found only if the stack is taken at the call. That is some hundredths
 * of the price of a request, so requests have it in development only (`NODE_ENV` is `development` or `test`), and rarer calls always.
 */
import { P2pError } from '../errors.js'
import { environment } from '../platform/process.js'

const MODES = ['development', 'test']
/** Once: a look into the environment costs as much as a stack. */
const isInDevelopment = MODES.includes(environment['NODE_ENV'] ?? '')

/** A stack that is made into a text when it is read. */
interface Place {
  stack?: string
}

/** Where `called`, which must be on the stack, was called. */
function callerOf(called: (...parameters: never[]) => unknown): Place {
  const place: Place = {}
  // Not every engine has it; then an error keeps its own stack.
  const { captureStackTrace } = Error as Partial<ErrorConstructor>
  captureStackTrace?.(place, called)
  return place
}

/** The promise, whose error leads to whoever waits for it, or to the place. */
export function leading<T>(promise: Promise<T>, place?: Place): Promise<T> {
  return promise.catch(function failed(error: unknown) {
    throw withStack(error, framesOf(callerOf(failed)) ?? (place && framesOf(place)))
  })
}

function withStack(error: unknown, frames: string | undefined): unknown {
  if (!(error instanceof P2pError) || frames === undefined) return error
  Object.defineProperty(error, 'stack', {
    value: `${error.name}: ${error.message}\n${frames}`,
    configurable: true,
    writable: true,
  })
  return error
}

/** Without the first line, and without those of the engine. `undefined`: there are none. */
function framesOf({ stack = '' }: Place): string | undefined {
  const frames = stack.split('\n').filter((line) => /^\s+at (?!.*\bnode:internal\/)/.test(line))
  return frames.length === 0 ? undefined : frames.join('\n')
}

type Method<This, Parameters extends unknown[], T> = (this: This, ...parameters: Parameters) => Promise<T>

/** Decorates a method that is not called often: what it rejects with leads to its caller. */
export function leadsToCaller<This, Parameters extends unknown[], T>(
  method: Method<This, Parameters, T>,
  _context: ClassMethodDecoratorContext,
): Method<This, Parameters, T> {
  return function led(...parameters) {
    return leading(method.apply(this, parameters), callerOf(led))
  }
}

/** Decorates one that is: the promise must be `leading` already. */
export function leadsToCallerInDevelopment<This, Parameters extends unknown[], T>(
  method: Method<This, Parameters, T>,
  context: ClassMethodDecoratorContext,
): Method<This, Parameters, T> {
  return isInDevelopment ? leadsToCaller(method, context) : method
}
