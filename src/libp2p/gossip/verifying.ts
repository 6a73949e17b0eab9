/** Verifies messages that did not come by gossip: one question after the other, as part of gossip's time. */
import type { PortEvent, SignedMessage } from '../../core/port.js'
import type { AskId } from '../../core/terms.js'
import type { MessageIdOf } from '../../core/pubsub.js'
import { verify } from './signed-message.js'
import type { GossipTurns } from './turns.js'

export class Verifying {
  private last: Promise<void> = Promise.resolve()

  constructor(
    private readonly messageIdOf: MessageIdOf,
    private readonly emit: (event: PortEvent) => void,
    private readonly turns: GossipTurns,
  ) {}

  ask(ask: AskId, messages: readonly SignedMessage[]): void {
    this.last = this.last.then(async () => this.emit({ type: 'verified', ask, ids: await this.idsOf(messages) }))
  }

  private async idsOf(messages: readonly SignedMessage[]): Promise<string[]> {
    const ids: string[] = []
    for (const message of messages) {
      await this.turns.pause()
      ids.push(await this.idOf(message))
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
