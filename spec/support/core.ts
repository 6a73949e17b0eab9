/** Drives `step` by hand: a node that is running, events in, effects out. */
import type { Effect } from '../../src/core/effects.js'
import type { Event } from '../../src/core/events.js'
import { defaultSettings, type Settings } from '../../src/core/settings.js'
import type { Use } from '../../src/core/requests/state.js'
import { createState, type State } from '../../src/core/state.js'
import { step } from '../../src/core/step.js'
import { bytes } from './bytes.js'

// What almost every spec of the core needs beside it.
export { bytes } from './bytes.js'

export const SELF = 'self'
export const V1 = '/tinyp2p/req-resp/1.0.0'
export const KAD = '/ipfs/kad/1.0.0'

/** The specs of version 1 drive a node that speaks nothing else. */
export function settingsWith(settings: Partial<Settings> = {}): Settings {
  return { ...defaultSettings, protocols: [V1], stayConnected: 0, ...settings }
}

export function runningState(settings: Partial<Settings> = {}): State {
  const state = createState(SELF, settingsWith(settings))
  state.lifecycle.phase = 'running'
  return state
}

/** What all peers use together, without what is only remembered. */
export function used({ all }: State['budget']): Omit<Use, 'expected'> {
  const { expected: _remembered, ...rest } = all
  return rest
}

/** How many peers use anything. */
export function accountsInUse({ budget }: State): number {
  return [...budget.accounts.values()].filter(({ exchanges, handlers }) => exchanges + handlers > 0).length
}

/** Effects that most specs do not look at. */
const QUIET = new Set(['log', 'audited', 'wakeAt', 'statusChanged', 'peersChanged'])

export class Core {
  readonly state: State
  now = 0

  constructor(settings: Partial<Settings> = {}) {
    this.state = runningState(settings)
  }

  /** One batch; its effects without log lines, wake-ups and status changes. */
  in(...events: Event[]): Effect[] {
    return this.all(...events).filter((effect) => !QUIET.has(effect.type))
  }

  /** One batch; all of its effects. */
  all(...events: Event[]): Effect[] {
    return step(this.state, { at: this.now, events })
  }

  /** Moves the time and lets the wake-up of then happen. */
  at(time: number): Effect[] {
    this.now = time
    return this.in({ type: 'woken' })
  }

  /** A connection to `peer`, which a request may use. */
  connect(peer: string, connection = 1, address = `/ip4/127.0.0.1/tcp/${connection}`): Effect[] {
    return this.in({ type: 'connectionOpened', connection, peer, address, inbound: false })
  }

  request(ask: number, peer: string, question = bytes('?'), timeout = 10_000): Effect[] {
    return this.in({ type: 'request', ask, peer, addresses: [], data: question, timeout })
  }

  /** A request of `peer` on a connection that is there. */
  inbound(stream: number, connection = 1): Effect[] {
    return this.in({ type: 'streamInbound', stream, connection, protocol: V1 })
  }
}

/** What an effect is about, on one line. */
export function short(effect: Effect): string {
  switch (effect.type) {
    case 'open':
      return `open ${effect.stream} on ${effect.connection}`
    case 'write':
      return `write ${effect.stream} ${effect.chunks.reduce((sum, chunk) => sum + chunk.length, 0)}${effect.end ? ' end' : ''}`
    case 'reset':
    case 'pause':
    case 'resume':
      return `${effect.type} ${effect.stream}`
    case 'settle':
      return `settle ${effect.ask}`
    case 'fail':
      return `fail ${effect.ask} ${effect.refusal.code}`
    case 'handle':
      return `handle ${effect.exchange} ${effect.data.length}`
    case 'cancelHandler':
      return `cancelHandler ${effect.exchange}`
    case 'dial':
      return `dial ${effect.target}`
    case 'closeConnection':
    case 'ping':
      return `${effect.type} ${effect.connection}`
    case 'tableAdd':
    case 'tableRemove':
      return `${effect.type} ${effect.peer}`
    case 'join':
    case 'leave':
    case 'publish':
      return `${effect.type} ${effect.topic}`
    case 'deliver':
      return `deliver ${effect.topic} ${effect.data.length}`
    default:
      return effect.type
  }
}

export function shorts(effects: Effect[]): string[] {
  return effects.map(short)
}

/** Why the first request that ended so was refused. */
export function refusalOf(effects: Effect[]): string {
  const fail = effects.find((effect) => effect.type === 'fail')
  return fail === undefined ? 'none' : `${fail.refusal.code}: ${fail.refusal.message}`
}

/** Bytes that come on a stream. */
export function data(stream: number, ...chunks: number[][]): Event {
  return { type: 'data', stream, chunks: chunks.map((chunk) => new Uint8Array(chunk)) }
}
