/** Tells others, by identify, which protocols of applications are answered here. */
import { servedAs } from '../wire/protocols.js'
import { reasonOf } from './failure.js'
import type { Host } from './host.js'

export class Served {
  private readonly told = new Set<string>()

  constructor(
    private readonly host: Host,
    /** Those that are connected hear it too. */
    private readonly tell: () => void,
    private readonly log: (text: string) => void,
  ) {}

  set(names: readonly string[]): void {
    const wanted = new Set(names.map(servedAs))
    const changes = [
      ...[...this.told].filter((name) => !wanted.has(name)).map((name) => this.leave(name)),
      ...[...wanted].filter((name) => !this.told.has(name)).map((name) => this.join(name)),
    ]
    Promise.all(changes).then(this.tell, (error: unknown) => {
      this.log(`telling what is served failed: ${reasonOf(error)}`)
    })
  }

  private async join(name: string): Promise<void> {
    this.told.add(name)
    await this.host.handle(name, (stream) => {
      stream.abort(new Error('requests come over the protocols of requests'))
    })
  }

  private async leave(name: string): Promise<void> {
    this.told.delete(name)
    await this.host.unhandle(name)
  }
}
