/** A way through this process to a port of 127.0.0.1, which can be held up and goes on where it was. */
import { createServer, connect, type Server, type Socket } from 'node:net'
import { once } from 'node:events'

export class Relay {
  private readonly sockets: Socket[] = []

  private constructor(private readonly server: Server) {}

  static async to(port: number): Promise<Relay> {
    const server = createServer((near) => {
      const far = connect(port, '127.0.0.1')
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        relay.sockets.push(from)
        from.on('error', () => to.destroy())
        from.on('close', () => to.destroy())
        from.pipe(to)
      }
    }).listen(0, '127.0.0.1')
    const relay = new Relay(server)
    await once(server, 'listening')
    all.push(relay)
    return relay
  }

  get address(): string {
    return `/ip4/127.0.0.1/tcp/${(this.server.address() as { port: number }).port}`
  }

  /** Nothing passes any more. */
  hold(): void {
    for (const socket of this.sockets) socket.pause()
  }

  goOn(): void {
    for (const socket of this.sockets) socket.resume()
  }

  end(): void {
    for (const socket of this.sockets) socket.destroy()
    this.server.close()
  }
}

const all: Relay[] = []

/** For `afterEach`. */
export function endRelays(): void {
  for (const relay of all.splice(0)) relay.end()
}
