/**
 * Validators: users' functions that judge the messages of a topic before this node delivers or forwards them. They may be slow or
 * asynchronous. An error that one throws is this node's fault and not the sender's, so the message is ignored and no peer is punished.
 */
import type { Heard, ValidationId } from '../../core/terms.js'
import type { Refusal } from '../../core/effects.js'
import type { Command } from '../../core/events.js'
import { IdMap } from '../../core/id-map.js'
import { P2pError } from '../../errors.js'
import type { Verdict } from '../../core/port.js'
import { isThenable, show } from '../checks.js'
import type { Logger } from '../log.js'
import { Cancellable } from '../signals.js'
import { line } from '../../core/terms.js'

export type { Verdict }

/** What a validator gets with the bytes of a message. */
export interface ValidationContext {
  /** The topic that the message was published on. */
  readonly topic: string
  /** Peer id of the signer. */
  readonly from: string
  /** Peer id of the neighbour that sent it to us. A `reject` counts against this peer. */
  readonly via: string
  /**
   * Fires when the verdict is no longer needed. Its `reason` is a `P2pError`: `RequestTimeout` if `pubsub.validationTimeout` is over,
   * `NodeStopped` if the node stops.
   */
  readonly signal: AbortSignal
}

/**
 * Judges a message. `accept`: it is delivered and forwarded. `ignore`: it is dropped. `reject`: it is dropped, and counts
 * against the peer that sent it. After the config's `pubsub.validationTimeout` ms, or when the validator throws or rejects, the
 * message is ignored.
 */
export type Validator = (data: Uint8Array, context: ValidationContext) => Verdict | PromiseLike<Verdict>

const VERDICTS: readonly unknown[] = ['accept', 'ignore', 'reject'] satisfies Verdict[]

/** One judgement. */
class Judgement extends Cancellable implements ValidationContext {
  constructor(
    readonly topic: string,
    readonly from: string,
    readonly via: string,
  ) {
    super()
  }
}

export class Validators {
  private readonly byTopic = new Map<string, Validator>()
  private readonly judgements = new IdMap<Judgement>()

  constructor(
    private readonly push: (command: Command) => void,
    private readonly log: Logger,
    fromConfig: Readonly<Record<string, Validator>>,
  ) {
    for (const [topic, validator] of Object.entries(fromConfig)) this.byTopic.set(topic, validator)
  }

  /** @throws `InvalidConfig`, `HandlerAlreadySet` */
  set(topic: string, validator: Validator): void {
    checkValidator(validator, topic)
    if (this.byTopic.has(topic)) {
      throw new P2pError('HandlerAlreadySet', `${show(topic)} has a validator already, and it stays`)
    }
    this.byTopic.set(topic, validator)
    this.push({ type: 'guardTopic', topic })
  }

  onValidate(validation: ValidationId, { topic, data, from, via }: Heard): void {
    const judgement = new Judgement(topic, from, via)
    this.judgements.set(validation, judgement)
    try {
      const verdict = this.byTopic.get(topic)!(data, judgement)
      if (!isThenable(verdict)) return this.decide(validation, judgement, verdict)
      Promise.resolve(verdict).then(
        (settled) => {
          this.decide(validation, judgement, settled)
        },
        (error: unknown) => {
          this.failed(validation, judgement, error)
        },
      )
    } catch (error) {
      this.failed(validation, judgement, error)
    }
  }

  onCancel(validation: ValidationId, refusal: Refusal): void {
    const judgement = this.judgements.get(validation)
    this.judgements.delete(validation)
    judgement?.cancel(refusal)
  }

  end(refusal: Refusal): void {
    for (const validation of [...this.judgements.keys()]) this.onCancel(validation, refusal)
  }

  private decide(validation: ValidationId, judgement: Judgement, verdict: unknown): void {
    if (VERDICTS.includes(verdict)) return this.tell(validation, verdict as Verdict, false)
    this.failed(
      validation,
      judgement,
      new P2pError('InvalidConfig', `a verdict is 'accept', 'ignore' or 'reject', not ${show(verdict)}`),
    )
  }

  private failed(validation: ValidationId, { topic }: Judgement, error: unknown): void {
    this.log('error', line`the validator of ${topic} failed: the message is ignored`, error)
    this.tell(validation, 'ignore', true)
  }

  private tell(validation: ValidationId, verdict: Verdict, failed: boolean): void {
    if (this.judgements.delete(validation)) this.push({ type: 'validated', validation, verdict, failed })
  }
}

export function checkValidator(validator: unknown, topic: string): Validator {
  if (typeof validator === 'function') return validator as Validator
  throw new P2pError('InvalidConfig', `the validator of ${show(topic)} must be a function, not ${show(validator)}`)
}
