/** Requests of ours over version 1, as a core sees them. */
import type { Event } from '../../src/core/events.js'
import { bytes, Core, V1 } from './core.js'

export function opened(stream: number): Event {
  return { type: 'streamOpened', stream, protocol: V1 }
}

/** A node that has asked Bob, on stream 1, and waits for his answer. */
export function asked(settings = {}): Core {
  const core = new Core(settings)
  core.connect('bob')
  core.request(1, 'bob', bytes('hello'))
  core.in(opened(1))
  return core
}
