/** What is due, when, and what is done then: one row for everything that waits for a time. */
import { expireAdmitted, nextAdmitted } from './access/answers.js'
import { expireAuthorizations } from './access/authorizing.js'
import { expireAccess, nextEnd } from './access/changing.js'
import { expireAsk } from './ask-kinds.js'
import { nextCatchUp } from './broadcasts/catch-up.js'
import { expireValidation } from './broadcasts/deciding.js'
import { expireFetches, nextFetch } from './broadcasts/fetching.js'
import { nextSettled } from './broadcasts/membership.js'
import { onStalled } from './broadcasts/publishing.js'
import { nextStall } from './broadcasts/recipients.js'
import { leaveTopics, nextLeave } from './broadcasts/topics.js'
import { nextDeadline, setNext, takeExpired, type DueName, type Timed } from './due.js'
import type { Effects } from './effects.js'
import { expireStop } from './lifecycle.js'
import { nextIdleClose } from './peers/connections.js'
import { closeIdle, dropUnclosed, leaveSurplus, pingAll } from './peers/connectivity.js'
import { tryAgain } from './peers/memory.js'
import { probeNext } from './peers/discovery.js'
import { expireObserved } from './peers/observed.js'
import { lookAtTwins } from './peers/twins.js'
import { runRound } from './peers/waking.js'
import { expireExchange } from './requests/answers.js'
import { dropGone, nextGone } from './requests/accounts.js'
import { showRefusals } from './requests/refusal-log.js'
import { nextHandlers } from './requests/slots.js'
import { expireHandlers } from './requests/turns.js'
import { nextHistory } from './services/serving.js'
import type { State } from './state.js'

interface Row {
  /** The earliest time; `Infinity`: none. */
  next(state: State): number
  /** Does everything whose time has come. Afterwards `next` is later than now, because otherwise the node would wake without end. */
  run(state: State, out: Effects): void
}

/** For what step.ts serves at the end of every step, because any event may be the one that is waited for. */
function inEveryStep(): void {}

/** In the order in which they run. */
const DUE: Record<DueName, Row> = {
  access: { next: nextEnd, run: expireAccess },
  authorizing: { next: (state) => nextDeadline(state, 'authorizing'), run: expireAuthorizations },
  admitted: { next: nextAdmitted, run: expireAdmitted },
  asks: each('asks', expireAsk),
  exchanges: each('exchanges', expireExchange),
  idle: { next: nextIdleClose, run: closeIdle },
  unclosed: { next: ({ connections }) => connections.nextUnclosed, run: dropUnclosed },
  surplus: { next: ({ connections }) => connections.nextSurplus, run: leaveSurplus },
  ping: { next: ({ connections }) => connections.nextPing, run: pingAll },
  probe: { next: ({ discovery }) => discovery.nextProbe, run: probeNext },
  round: { next: ({ waking }) => waking.nextRound, run: runRound },
  memory: { next: ({ memory }) => memory.nextTry, run: tryAgain },
  twins: { next: ({ twins }) => twins.nextLook, run: lookAtTwins },
  observed: { next: ({ observed }) => observed.nextExpiry, run: expireObserved },
  validating: each('validating', expireValidation),
  leave: { next: nextLeave, run: leaveTopics },
  slowPeers: { next: nextStall, run: onStalled },
  joined: { next: (state) => (state.topics.joining.size > 0 ? nextSettled(state) : Infinity), run: inEveryStep },
  catchUps: { next: nextCatchUp, run: inEveryStep },
  histories: { next: nextHistory, run: inEveryStep },
  fetching: { next: nextFetch, run: expireFetches },
  handlers: { next: nextHandlers, run: expireHandlers },
  refusals: { next: ({ refusalLog }) => refusalLog.showAt, run: showRefusals },
  accounts: { next: nextGone, run: dropGone },
  stop: { next: ({ lifecycle }) => Math.min(lifecycle.stopAt, lifecycle.lookAt), run: expireStop },
}

const ROWS = Object.values(DUE)

/** The row of a part whose ids expire one by one. */
function each(what: Timed, expireOne: (state: State, out: Effects, id: number) => void): Row {
  return {
    next: (state) => nextDeadline(state, what),
    run(state, out) {
      for (const id of takeExpired(state, what)) expireOne(state, out, id)
    },
  }
}

/** When something is due next; `Infinity`: nothing is. */
export function nextDue(state: State): number {
  let earliest = Infinity
  for (const row of ROWS) earliest = Math.min(earliest, row.next(state))
  return earliest
}

/** Runs everything whose time has come. Nothing that began in this batch is due in it. */
export function expire(state: State, out: Effects): void {
  for (const row of ROWS) row.run(state, out)
  setNext(state, nextDue(state))
}
