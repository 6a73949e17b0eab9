/** What the nodes of a network still wait for, as text. */
import type { Ask, State } from '../core/state.js'

const MOST = 20

export function pendingOf(states: Map<number, Readonly<State>>): string {
  const waiting: string[] = []
  for (const [index, state] of states) {
    for (const ask of state.asks.open.values()) {
      if (ask.kind !== 'request') waiting.push(`n${index} waits for its ${ask.kind} (${aboutOf(ask)})`)
      else if (ask.stage !== 'draining') waiting.push(`n${index} waits for an answer of ${ask.peer} (${ask.stage})`)
    }
    for (const exchange of state.exchanges.open.values()) {
      waiting.push(`n${index} has a request of ${exchange.peer} (${exchange.stage})`)
    }
  }
  if (waiting.length === 0) return 'No node waits for anything.'
  const more = waiting.length > MOST ? `; and ${waiting.length - MOST} more` : ''
  return `${waiting.slice(0, MOST).join('; ')}${more}.`
}

function aboutOf(ask: Exclude<Ask, { kind: 'request' }>): string {
  switch (ask.kind) {
    case 'dial':
      return ask.target
    case 'broadcast':
      return `${ask.topic}, ${ask.stage}`
    case 'joined':
      return ask.topic
    case 'online':
      return `${ask.peers} peers`
    case 'explain':
      return 'topic' in ask.about ? ask.about.topic : ask.about.peer
  }
}
