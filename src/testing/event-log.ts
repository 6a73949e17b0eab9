/**
 * Every event that entered the lanes of a simulation, in order. Kept as numbers (six a line), because a large run has
 * millions of them; the texts are made when they are read.
 */
import type { Batch, Event } from '../core/events.js'

const FIELDS = 6
const CHUNK = FIELDS * 16_384

export class EventLog {
  private readonly chunks: Int32Array[] = []
  private used = CHUNK
  private readonly words: string[] = []
  private readonly numbers = new Map<string, number>()
  /** Number of lines. */
  length = 0

  /** The batch of one node. */
  batch(node: number, time: number, batch: Batch): void {
    for (const event of batch.events) this.event(node, time, event)
  }

  /** Adds a line about a fault that was caused, or anything else that was done to the network. */
  note(time: number, text: string): void {
    this.add(time, -1, this.numberOf(text), 0, 0, -1)
  }

  /** One text a line: time, node, event, its numbers, and the peer or thing that it is about. */
  lines(): string[] {
    const lines: string[] = []
    for (let i = 0; i < this.length; i++) {
      const chunk = this.chunks[Math.floor((i * FIELDS) / CHUNK)]!
      const at = (i * FIELDS) % CHUNK
      const [time, node, type, a, b, about] = chunk.subarray(at, at + FIELDS) as unknown as [
        number,
        number,
        number,
        number,
        number,
        number,
      ]
      const who = node < 0 ? 'network' : `n${node}`
      const numbers = node < 0 ? '' : ` ${a} ${b}`
      lines.push(`${time} ${who} ${this.words[type]}${numbers}${about < 0 ? '' : ` ${this.words[about]}`}`)
    }
    return lines
  }

  /** How many events there were of each type. */
  tally(): Map<string, number> {
    const counts = new Map<string, number>()
    for (let i = 0; i < this.length; i++) {
      const chunk = this.chunks[Math.floor((i * FIELDS) / CHUNK)]!
      const at = (i * FIELDS) % CHUNK
      // Faults are not events of a node.
      if (chunk[at + 1]! < 0) continue
      const type = this.words[chunk[at + 2]!]!
      counts.set(type, (counts.get(type) ?? 0) + 1)
    }
    return counts
  }

  private event(node: number, time: number, event: Event): void {
    const type = this.numberOf(event.type)
    switch (event.type) {
      case 'data': {
        let size = 0
        for (const chunk of event.chunks) size += chunk.length
        return this.add(time, node, type, event.stream, size, -1)
      }
      case 'streamInbound':
        return this.add(time, node, type, event.stream, event.connection, -1)
      case 'streamOpened':
      case 'streamEnded':
      case 'writable':
        return this.add(time, node, type, event.stream, 0, -1)
      case 'streamClosed':
      case 'streamOpenFailed':
        return this.add(time, node, type, event.stream, 0, this.numberOf(event.reason))
      case 'request':
        return this.add(time, node, type, event.ask, event.data.length, this.numberOf(event.peer))
      case 'respond':
        return this.add(time, node, type, event.exchange, event.data.length, -1)
      case 'reject':
        return this.add(time, node, type, event.exchange, 0, -1)
      case 'message':
        return this.add(time, node, type, event.data.length, event.held ? 1 : 0, this.numberOf(event.via))
      case 'connectionOpened':
      case 'identified':
        return this.add(time, node, type, event.connection, 0, this.numberOf(event.peer))
      case 'connectionClosed':
      case 'pinged':
      case 'pingFailed':
        return this.add(time, node, type, event.connection, 0, -1)
      case 'dialled':
      case 'dialFailed':
        return this.add(time, node, type, 0, 0, this.numberOf(event.target))
      case 'tableChanged':
        return this.add(time, node, type, event.addresses?.length ?? -1, 0, this.numberOf(event.peer))
      case 'subscriptionChanged':
        // Only the number of the topic, because a text made of both would be a new word for each pair.
        return this.add(
          time,
          node,
          type,
          event.subscribed ? 1 : 0,
          this.numberOf(event.topic),
          this.numberOf(event.peer),
        )
      case 'meshChanged':
        return this.add(time, node, type, event.peers.length, 0, this.numberOf(event.topic))
      case 'gossipOpened':
      case 'gossipClosed':
      case 'gossipDrained':
        return this.add(time, node, type, 0, 0, this.numberOf(event.peer))
      case 'announcedAgain':
        return this.add(time, node, type, 0, 0, this.numberOf(event.via))
      case 'gossipDropped':
        return this.add(time, node, type, event.count, 0, this.numberOf(`${event.reason} ${event.peer}`))
      case 'refused':
        return this.add(time, node, type, event.count, event.own ? 1 : 0, this.numberOf(`${event.what} ${event.peer}`))
      case 'published':
        return this.add(time, node, type, event.ask, event.recipients.length, -1)
      case 'publishHeld':
        return this.add(time, node, type, event.ask, event.peers.length, -1)
      case 'verified':
        return this.add(time, node, type, event.ask, event.ids.length, -1)
      case 'inspected':
        return this.add(time, node, type, event.ask, Object.keys(event.peers).length, -1)
      case 'validated':
        return this.add(time, node, type, event.validation, event.failed ? 1 : 0, this.numberOf(event.verdict))
      case 'discarded':
        return this.add(time, node, type, event.count, 0, this.numberOf(event.topic))
      case 'subscribe':
        return this.add(time, node, type, event.replay?.subscription ?? 0, event.replay?.count ?? 0, this.numberOf(event.topic)) // prettier-ignore
      case 'unsubscribe':
        return this.add(time, node, type, event.subscription ?? 0, 0, this.numberOf(event.topic))
      case 'explain': {
        const about = 'peer' in event.about ? event.about.peer : event.about.topic
        return this.add(time, node, type, event.ask, 0, this.numberOf(about))
      }
      default: {
        const about = 'topic' in event ? event.topic : undefined
        const ask = 'ask' in event ? event.ask : 0
        return this.add(time, node, type, ask, 0, about === undefined ? -1 : this.numberOf(about))
      }
    }
  }

  private add(time: number, node: number, type: number, a: number, b: number, about: number): void {
    if (this.used === CHUNK) {
      this.chunks.push(new Int32Array(CHUNK))
      this.used = 0
    }
    const chunk = this.chunks[this.chunks.length - 1]!
    let at = this.used
    chunk[at++] = time
    chunk[at++] = node
    chunk[at++] = type
    chunk[at++] = a
    chunk[at++] = b
    chunk[at++] = about
    this.used = at
    this.length++
  }

  private numberOf(word: string): number {
    let number = this.numbers.get(word)
    if (number === undefined) {
      number = this.words.push(word) - 1
      this.numbers.set(word, number)
    }
    return number
  }
}
