/**
 * Two cores, back to back: what one writes, the other hears, in pieces of any size and at any later time. Both ask each
 * other; chance, from a seed, decides who does what next. Callers and handlers are played here, and what they are told is
 * compared with what was said.
 */
import type { TakeValues } from '../../../../src/core/terms.js'
import type { Effect } from '../../../../src/core/effects.js'
import type { Event } from '../../../../src/core/events.js'
import type { Settings } from '../../../../src/core/settings.js'
import { valueCost } from '../../../../src/core/requests/values.js'
import type { Random } from '../../../../src/testing/network/random.js'
import { accountsInUse, Core } from '../../../support/core.js'
import { BOTH } from '../../../support/session-cores.js'
import { filled, join, SESSION } from '../../../support/session.js'

/** A request, as its caller sees it. */
interface Asked {
  ask: number
  payload: Uint8Array
  values: TakeValues | undefined
  got: Uint8Array[]
  untaken: Uint8Array[]
  end: 'open' | 'cancelled' | 'settled' | 'ended' | 'failed'
}

/** … and as its handler sees it. */
interface Answer {
  asked: Asked
  plan: 'one' | 'pull' | 'push' | 'reject' | 'never'
  values: Uint8Array[]
  said: number
  leave: number
  over: boolean
}

interface Side {
  core: Core
  asked: Map<number, Asked>
  answers: Map<number, Answer>
  /** Bytes on their way to the other side, by our number of the stream. */
  pipes: Map<number, Uint8Array>
  /** Our number of a stream → theirs. */
  theirs: Map<number, number>
  /** Events of the port that are to come, in order. */
  due: Event[]
}

export class Pair {
  readonly sides: [Side, Side]
  private nextAsk = 1
  private readonly answered = new Map<number, Answer>()
  private nextStream = 2
  /** All requests there were. */
  readonly all: Asked[] = []

  constructor(
    private readonly random: Random,
    settings: Partial<Settings> = {},
  ) {
    const side = (peer: string): Side => {
      const core = new Core({ protocols: BOTH, connectionKeepAlive: 1e12, pingInterval: 1e12, ...settings })
      core.connect(peer)
      return { core, asked: new Map(), answers: new Map(), pipes: new Map(), theirs: new Map(), due: [] }
    }
    this.sides = [side('1'), side('0')]
  }

  /** Anything that somebody could do next. */
  act(): void {
    const side = this.random.below(2)
    switch (this.random.below(8)) {
      case 0:
        return this.ask(side)
      case 1:
        return this.cancel(side)
      case 2:
        return this.take(side)
      case 3:
      case 4:
        return this.answer(side)
      default:
        return this.carry(side)
    }
  }

  /** Nobody asks any more, and who never answers is given up: one round towards the end of everything. */
  settle(): void {
    for (const side of [0, 1]) {
      for (let i = 0; i < 20; i++) this.carry(side)
      this.take(side)
      this.answer(side)
      for (const { plan, asked } of this.sides[side]!.answers.values()) {
        if (plan === 'never') this.giveUp(1 - side, asked)
      }
    }
  }

  /** Nothing is on its way, and nothing is left in either state. */
  isQuiet(): boolean {
    return this.sides.every(({ core, due, pipes }) => {
      const carried = [...pipes.values()].every((bytes) => bytes.length === 0)
      return carried && due.length === 0 && Object.values(sizes(core)).every((size) => size === 0)
    })
  }

  private giveUp(side: number, asked: Asked): void {
    if (asked.end !== 'open') return
    asked.end = 'cancelled'
    this.sides[side]!.asked.delete(asked.ask)
    this.run(side, { type: 'cancel', ask: asked.ask })
  }

  private size(): number {
    const { random } = this
    return random.below(random.below(6) === 0 ? 150_000 : random.below(2) === 0 ? 5_000 : 40)
  }

