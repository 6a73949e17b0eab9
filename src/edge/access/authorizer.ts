/** Calls the application's `authorize`. What it throws is a no, and is logged. */
import type { EdgeEffect } from '../../core/effects.js'
import type { Command } from '../../core/events.js'
import { IdMap } from '../../core/id-map.js'
import { P2pError } from '../../errors.js'
import { isThenable, show } from '../checks.js'
import type { Logger } from '../log.js'
import { line } from '../../core/terms.js'

/** A peer that wants to come in, or that this node has dialled. */
export interface PeerInfo {
  /** Its peer id, which its handshake has proven. */
  readonly peer: string
  /** Where it is: the multiaddr of the other side of its connection, without `/p2p`. */
  readonly address: string
  /** It has opened the connection; otherwise this node has. */
  readonly inbound: boolean
  /** Fires when the answer is no longer wanted: it took longer than `limits.authorizeTimeout`, the peer was denied or banned, or the node stops. */
  readonly signal: AbortSignal
}

/** May this peer come in? `true`, or a promise of it, is a yes. */
export type Authorize = (peer: PeerInfo) => boolean | PromiseLike<boolean>

export class Authorizer {
  private readonly open = new IdMap<AbortController>()

  constructor(
    private readonly authorize: Authorize | undefined,
    private readonly push: (command: Command) => void,
    private readonly log: Logger,
  ) {}

  onAuthorize({ authorization, peer, address, inbound }: Extract<EdgeEffect, { type: 'authorize' }>): void {
    const controller = new AbortController()
    this.open.set(authorization, controller)
    const failed = (error: unknown): void => {
      this.log('error', line`authorize failed for ${peer}: it is not admitted`, error)
      this.answer(authorization, false, true)
    }
    const decide = (value: unknown): void => {
      if (typeof value === 'boolean') this.answer(authorization, value, false)
      else failed(new P2pError('InvalidConfig', `authorize must return a boolean, not ${show(value)}`))
    }
    try {
      // A recording may be replayed, or settings changed, without the function.
      const answer = this.authorize?.({ peer, address, inbound, signal: controller.signal }) ?? false
      if (isThenable(answer)) Promise.resolve(answer).then(decide, failed)
      else decide(answer)
    } catch (error) {
      failed(error)
    }
  }

  onCancel(authorization: number, reason: P2pError): void {
    const controller = this.open.get(authorization)
    this.open.delete(authorization)
    controller?.abort(reason)
  }

  end(reason: P2pError): void {
    for (const authorization of [...this.open.keys()]) this.onCancel(authorization, reason)
  }

  private answer(authorization: number, admitted: boolean, failed: boolean): void {
    if (this.open.delete(authorization)) this.push({ type: 'authorized', authorization, admitted, failed })
  }
}
