/** Mistakes in the use of topics that lose broadcasts without an error: told once each, as warnings. */
import { log, type Effects } from '../effects.js'
import type { State } from '../state.js'
import { line } from '../terms.js'
import { countRepeat, noteHinted } from './counts.js'
import { meantTopic } from './membership.js'

/** So often has a peer published what is one message here, before that is told. */
const REPEATS = 3

/** At a tick: topics of ours in which nobody is, while peers are in one whose name is nearly the same. */
export function hintAtTopics(state: State, out: Effects): void {
  const { connections, counts, topics } = state
  if (connections.byPeer.size === 0) return
  for (const topic of new Set([...topics.joined.keys(), ...counts.topics.keys()])) {
    if (topics.subscribers.has(topic)) continue
    const meant = meantTopic(state, topic)
    if (meant === undefined || !noteHinted(state, topic)) continue
    log(
      out,
      'warn',
      line`no peer is in the topic ${topic}, and some are in ${meant}: one of the two names may be misspelt`,
    )
  }
}

/** `from` has published again what was heard from it: it goes by another id of messages than this node does, or was started anew. */
export function hintAtIds(state: State, out: Effects, topic: string, from: string): void {
  if (!state.connections.byPeer.has(from) || countRepeat(state, from) !== REPEATS) return
  const advice = 'it may have another pubsub.messageId than this node'
  log(
    out,
    'warn',
    line`${from} publishes the same bytes on ${topic} again and again, and they count as one message here: ${advice}`,
  )
}
