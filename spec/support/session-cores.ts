/** Cores that drive one end of a session by hand: frames in, effects and frames out. */
import type { TakeValues } from '../../src/core/terms.js'
import type { Effect } from '../../src/core/effects.js'
import type { Event } from '../../src/core/events.js'
import type { Settings } from '../../src/core/settings.js'
import { accountOf } from '../../src/core/requests/accounts.js'
import { createPace } from '../../src/core/requests/session/pacing.js'
import { accountsInUse, bytes, Core, short, used, V1 } from './core.js'
import { FrameDecoder, hello, join, line, request, SESSION, shown, type Seen } from './session.js'

export const BOTH = [SESSION, V1]

/** A core that speaks the session, what it has written over one stream, and frames for it to read. */
export class SessionCore extends Core {
  /** The session's stream. */
  stream: number
  private readonly decoder = new FrameDecoder()

  constructor(stream: number, settings: Partial<Settings> = {}) {
    super({ protocols: BOTH, ...settings })
    this.stream = stream
  }

  /** The line of a connection here has carried megabytes in no time, unless a test says otherwise, and handlers begin at once. */
  override connect(...of: Parameters<Core['connect']>): Effect[] {
    const effects = super.connect(...of)
    for (const { pace, peer } of this.state.connections.all.values()) {
      Object.assign(pace, { rate: 1e6, carried: 1e9 })
      accountOf(this.state, peer).window = Infinity
    }
    return effects
  }

  /** Nothing is known of its line. */
  unknown(): this {
    Object.assign(this.state.connections.all.get(1)!.pace, createPace())
    return this
  }

  /** As if a small request had just been answered. */
  paced(): this {
    this.state.connections.all.get(1)!.pace.smallAt = this.now
    return this
  }

  /** A batch, and what can be written after it: each write is answered by `writable` until nothing more comes. */
  run(...events: Event[]): Effect[] {
    const all = this.in(...events)
    for (let last = all; this.wrote(last);) {
      last = this.in({ type: 'writable', stream: this.stream })
      all.push(...last)
    }
    return all
  }

  private wrote(effects: Effect[]): boolean {
    return effects.some((effect) => effect.type === 'write' && effect.stream === this.stream && !effect.end)
  }

  /** The other side sends these frames, in one chunk. */
  hears(...frames: Uint8Array[]): Event {
    return { type: 'data', stream: this.stream, chunks: [join(...frames)] }
  }

  receive(...frames: Uint8Array[]): Effect[] {
    return this.run(this.hears(...frames))
  }

  /** The frames in the session's writes. To be called once for each write, in their order. */
  frames(effects: Effect[]): Seen[] {
    return effects.flatMap((effect) =>
      effect.type === 'write' && effect.stream === this.stream ? this.decoder.read(...effect.chunks) : [],
    )
  }

  /** Effects on a line each; the session's writes as their frames. */
  lines(effects: Effect[]): string[] {
    return effects.flatMap((effect) => {
      if (effect.type !== 'write' || effect.stream !== this.stream) return [shortly(effect)]
      const lines = this.decoder.read(...effect.chunks).map(line)
      return effect.end ? [...lines, `write ${effect.stream} end`] : lines
    })
  }
}

function shortly(effect: Effect): string {
  if (effect.type === 'value') return `value ${effect.ask} ${shown(effect.value)}`
  if (effect.type === 'settle' && effect.value instanceof Uint8Array)
    return `settle ${effect.ask} ${shown(effect.value)}`
  if (effect.type === 'valuesEnded') return `ended ${effect.ask}`
  if (effect.type === 'handle') return `handle ${effect.exchange} ${shown(effect.data)}`
  if (effect.type === 'produce') return `produce ${effect.exchange} ${effect.allowance}`
  return short(effect)
}

export class AskingCore extends SessionCore {
  constructor(settings: Partial<Settings> = {}) {
    super(1, settings)
  }

  /** Asks Bob. */
  ask(ask: number, payload: Uint8Array = new Uint8Array([63]), values?: TakeValues, timeout = 10_000): Effect[] {
    return this.run(this.asking(ask, payload, values, timeout))
  }

  asking(ask: number, payload: Uint8Array = new Uint8Array([63]), values?: TakeValues, timeout = 10_000): Event {
    const command: Event = { type: 'request', ask, peer: 'bob', addresses: [], data: payload, timeout }
    return values === undefined ? command : { ...command, values }
  }

  /** A session with Bob that is open; each side has said HELLO, ours in the write that is returned. */
  open(pairs: Record<number, number> = {}): Effect[] {
    this.connect('bob')
    this.in(this.asking(0))
    this.in({ type: 'cancel', ask: 0 })
    const effects = this.run({ type: 'streamOpened', stream: this.stream, protocol: SESSION })
    this.frames(effects)
    this.receive(hello(pairs))
    return effects
  }
}

export class AnsweringCore extends SessionCore {
  constructor(settings: Partial<Settings> = {}) {
    super(2, settings)
  }

  /** Bob has opened a session; each side has said HELLO, ours in the write that is returned. */
  open(pairs: Record<number, number> = {}): Effect[] {
    this.connect('bob')
    this.in({ type: 'streamInbound', stream: this.stream, connection: 1, protocol: SESSION })
    const effects = this.receive(hello(pairs))
    this.frames(effects)
    return effects
  }
}

/** A session with Bob over which he can be asked. */
export function asking(settings: Partial<Settings> = {}, pairs: Record<number, number> = {}): AskingCore {
  const core = new AskingCore(settings)
  core.open(pairs)
  return core
}

/** A session of Bob's over which he can ask us. */
export function answering(settings: Partial<Settings> = {}, pairs: Record<number, number> = {}): AnsweringCore {
  const core = new AnsweringCore(settings)
  core.open(pairs)
  return core
}

/** Bob has asked these texts, as 1, 2, 3 …: exchanges -1, -2, -3 … */
export function asked(...texts: string[]): AnsweringCore {
  const core = answering()
  core.receive(...texts.map((text, i) => request(i + 1, bytes(text), { credit: 1_000 })))
  return core
}

export function inbound(stream: number): Event {
  return { type: 'streamInbound', stream, connection: 1, protocol: SESSION }
}

/** What the core still keeps of requests of others, once handlers have ended of which nothing is wanted any more. */
export function left(core: AnsweringCore): number[] {
  const { exchanges, budget, streams, turns } = core.state
  core.in(...[...turns.lingering.keys()].map((exchange): Event => ({ type: 'released', exchange })))
  const sizes = [exchanges.open, exchanges.deadlines, budget.waiting, streams.sessions].map(({ size }) => size)
  const { exchanges: _counted, ...use } = used(budget)
  const waits = turns.peers.size + turns.stalled.size + turns.lingering.size
  return [...sizes, accountsInUse(core.state), Object.values(use).reduce((sum, one) => sum + one, 0), waits]
}