  private ask(side: number): void {
    const { random } = this
    const ask = this.nextAsk++
    const payload = join(new Uint8Array([ask >> 16, ask >> 8, ask & 255]), filled(this.size(), ask))
    const mode = ([undefined, 'pull', 'push'] as const)[random.below(3)]
    const values = mode === undefined ? undefined : { mode }
    const asked: Asked = { ask, payload, values, got: [], untaken: [], end: 'open' }
    this.all.push(asked)
    this.sides[side]!.asked.set(ask, asked)
    const command: Event = { type: 'request', ask, peer: `${1 - side}`, addresses: [], data: payload, timeout: 9_000 }
    this.run(side, values === undefined ? command : { ...command, values })
  }

  private cancel(side: number): void {
    const open = [...this.sides[side]!.asked.values()]
    const asked = open[this.random.below(open.length * 3)]
    if (asked !== undefined) this.giveUp(side, asked)
  }

  /** Consumers that pull take some of what is there. */
  private take(side: number): void {
    for (const asked of this.sides[side]!.asked.values()) {
      if (asked.values?.mode !== 'pull' || asked.untaken.length === 0) continue
      const taken = asked.untaken.splice(0, 1 + this.random.below(asked.untaken.length))
      const cost = taken.reduce((sum, value) => sum + valueCost(value.length), 0)
      this.run(side, { type: 'taken', ask: asked.ask, cost })
    }
  }

  /** Handlers say what they have to say, as far as they may. */
  private answer(side: number): void {
    const { random } = this
    for (const [exchange, answer] of this.sides[side]!.answers) {
      if (answer.over || random.below(3) === 0) continue
      const { plan, values } = answer
      if (plan === 'never') continue
      if (plan === 'reject' || plan === 'one') {
        answer.over = true
        this.run(side, plan === 'one' ? { type: 'respond', exchange, data: values[0]! } : { type: 'reject', exchange })
      } else {
        for (let some = random.below(4); some > 0 && answer.said < values.length; some--) {
          if (plan === 'pull' && answer.leave <= 0) break
          const data = values[answer.said++]!
          answer.leave -= valueCost(data.length)
          this.run(side, { type: 'next', exchange, data })
        }
        answer.over = answer.said === values.length
        if (answer.over) this.run(side, { type: 'complete', exchange })
      }
      if (answer.over) this.sides[side]!.answers.delete(exchange)
    }
  }

  /** Something that is on its way to this side arrives: an event of its port, or some bytes. */
  private carry(side: number): void {
    const { random } = this
    const here = this.sides[side]!
    if (here.due.length > 0 && random.below(3) > 0) return this.run(side, here.due.shift()!)
    const there = this.sides[1 - side]!
    for (const [stream, bytes] of there.pipes) {
      if (bytes.length === 0 || random.below(3) === 0) continue
      const size = random.below(2) === 0 ? bytes.length : 1 + random.below(Math.min(bytes.length, 30_000))
      const chunks = [bytes.slice(0, size)]
      there.pipes.set(stream, bytes.slice(size))
      this.run(side, { type: 'data', stream: there.theirs.get(stream)!, chunks })
    }
  }

  private run(side: number, ...events: Event[]): void {
    for (const effect of this.sides[side]!.core.in(...events)) this.hear(side, effect)
  }

  private hear(side: number, effect: Effect): void {
    const here = this.sides[side]!
    const there = this.sides[1 - side]!
    switch (effect.type) {
      case 'open': {
        const stream = this.nextStream
        this.nextStream += 2
        here.theirs.set(effect.stream, stream)
        there.theirs.set(stream, effect.stream)
        here.due.push({ type: 'streamOpened', stream: effect.stream, protocol: SESSION })
        return this.run(1 - side, { type: 'streamInbound', stream, connection: 1, protocol: SESSION })
      }
      case 'write': {
        here.pipes.set(effect.stream, join(here.pipes.get(effect.stream) ?? new Uint8Array(), ...effect.chunks))
        here.due.push({ type: 'writable', stream: effect.stream })
        return
      }
      case 'handle':
        return this.onHandle(side, effect.exchange, effect.data)
      case 'produce': {
        const answer = here.answers.get(effect.exchange)
        if (answer !== undefined) answer.leave += effect.allowance
        return
      }
      case 'cancelHandler':
        here.answers.delete(effect.exchange)
        here.due.push({ type: 'released', exchange: effect.exchange })
        return
      case 'value':
      case 'settle':
      case 'valuesEnded':
      case 'fail':
        return this.onAnswer(here, effect)
      default:
        throw new Error(`nobody expected ${JSON.stringify(effect)}`)
    }
  }

