/** What is due, and when: one row for everything that waits for a time. */
import { expireAsk } from './ask-kinds.js'
import { nextCatchUp } from './broadcasts/catch-up.js'
import { expireValidation } from './broadcasts/deciding.js'
import { nextSettled } from './broadcasts/membership.js'
import { nextStall, onStalled } from './broadcasts/publishing.js'
import { leaveTopics, nextLeave } from './broadcasts/topics.js'
import { nextDeadline, takeExpired } from './deadlines.js'
import { foundNext, type DueName } from './due.js'
import type { Effects } from './effects.js'
import { finishWhenLate } from './lifecycle.js'
import { nextIdleClose } from './peers/connections.js'
import { closeIdle, pingAll } from './peers/connectivity.js'
import { tryAgain } from './peers/memory.js'
import { probeNext } from './peers/discovery.js'
import { expireExchange } from './requests/answers.js'
import { nextHistory } from './services/serving.js'
import type { State } from './state.js'

interface Row {
  /** The earliest time; `Infinity`: none. */
  next(state: State): number
  /** Does all whose time has come. */
  run(state: State, out: Effects): void
}

/** step.ts looks at it at the end of every step, because any event may be the one that it waits for. */
function inEveryStep(): void {}

/** In the order in which they run. */
const DUE: Record<DueName, Row> = {
  asks: {
    next: ({ asks }) => nextDeadline(asks.deadlines),
    run(state, out) {
      for (const id of takeExpired(state.asks.deadlines, state.now)) expireAsk(state, out, id)
    },
  },
  exchanges: {
    next: ({ exchanges }) => nextDeadline(exchanges.deadlines),
    run(state, out) {
      for (const id of takeExpired(state.exchanges.deadlines, state.now)) expireExchange(state, out, id)
    },
  },
  idle: { next: nextIdleClose, run: closeIdle },
  ping: { next: ({ connections }) => connections.nextPing, run: pingAll },
  probe: { next: ({ discovery }) => discovery.nextProbe, run: probeNext },
  memory: { next: ({ memory }) => memory.nextTry, run: tryAgain },
  validations: {
    next: ({ validating }) => nextDeadline(validating.deadlines),
    run(state, out) {
      for (const id of takeExpired(state.validating.deadlines, state.now)) expireValidation(state, out, id)
    },
  },
  leave: { next: nextLeave, run: leaveTopics },
  slowPeers: { next: nextStall, run: onStalled },
  joined: { next: (state) => (state.topics.joining.size > 0 ? nextSettled(state) : Infinity), run: inEveryStep },
  catchUps: { next: nextCatchUp, run: inEveryStep },
  histories: { next: nextHistory, run: inEveryStep },
  stop: { next: ({ lifecycle }) => lifecycle.stopAt, run: finishWhenLate },
}

const ROWS = Object.values(DUE)

/** Everything whose time has come. Nothing that this batch has begun can be due in it. */
export function expire(state: State, out: Effects): void {
  if (state.now < state.due.next) return
  for (const row of ROWS) row.run(state, out)
  let earliest = Infinity
  for (const row of ROWS) earliest = Math.min(earliest, row.next(state))
  foundNext(state, earliest)
}
