/**
 * Times within which a peer must answer. After the process stood still, what lies in the sockets is read before they are over: the
 * event loop looks at its timers first.
 */
import { setMaxListeners } from '@libp2p/interface'
import { PROCESS } from '../core/parameters.js'

/**
 * Does `work` with a signal that fires after `ms`, to which any number of listeners may be added, as libp2p's lookups do. The time ends
 * with the work: a timer that went on would hold the signal, and all that listens to it.
 */
export async function withTimeout<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  setMaxListeners(Infinity, controller.signal)
  const ended = afterHearing(ms, () => controller.abort(new DOMException(`no answer within ${ms} ms`, 'TimeoutError')))
  try {
    return await work(controller.signal)
  } finally {
    ended()
  }
}

/** Calls `over` after `ms`, unless the returned function is called before. It holds up no process. */
export function afterHearing(ms: number, over: () => void): () => void {
  const due = performance.now() + ms
  let timer = setTimeout(() => {
    // Once: who is late all the time must not put everything off for ever.
    if (performance.now() - due > PROCESS.late) timer = setTimeout(over, PROCESS.grace).unref()
    else over()
  }, ms).unref()
  return () => clearTimeout(timer)
}
