/**
 * Events without a listener are not made.
 *
 * Package: @libp2p/utils 7.4.1 (main-event's emitter, under the streams of TCP, Noise and Yamux)
 * Private members: none; the public `safeDispatchEvent` is replaced
 * Changes: `safeDispatchEvent` returns at once when nothing listens to that type.
 * Without it: each layer makes an `idle` event after each write, which something hears only while it closes. An event of
 *   Node's costs one or two microseconds, three times for each small request and each answer.
 * Missing option: none could exist; the events have to be made lazily by libp2p itself.
 * Guarded by: spec/integration/libp2p/idle-events-spec.ts
 */
import type { TypedEventTarget } from '@libp2p/interface'
import { hasMembers } from './supported.js'

const MEMBERS = { safeDispatchEvent: 'writable function', listenerCount: 'function' } as const

export function skipIdleEvents(target: object): void {
  const emitter = target as TypedEventTarget<Record<string, Event>>
  if (!hasMembers('@libp2p/utils', emitter, MEMBERS)) return
  const dispatch = emitter.safeDispatchEvent.bind(emitter)
  emitter.safeDispatchEvent = (type, detail) => emitter.listenerCount(type) === 0 || dispatch(type, detail)
}