  private onHandle(side: number, exchange: number, data: Uint8Array): void {
    const { random } = this
    const ask = (data[0]! << 16) | (data[1]! << 8) | data[2]!
    const asked = this.all[ask - 1]!
    if (Buffer.compare(asked.payload, data) !== 0) throw new Error(`request ${ask} arrived as another`)
    const plan = (['one', 'pull', 'push', 'reject', 'never', 'pull'] as const)[random.below(6)]!
    const count = plan === 'one' ? 1 : random.below(8)
    const values = Array.from({ length: count }, (_, i) => filled(this.size(), ask + i))
    const answer: Answer = { asked, plan, values, said: 0, leave: 0, over: false }
    this.sides[side]!.answers.set(exchange, answer)
    this.answered.set(ask, answer)
    if (plan === 'pull') this.sides[side]!.due.push({ type: 'pullable', exchange })
  }

  private onAnswer(here: Side, effect: Extract<Effect, { ask: number }>): void {
    const asked = here.asked.get(effect.ask)
    if (asked === undefined) throw new Error(`${effect.type} for ${effect.ask}, which is over`)
    const answer = this.answered.get(effect.ask)
    if (effect.type === 'value' || effect.type === 'settle') {
      const value = effect.value as Uint8Array
      const expected = answer!.values[asked.got.length]
      if (expected === undefined || Buffer.compare(value, expected) !== 0)
        throw new Error(`a value of ${effect.ask} is another`)
      asked.got.push(value)
      asked.untaken.push(value)
    }
    if (effect.type === 'value') return
    here.asked.delete(effect.ask)
    asked.end = effect.type === 'settle' ? 'settled' : effect.type === 'fail' ? 'failed' : 'ended'
    if (effect.type === 'fail') {
      const { code } = effect.refusal
      const mayFail = answer === undefined ? code === 'Overloaded' : code === 'RequestRejected' || code === 'Overloaded'
      if (!mayFail) throw new Error(`${effect.ask} failed: ${code} ${effect.refusal.message}`)
    } else if (asked.values !== undefined && asked.got.length !== answer!.values.length) {
      throw new Error(`${asked.got.length} of ${answer!.values.length} values of ${effect.ask} came`)
    }
  }
}

/** How much there is in all the books of a core. */
export function sizes({ state }: Core): Record<string, number> {
  const books: Record<string, number> = {
    asks: state.asks.open.size,
    askDeadlines: state.asks.deadlines.size,
    exchanges: state.exchanges.open.size,
    exchangeDeadlines: state.exchanges.deadlines.size,
    waiting: state.budget.waiting.size,
    accounts: accountsInUse(state),
    inboundBytes: state.budget.all.bytes,
    admitted: state.budget.all.admitted,
    handlers: state.budget.all.handlers,
    answers: state.budget.all.answers,
    turns: state.turns.peers.size + state.turns.stalled.size + state.turns.lingering.size,
    unflushed: state.streams.unflushed.length,
    queue: 0,
  }
  for (const connection of state.connections.all.values()) books['queue']! += connection.queue.size
  for (const session of state.streams.sessions.values()) {
    for (const name of ['requests', 'credits'] as const) books[name] = (books[name] ?? 0) + session[name].size
    for (const name of ['ready', 'bulk'] as const) books[name] = (books[name] ?? 0) + session[name].length
    if (session.role === 'asking') {
      books['cancelled'] = (books['cancelled'] ?? 0) + session.cancelled.size + session.cancels.length
    } else books['failures'] = (books['failures'] ?? 0) + session.failures.length
  }
  return books
}
