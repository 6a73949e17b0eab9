/** Verifies messages that did not come by gossip: one question after the other, with pauses for other work. */
import type { PortEvent, SignedMessage } from '../../core/port.js'
import type { AskId } from '../../core/terms.js'
import type { MessageIdOf } from '../../core/pubsub.js'
import { nextTurn } from '../../platform/timers.js'
import { VERIFY_TURN } from '../defaults.js'
import { verify } from './signed-message.js'

export class Verifying {
  private last: Promise<void> = Promise.resolve()

  constructor(
    private readonly messageIdOf: MessageIdOf,
    private readonly emit: (event: PortEvent) => void,
  ) {}

  ask(ask: AskId, messages: readonly SignedMessage[]): void {
    this.last = this.last.then(async () => this.emit({ type: 'verified', ask, ids: await this.idsOf(messages) }))
  }

  private async idsOf(messages: readonly SignedMessage[]): Promise<string[]> {
    const ids: string[] = []
    let began = performance.now()
    for (const message of messages) {
      ids.push(await this.idOf(message))
      if (performance.now() - began < VERIFY_TURN) continue
      await new Promise<void>((resolve) => nextTurn(resolve))
      began = performance.now()
    }
    return ids
  }

  private async idOf(message: SignedMessage): Promise<string> {
    try {
      const identified = await verify(message)
      return identified === undefined ? '' : this.messageIdOf(identified)
    } catch {
      return ''
    }
  }
}
