/**
 * Events that nobody hears are not made. Each of libp2p's layers says after each write that it is idle, which somebody
 * listens to only while it closes; and an event of Node's costs a microsecond or two before its first listener is looked for.
 */

/** What everything in libp2p has that raises events. */
interface Emitter {
  listenerCount(type: string): number
  safeDispatchEvent(type: string, detail?: object): boolean
}

export function skipUnheard(target: object): void {
  const emitter = target as Emitter
  if (typeof emitter.listenerCount !== 'function' || typeof emitter.safeDispatchEvent !== 'function') {
    throw new Error("this version of libp2p's streams is not supported")
  }
  const dispatch = emitter.safeDispatchEvent.bind(emitter)
  emitter.safeDispatchEvent = (type, detail) => emitter.listenerCount(type) === 0 || dispatch(type, detail)
}
