/**
 * Deno keeps a process alive while a `BroadcastChannel` is open, and has no way to say that it need not. The locks of libp2p's peer store
 * (package mortice) open one that is never closed, for threads that share a store. No thread of ours does, so it is closed at once. Elsewhere
 * nothing is done.
 */
const LOCKS = 'mortice'
let isDone = false

export function letDenoEnd(): void {
  const { Deno, BroadcastChannel: Stock } = globalThis as { Deno?: unknown } & typeof globalThis
  if (isDone || Deno === undefined || typeof Stock !== 'function') return
  isDone = true
  globalThis.BroadcastChannel = class extends Stock {
    constructor(name: string) {
      super(name)
      if (name === LOCKS) this.close()
    }
  }
}
