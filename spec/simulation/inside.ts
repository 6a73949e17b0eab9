/**
 * Looks inside a node that runs in a simulation: its state, its lane, what its edge waits for, and every effect in its
 * order. The one file of the suite that reaches behind the public types; the class is checked when it does.
 */
import type { Effect } from '../../src/core/effects.js'
import type { Event } from '../../src/core/events.js'
import type { State } from '../../src/core/state.js'
import type { P2pNode } from '../../src/node/p2p-node.js'
import type { SimulatedNetwork } from '../../src/testing/index.js'
import { Fairness } from './fairness.js'
import { Violation } from './violation.js'

export interface Insides {
  state: State
  lane: { gathering: { events: Event[]; flush: () => void }; options: { run: (effect: Effect) => void } }
  asks: { observers: { readonly size: number } }
  inbound: { requests: { readonly size: number } }
  broadcasts: { listeners: Map<unknown, unknown>; catchingUp: Map<number, unknown>; nextSubscription: number }
  validators: { judgements: { readonly size: number; has(id: number): boolean } }
  receipts: { receipts: Map<number, unknown> }
}

export type Report = (invariant: string, detail: string) => void

export function insidesOf(node: P2pNode): Insides {
  const insides = node as unknown as Insides
  const { state, lane, asks, inbound, broadcasts, validators, receipts } = insides as Partial<Insides>
  const calls = [lane?.gathering.flush, lane?.options.run]
  const isAsKnown = Array.isArray(lane?.gathering.events) && calls.every((call) => typeof call === 'function')
  const maps = [asks?.observers, inbound?.requests, broadcasts?.listeners, broadcasts?.catchingUp, receipts?.receipts]
  const isThere = [...maps, validators?.judgements].every((map) => typeof map?.size === 'number')
  if (!isAsKnown || state === undefined || !isThere || typeof broadcasts?.nextSubscription !== 'number') {
    throw new Error('the insides of a node have changed: correct spec/simulation/inside.ts')
  }
  return insides
}

/** When the next thing is due in a network; `Infinity`: never. */
export function nextOf(net: SimulatedNetwork): number {
  return (net as unknown as { clock: { next(): number } }).clock.next()
}

/** From now on no packet is lost: what a run promises after the healing, it promises for a sound network. */
export function loseNothing(net: SimulatedNetwork): void {
  ;(net as unknown as { wire: { options: { loss: number } } }).wire.options.loss = 0
}

/** More events in one instant than this never end. */
const MANY = 50_000

/** Ends a run in which a node never comes out of an instant. `saw` is told of every event. */
function guard(node: P2pNode, net: SimulatedNetwork, saw: (event: Event) => void): void {
  const { gathering } = insidesOf(node).lane
  const { flush } = gathering
  let instant = -1
  let count = 0
  gathering.flush = () => {
    const { events } = gathering
    if (net.now !== instant) count = 0
    instant = net.now
    count += events.length
    // It comes out of the clock, which ends the run.
    if (count > MANY)
      throw new Violation('livelock', `${count} events in one instant, the last is ${events.at(-1)?.type}`, instant)
    for (const event of events) saw(event)
    flush()
  }
}

/** Follows the effects of a node, and reports those that no order of events may bring about. */
export function watch(
  node: P2pNode,
  net: SimulatedNetwork,
  report: Report,
  also: { event: (event: Event) => void; effect: (effect: Effect) => void },
): Fairness {
  /** Streams on which a write has not been answered. */
  const writing = new Set<number>()
  guard(node, net, (event) => {
    if (event.type === 'writable') writing.delete(event.stream)
    also.event(event)
  })
  const insides = insidesOf(node)
  const fairness = new Fairness(insides.state, report)
  const answered = new Set<number>()
  const handled = new Set<number>()
  const opened = new Set<number>()
  const shut = new Set<number>()
  let now = -Infinity
  let isOver = false
  const { options } = insides.lane
  const { run } = options

  options.run = (effect) => {
    const { state } = insides
    if (state.now < now) report('clock', `the state's time went back from ${now} to ${state.now}`)
    now = state.now
    if (isOver) report('over', `${effect.type} after the end`)
    check(effect)
    also.effect(effect)
    run(effect)
  }
  return fairness

  function check(effect: Effect): void {
    switch (effect.type) {
      case 'value':
        if (answered.has(effect.ask)) report('answered twice', `question ${effect.ask} gets a value after its end`)
        return
      case 'valuesEnded':
      case 'settle':
      case 'fail':
        if (answered.has(effect.ask))
          report('answered twice', `question ${effect.ask} is answered again by ${effect.type}`)
        return void answered.add(effect.ask)
      case 'handle':
        if (handled.has(effect.exchange)) report('handled twice', `stream ${effect.exchange} is handed out again`)
        return void handled.add(effect.exchange)
      case 'open':
        if (opened.has(effect.stream)) report('stream', `stream ${effect.stream} is opened again`)
        return void opened.add(effect.stream)
      case 'write':
        if (shut.has(effect.stream)) report('stream', `stream ${effect.stream} is written to after its end`)
        if (effect.end) shut.add(effect.stream)
        if (writing.has(effect.stream)) report('stream', `stream ${effect.stream} is written to before it is writable`)
        writing.add(effect.stream)
        return fairness.onWrite(effect)
      case 'reset':
        return void shut.add(effect.stream)
      case 'ended':
        isOver = true
        return
      default:
        return
    }
  }
}
