/** What was broadcast in a run, and what becomes of it for whoever did: an end in time, recipients, receipts. */
import { P2pError } from '../../src/errors.js'
import type { BroadcastOptions, Published } from '../../src/edge/broadcasts/publishing.js'
import type { P2pNode } from '../../src/node/node.js'
import type { SimulatedNetwork } from '../../src/testing/index.js'
import { insidesOf, type Report } from './inside.js'
import { payload } from './payloads.js'
import type { Member } from './run.js'
import type { BroadcastStep, Scenario } from './scenario.js'

/** A broadcast that may not have gone out. */
export interface Publication {
  topic: string
  size: number
  at: number
  /** By peer id: the lives in which it was broadcast, once for each time. */
  by: Map<string, P2pNode[]>
}

/** What follows from one instant to the next, ms of the network. */
const MARGIN = 5
/** Sizes about which the encoding decides. */
const FITS = 65_000

const CODES = ['DuplicateMessage', 'Overloaded', 'NodeStopped']

export class Publications {
  readonly all = new Map<number, Publication>()
  private readonly due = new Map<object, { what: string; at: number }>()
  /** Peer and number: who has got it, in any life. */
  private readonly heard = new Set<string>()

  constructor(
    private readonly net: SimulatedNetwork,
    private readonly scenario: Scenario,
    private readonly report: Report,
    private readonly memberOf: (peer: string) => Member | undefined,
  ) {}

  onHeard(peer: string, id: number): void {
    this.heard.add(`${peer} ${id}`)
  }

  /** `abortable` aborts the signal after some time. */
  broadcast({ index, node }: Member, step: BroadcastStep, after: (ms: number, act: () => void) => void): void {
    const { id, topic, size, min, patience, receipts, abortAfter } = step
    this.note(step, node)
    const plan = this.scenario.nodes[index]!
    const options: BroadcastOptions = {}
    const codes = [...CODES]
    const most = this.scenario.pubsub.large
    if (min !== undefined) {
      options.waitForPeers = patience === undefined ? { min } : { min, timeout: patience }
      codes.push('PublishError')
    }
    if (receipts !== undefined) options.receipts = receipts
    if (abortAfter !== undefined) {
      const controller = new AbortController()
      options.signal = controller.signal
      codes.push('Aborted')
      after(abortAfter, () => controller.abort())
    }
    if (size > FITS && size > most) codes.push('MessageTooLarge')
    const bytes = payload('broadcast', id, size)
    const what = `broadcast ${id} of n${index}`
    const wait = min === undefined ? 0 : (patience ?? plan.requestTimeout)
    const key = this.expect(what, (wait + plan.requestTimeout) / plan.skew.rate)
    node.broadcast(topic, bytes, options).then(
      (published) => {
        this.due.delete(key)
        // What was sent is what there was when we called; the bytes are ours again.
        bytes.fill(0)
        if (size > Math.max(FITS + 536, most)) this.report('too large', `a broadcast of ${size} bytes went out`)
        this.onPublished(what, step, node, published, plan)
      },
      (error: unknown) => {
        this.due.delete(key)
        if (!(error instanceof P2pError) || !codes.includes(error.code))
          this.report('error', `${what} failed with ${String(error)}`)
        else if (error.code === 'DuplicateMessage' && this.scenario.pubsub.messageId === 'unique')
          this.report('error', `${what} counts as a repeat, and there are none`)
      },
    )
  }

  private note({ id, topic, size }: BroadcastStep, node: P2pNode): void {
    let publication = this.all.get(id)
    if (publication === undefined) this.all.set(id, (publication = { topic, size, at: this.net.now, by: new Map() }))
    const lives = publication.by.get(node.peerId) ?? []
    lives.push(node)
    publication.by.set(node.peerId, lives)
  }

  private onPublished(
    what: string,
    { id, topic, receipts }: BroadcastStep,
    node: P2pNode,
    { recipients, receipts$ }: Published,
    { requestTimeout, skew }: Scenario['nodes'][number],
  ): void {
    if (new Set(recipients).size !== recipients.length) this.report('recipients', recipients.join())
    if (recipients.includes(node.peerId)) this.report('recipients', `${what} went to itself`)
    if ((receipts !== undefined) !== (receipts$ !== undefined))
      return this.report('receipts', `${what}: wrong receipts$`)
    if (receipts$ === undefined || receipts === undefined) return
    const { count = Infinity, timeout = requestTimeout } = receipts === true ? {} : receipts
    const key = this.expect(`receipts of ${what}`, timeout / skew.rate)
    const by = new Set<string>()
    receipts$.subscribe({
      next: ({ peer, rtt }) => {
        if (by.has(peer)) this.report('receipts', `${what} has two receipts of ${peer}`)
        by.add(peer)
        if (by.size > count) this.report('receipts', `${what} has more than ${count} receipts`)
        if (rtt < 0) this.report('receipts', `${what} has a receipt after ${rtt} ms`)
        if (!this.has(peer, topic, id))
          this.report('receipts', `${what} has a receipt of ${peer}, which has not heard it`)
      },
      complete: () => this.due.delete(key),
      error: (error: unknown) => this.report('receipts', `the receipts of ${what} failed: ${String(error)}`),
    })
  }

  /** It has heard it, or said it itself, or judged it after it had left the topic. */
  private has(peer: string, topic: string, id: number): boolean {
    if (this.heard.has(`${peer} ${id}`) || this.all.get(id)?.by.has(peer) === true) return true
    const member = this.memberOf(peer)
    return member !== undefined && !insidesOf(member.node).state.topics.joined.has(topic)
  }

  private expect(what: string, ms: number): object {
    const key = {}
    this.due.set(key, { what: `${what} (at ${this.net.now} ms)`, at: this.net.now + Math.ceil(ms) + MARGIN })
    return key
  }

  check(): void {
    for (const { what, at } of this.due.values()) {
      if (this.net.now > at) this.report('ends', `${what} has not ended in its time`)
    }
  }

  checkEnd(): void {
    for (const { what } of this.due.values()) this.report('ends', `${what} has not ended, and its node has`)
  }
}
