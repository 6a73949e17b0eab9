/**
 * Records that live as long as a request of ours, made by constructors instead of literals, because of V8. If a hundred literals of one
 * place outlive a collection, as those of a burst of requests do, V8 makes all that follow in the old generation for good; each
 * keeps what it refers to there, and a request takes half as much time again. Objects of a class are always made in the young one.
 */
import type { ConnectionId } from '../port.js'
import type { AskId, TakeValues } from '../terms.js'
import type { Intake } from './session/state.js'
import type { RequestAsk, SessionCall } from './state.js'

/** A request of ours. */
export class RequestAskRecord implements RequestAsk {
  readonly kind = 'request'
  stage: RequestAsk['stage'] = 'dialling'
  connection: ConnectionId | undefined = undefined
  moves = 0
  call: RequestAsk['call'] = undefined
  arriving: RequestAsk['arriving'] = undefined

  constructor(
    readonly id: AskId,
    readonly peer: string,
    readonly addresses: string[],
    readonly service: boolean,
    public timeout: number,
    readonly deadline: number,
    readonly values: TakeValues | undefined,
    public data: Uint8Array | undefined,
  ) {}
}

/** The same over a session. */
export class SessionCallRecord implements SessionCall {
  readonly protocol = 'session'
  value: Uint8Array | undefined
  sent = -1
  listed = false
  intake: Intake | undefined = undefined

  constructor(
    readonly ask: RequestAsk,
    readonly wireId: number,
    public sendCredit: number,
    readonly firstCredit: number,
  ) {
    this.value = ask.data
  }
}
