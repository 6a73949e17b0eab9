/** Drives the core where it is about broadcasts: what the network says of topics and messages, by hand. */
import type { Verdict } from '../../src/core/port.js'
import type { Effect } from '../../src/core/effects.js'
import type { Event } from '../../src/core/events.js'
import { IdMap } from '../../src/core/id-map.js'
import type { Settings } from '../../src/core/settings.js'
import { createState } from '../../src/core/state.js'
import { bytes, Core, SELF, settingsWith, short } from './core.js'

type Of<Type extends Event['type']> = Extract<Event, { type: Type }>

export const PROOF = bytes('signed')

/** A message of Bob's that Carol hands to us; its text is its id. */
export function message(text: string, more: Partial<Of<'message'>> = {}): Of<'message'> {
  const { topic = 'block', held = false, from = 'bob', via = 'carol', id = text } = more
  return { type: 'message', topic, data: more.data ?? bytes(text), from, via, id, held, proof: PROOF }
}

export function broadcast(ask: number, more: Partial<Of<'broadcast'>> = {}): Of<'broadcast'> {
  return { type: 'broadcast', ask, topic: 'block', data: bytes(`message ${ask}`), ...more }
}

/** The network has handed it to these peers. */
export function published(ask: number, recipients: string[] = ['bob']): Of<'published'> {
  return { type: 'published', ask, recipients, id: `of ${ask}`, proof: PROOF }
}

/** Somebody has published again what has been here. */
export function repeated(id: string, from: string, topic = 'block'): Of<'repeated'> {
  return { type: 'repeated', topic, id, from, via: from }
}

export function publishHeld(ask: number, ...peers: string[]): Of<'publishHeld'> {
  return { type: 'publishHeld', ask, peers, busy: [] }
}

export function drained(peer: string): Of<'gossipDrained'> {
  return { type: 'gossipDrained', peer }
}

export function subscription(peer: string, topic = 'block', subscribed = true): Of<'subscriptionChanged'> {
  return { type: 'subscriptionChanged', peer, topic, subscribed }
}

export function mesh(...peers: string[]): Of<'meshChanged'> {
  return { type: 'meshChanged', topic: 'block', peers }
}

export const subscribe: Event = { type: 'subscribe', topic: 'block' }
export const unsubscribe: Event = { type: 'unsubscribe', topic: 'block' }

/** A core whose peers stay, in which a broadcast passes as it is. */
export class GossipCore extends Core {
  private connections = 0

  constructor(settings: Partial<Settings> = {}) {
    super({ connectionKeepAlive: 1e9, pingInterval: 1e9, publishesFor: -1, ...settings })
  }

  /** Connected, with a gossip stream, and in the topic. */
  member(peer: string, topic = 'block'): void {
    this.connect(peer, ++this.connections)
    this.in({ type: 'gossipOpened', peer }, subscription(peer, topic))
  }

  /** Effects on a line each, without what is told of topics. */
  lines(...events: Event[]): string[] {
    return told(this.in(...events))
  }

  linesAt(time: number): string[] {
    return told(this.at(time))
  }
}

export function told(effects: Effect[]): string[] {
  return effects.filter(({ type }) => type !== 'topicsChanged' && type !== 'subscribersChanged').map(said)
}

function said(effect: Effect): string {
  switch (effect.type) {
    case 'publish':
      return `publish ${effect.ask}${effect.except.length === 0 ? '' : ` but for ${effect.except.join()}`}`
    case 'settle':
      return effect.value === undefined
        ? `settle ${effect.ask}`
        : `settle ${effect.ask} ${JSON.stringify(effect.value)}`
    case 'join':
    case 'guard':
      return `${effect.type} ${effect.topic}${effect.guarded ? ' guarded' : ''}`
    case 'deliver':
      return `deliver ${effect.id}`
    case 'verdict':
      return `${effect.verdict} ${effect.id} of ${effect.via}`
    case 'validate':
      return `validate ${effect.validation}: ${effect.id}`
    case 'cancelValidation':
      return `cancelValidation ${effect.validation}`
    case 'penalize':
      return `penalize ${effect.peer} ${effect.count}`
    case 'replayed':
      return `replayed ${effect.subscription}: ${effect.broadcasts.map(({ id }) => id).join(' ')}`.trimEnd()
    case 'verify':
      return `verify ${effect.messages.length}`
    case 'digest':
      return `digest ${effect.digest} ${effect.data.length}`
    case 'receipt':
      return `receipt ${effect.ask} ${effect.peer} ${effect.rtt} ms`
    case 'receiptsEnded':
      return `receiptsEnded ${effect.ask}`
    default:
      return short(effect)
  }
}

/** What a core keeps for broadcasts, but for what it counts and what it remembers of peers. */
export function books({ state }: Core): unknown {
  const { asks, services, topics, publishing, recipients, validating, receipts, catchUps, large, fetching, changes } =
    state
  return plain({
    asks,
    catchUps,
    changes,
    services: { ...services, nextId: 0 },
    topics: { ...topics, joined: 0, gossipSince: 0 },
    publishing: { ...publishing, publishedAt: 0 },
    slow: recipients.slow,
    busy: recipients.busy,
    validating: { ...validating, nextId: 0 },
    receipts,
    fetching,
    large: { ...large, nextDigest: 0 },
  })
}

/** An `IdMap` is what it holds, and not how. */
function plain(value: unknown): unknown {
  if (value instanceof IdMap) return new Map([...value].map(([id, inner]) => [id, plain(inner)]))
  if (value?.constructor !== Object) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}

/** … of a node that has just begun. */
export function freshBooks(settings: Partial<Settings> = {}): unknown {
  return books({ state: createState(SELF, settingsWith(settings)) } as Core)
}

export const validated = (validation: number, verdict: Verdict, failed = false): Event => ({
  type: 'validated',
  validation,
  verdict,
  failed,
})
export const guarded = (text: string, more: Parameters<typeof message>[1] = {}): Event =>
  message(text, { held: true, ...more })

/** In the topic, whose messages a validator judges. */
export function judged(settings: Partial<Settings> = {}): GossipCore {
  const core = new GossipCore({ guardedTopics: ['block'], ...settings })
  core.in(subscribe)
  return core
}

export function lossesOf(core: GossipCore): unknown {
  return core.state.counts.topics.get('block')!.dropped
}
