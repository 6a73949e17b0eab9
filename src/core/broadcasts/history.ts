/** The last broadcasts of a topic, within bounds of number and bytes: what late subscribers can be given. */
import type { State } from '../state.js'
import type { Remembered } from './state.js'

/** (Topics that we are not in are not remembered: nobody would ask us for them.) */
export function remember({ topics, settings }: State, name: string, message: Remembered): void {
  const topic = topics.get(name)
  if (topic === undefined || message.data.length > settings.historyBytes || settings.historyMessages === 0) return
  const { history, remembered } = topic
  if (remembered.has(message.id)) return
  // What others remembered for us may be older than what we know.
  let at = history.length
  while (at > 0 && history[at - 1]!.at > message.at) at--
  // A copy: whoever sent it, or got it, may do with the bytes what it likes.
  history.splice(at, 0, { ...message, data: message.data.slice() })
  remembered.add(message.id)
  topic.historyBytes += message.data.length
  let from = 0
  while (history.length - from > settings.historyMessages || topic.historyBytes > settings.historyBytes) {
    const { id, data } = history[from++]!
    topic.historyBytes -= data.length
    remembered.delete(id)
  }
  if (from > 0) history.splice(0, from)
}
