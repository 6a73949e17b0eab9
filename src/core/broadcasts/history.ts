/** The last broadcasts of a topic, within bounds of number and bytes: what late subscribers can be given. */
import type { State } from '../state.js'
import type { Remembered, Topic } from './state.js'

/** (Topics that we are not in are not remembered: nobody would ask us for them.) */
export function remember({ topics, settings, self }: State, name: string, message: Remembered): void {
  const topic = topics.get(name)
  if (topic === undefined || message.data.length > settings.historyBytes) return
  const { history } = topic
  if (message.via === self) forget(topic, message.id)
  // What others remembered for us may be older than what we know.
  let at = history.length
  while (at > 0 && history[at - 1]!.at > message.at) at--
  if (at === history.length) history.push(message)
  else history.splice(at, 0, message)
  topic.historyBytes += message.data.length
  let from = 0
  while (history.length - from > settings.historyMessages || topic.historyBytes > settings.historyBytes) {
    topic.historyBytes -= history[from++]!.data.length
  }
  if (from > 0) history.splice(0, from)
}

/** One of ours that went to nobody, and goes out again. */
function forget(topic: Topic, id: string): void {
  const at = topic.history.findIndex((one) => one.id === id)
  if (at < 0) return
  topic.historyBytes -= topic.history[at]!.data.length
  topic.history.splice(at, 1)
}
