/**
 * No heartbeat of gossipsub is left to come when a node has stopped.
 *
 * Package: @libp2p/gossipsub 17.1.1
 * Private members: `status`, and its `heartbeatTimeout`
 * Changes: the timer of the next heartbeat is cleared.
 * Without it: the process lives up to a second longer than `stop()`, until a heartbeat has found that the node has stopped.
 * Missing option: none is needed; its `stop` forgets the timer that its `start` and each heartbeat set.
 * Guarded by: spec/integration/lifecycle-spec.ts
 */
import { hasMembers } from './supported.js'

interface Inside {
  readonly status: { readonly heartbeatTimeout?: NodeJS.Timeout }
}

/** To be called before gossipsub stops; the result, afterwards. */
export function lastHeartbeat(gossipsub: object): () => void {
  if (!hasMembers('@libp2p/gossipsub', gossipsub, { status: 'object' })) return () => undefined
  const { status } = gossipsub as Inside
  return () => clearTimeout(status.heartbeatTimeout)
}
