/** The life of a core in a session with a hostile peer, by `step`. */
import { limitsOf } from '../../../src/core/limits/limits.js'
import type { Effect } from '../../../src/core/effects.js'
import type { Command, Event } from '../../../src/core/events.js'
import type { Random } from '../../../src/testing/network/random.js'
import { inconsistency } from '../../core/requests/session/consistency.js'
import { bend, cutSomewhere } from '../../support/mutations.js'
import { answering, asking, type SessionCore } from '../../support/session-cores.js'
import { someFrame } from '../../support/session-hostile.js'
import * as wire from '../../support/session.js'

const { filled } = wire

export type Role = 'asking' | 'answering'

/** A frame that the peer might send now. */
function fitting(core: SessionCore, random: Random, role: Role): Uint8Array {
  const session = core.state.streams.sessions.get(core.stream)!
  const open = [...session.requests.keys()]
  if (session.role === 'asking') open.push(...session.cancelled)
  const id = open[random.below(open.length)] ?? session.lastId + 1
  const size = random.below(15) === 0 ? random.below(9_000) : random.below(20)
  switch (role === 'asking' ? random.below(6) : 6 + random.below(6)) {
    case 0:
      return wire.end(id)
    case 1:
      return wire.fail(id, 'Busy', random.below(2), 'no')
    case 2:
      return wire.reply(id, filled(size), { last: true })
    case 3:
      return wire.reply(id, filled(size))
    case 4:
    case 5: {
      const total = size + 1 + random.below(10)
      return wire.join(wire.reply(id, filled(size), { total }), wire.reply(id, filled(total - size)))
    }
    case 6:
      return wire.cancel(id)
    case 7:
      return wire.credit(id, 1 + random.below(5_000))
    case 8: {
      const total = random.below(90_100) + size + 1
      return wire.join(
        wire.request(session.lastId + 1, filled(size), { credit: 500, total }),
        wire.data(session.lastId + 1, filled(Math.min(16_384, total - size)), total - size > 16_384),
      )
    }
    default: {
      const one = random.below(2) === 0
      const lossy = { policy: random.below(3), buffer: 1 + random.below(3) }
      const how = { credit: random.below(200), timeout: random.below(900), one }
      return wire.request(session.lastId + 1, filled(size), random.below(3) === 0 ? { ...how, lossy } : how)
    }
  }
}

/** What fits, and now and then something that does not. */
function hostile(core: SessionCore, random: Random, role: Role): Uint8Array {
  const frame = random.below(60) === 0 ? someFrame(random) : fitting(core, random, role)
  return random.below(40) === 0 ? bend(random, frame) : frame
}

function tell(random: Random, exchange: number): Command {
  const data = filled(random.below(10) === 0 ? 40_000 : random.below(60))
  switch (random.below(5)) {
    case 0:
      return { type: 'respond', exchange, data }
    case 1:
      return { type: 'complete', exchange }
    case 2:
      return { type: 'reject', exchange, code: 'Busy', reason: 'no' }
    case 3:
      return { type: 'pullable', exchange }
    default:
      return { type: 'next', exchange, data }
  }
}

function want(random: Random, ask: number): Command {
  const mode = ([undefined, 'pull', 'push'] as const)[random.below(3)]
  const data = filled(random.below(8) === 0 ? 70_000 : random.below(60))
  const command: Command = { type: 'request', ask, peer: 'bob', addresses: [], data, timeout: 1 + random.below(900) }
  return mode === undefined ? command : { ...command, values: { mode } }
}

/** Checks the effects against what is known to exist. */
class Watch {
  readonly streams = new Set<number>()
  readonly asks = new Set<number>()
  readonly handled = new Set<number>()
  readonly writing = new Set<number>()

  constructor(private readonly counts: Map<string, number>) {}

  see(effects: Effect[]): void {
    for (const effect of effects) {
      this.counts.set(effect.type, (this.counts.get(effect.type) ?? 0) + 1)
      switch (effect.type) {
        case 'open':
          this.streams.add(effect.stream)
          break
        case 'write':
          if (!this.streams.has(effect.stream)) throw new Error(`a write to ${effect.stream}, which is gone`)
          if (this.writing.has(effect.stream)) throw new Error('a second write before the first was answered')
          this.writing.add(effect.stream)
          break
        case 'reset':
          if (!this.streams.delete(effect.stream)) throw new Error(`a reset of ${effect.stream}, which is gone`)
          break
        case 'value':
          if (!this.asks.has(effect.ask)) throw new Error(`a value for ${effect.ask}, which is over`)
          break
        case 'settle':
        case 'fail':
        case 'valuesEnded':
          if (!this.asks.delete(effect.ask)) throw new Error(`${effect.ask} ends twice`)
          break
        case 'handle':
          this.handled.add(effect.exchange)
          break
        case 'cancelHandler':
          if (!this.handled.delete(effect.exchange))
            throw new Error(`${effect.exchange} is cancelled twice, or not known`)
          break
        default:
      }
    }
  }
}

/**
 * One core, until its session is over, or it has had so many inputs. Counts its effects, and returns how many inputs it took.
 * @throws when its books do not add up, or an effect names what is not there
 */
export function live(random: Random, role: Role, counts: Map<string, number>, most: number): number {
  const limits = { maxResponseSize: 8_000, maxRequestSize: 90_000, limits: limitsOf({ requestBytesPerPeer: 150_000 }) }
  const core = role === 'asking' ? asking(limits) : answering(limits)
  const watch = new Watch(counts)
  watch.streams.add(core.stream)
  let asks = 0
  let inputs = 0
  const step = (...events: Event[]): void => {
    watch.see(core.all(...events))
    const wrong = inconsistency(core.state)
    if (wrong !== undefined) throw new Error(wrong)
  }
  for (; inputs < most && core.state.streams.sessions.has(core.stream); inputs++) {
    if (role === 'asking') {
      for (let some = random.below(3); some > 0; some--) {
        watch.asks.add(++asks)
        step(want(random, asks))
      }
      if (random.below(4) === 0) {
        const ask = 1 + random.below(asks + 1)
        watch.asks.delete(ask)
        step({ type: 'cancel', ask })
      }
      if (random.below(3) === 0) step({ type: 'taken', ask: 1 + random.below(asks + 1), cost: random.below(500) })
    } else {
      const exchanges = [...core.state.exchanges.open.keys()]
      const exchange = exchanges[random.below(exchanges.length)]
      if (exchange !== undefined) step(tell(random, exchange))
    }
    const chunks = cutSomewhere(random, hostile(core, random, role))
    if (chunks.length > 0) step({ type: 'data', stream: core.stream, chunks })
    if (random.below(2) === 0) {
      watch.writing.delete(core.stream)
      step({ type: 'writable', stream: core.stream })
    }
    if (random.below(6) === 0) {
      core.now += random.below(100)
      step({ type: 'woken' })
    }
  }
  const { stream } = core
  const isOver = random.below(2) === 0
  step(isOver ? { type: 'streamClosed', stream, reason: 'reset' } : { type: 'connectionClosed', connection: 1 })
  if (core.state.exchanges.open.size > 0) throw new Error('requests are left of a session that is gone')
  return inputs
}
