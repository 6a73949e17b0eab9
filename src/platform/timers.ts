/** The longest delay of a timer, and turns of the event loop. */

/** The longest delay that a timer can hold, ms. */
export const MAX_DELAY = 2 ** 31 - 1

/**
 * Runs `work` in the next turn of the event loop. Browsers have no `setImmediate`. (It is taken once, before a test framework can
 * replace it by a fake one.)
 */
export const nextTurn: (work: () => void) => void =
  typeof setImmediate === 'function' ? setImmediate : (work) => void setTimeout(work, 0)

/**
 * Runs `work` when sockets have been read since now. (Work that begins when a socket was read or at a timer is in the same turn as what
 * `nextTurn` runs then: nothing is read between them.)
 */
export function afterSockets(work: () => void): void {
  nextTurn(() => {
    nextTurn(work)
  })
}
