/**
 * Tasks for peers. Those of one peer run one after the other, because the later one must win. While one runs, only the last one of
 * each kind waits: a peer that makes us begin one again and again costs no more than one that does so once.
 */
type Task = () => Promise<void>

export class PeerTasks {
  /** Peers for which a task runs → those that wait, in order. */
  private readonly waiting = new Map<string, Map<string, Task>>()

  constructor(private readonly failed: (peer: string, kind: string, error: unknown) => void) {}

  /** Peers for which a task runs. */
  get peers(): number {
    return this.waiting.size
  }

  run(peer: string, kind: string, task: Task): void {
    const others = this.waiting.get(peer)
    if (others === undefined) {
      const queue = new Map([[kind, task]])
      this.waiting.set(peer, queue)
      return void this.work(peer, queue)
    }
    others.delete(kind)
    others.set(kind, task)
  }

  private async work(peer: string, queue: Map<string, Task>): Promise<void> {
    // (It sees those that come meanwhile.)
    for (const [kind, task] of queue) {
      queue.delete(kind)
      try {
        await task()
      } catch (error) {
        this.failed(peer, kind, error)
      }
    }
    this.waiting.delete(peer)
  }
}
