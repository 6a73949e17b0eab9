/** A signal that fires after a time, for calls that add any number of listeners to it, as libp2p's lookups do. */
import { setMaxListeners } from '@libp2p/interface'

export function timeoutSignal(ms: number): AbortSignal {
  const signal = AbortSignal.timeout(ms)
  setMaxListeners(Infinity, signal)
  return signal
}
