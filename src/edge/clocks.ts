/** The clocks of nodes, for code that has a node's public interface alone and works within its deadlines. */
import { asyncScheduler, type SchedulerLike } from 'rxjs'
import { defaultSettings } from '../core/settings.js'

export interface NodeClock {
  scheduler: SchedulerLike
  /** The time of a request that names none, ms. */
  requestTimeout: number
}

const clocks = new WeakMap<object, NodeClock>()

export function setClock(node: object, clock: NodeClock): void {
  clocks.set(node, clock)
}

/** Of an object that is no node of ours, such as one that wraps it: the time of all of us. */
export function clockOf(node: object): NodeClock {
  return clocks.get(node) ?? { scheduler: asyncScheduler, requestTimeout: defaultSettings.requestTimeout }
}
