/** The longest delay of a timer, and a turn of the event loop. */

/** The longest delay that a timer can hold, ms. */
export const MAX_DELAY = 2 ** 31 - 1

/**
 * Runs `work` in the next turn of the event loop. Browsers have no `setImmediate`. (It is taken once, before a test framework can
 * replace it by a fake one.)
 */
export const nextTurn: (work: () => void) => void =
  typeof setImmediate === 'function' ? setImmediate : (work) => void setTimeout(work, 0)
