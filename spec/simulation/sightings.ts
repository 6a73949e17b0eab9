/**
 * "Sometimes": what the core says only when something is wrong (a line of the log, an error) is said in some run of the suite.
 * The runs tell which texts and codes they saw, from the effects of their nodes; which there are is read from the sources, so that
 * production code knows nothing of this.
 */
import type { Effect } from '../../src/core/effects.js'
import type { P2pNode } from '../../src/node/p2p-node.js'
import { insidesOf } from './inside.js'

/** Seen in this process and not told so far. */
const fresh = new Set<string>()
const seen = new Set<string>()

/** What differs from run to run is left out. */
function note(text: string): void {
  const plain = text.replace(/12D3Koo\w+/g, '…').replace(/\d+/g, '#')
  if (seen.has(plain)) return
  seen.add(plain)
  fresh.add(plain)
}

export function sight(effect: Effect): void {
  if (effect.type === 'log') return note(effect.message)
  const refusal = 'refusal' in effect ? effect.refusal : undefined
  if (refusal === undefined) return
  note(`code ${refusal.code}`)
  note(refusal.message)
}

/** Looks at all effects of a node. */
export function sightAll(node: P2pNode): void {
  const { options } = insidesOf(node).lane
  const { run } = options
  options.run = (effect) => {
    sight(effect)
    run(effect)
  }
}

export function takeSightings(): string[] {
  const texts = [...fresh]
  fresh.clear()
  return texts
}
