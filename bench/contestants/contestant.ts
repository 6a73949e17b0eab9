/** What every contestant is: a server that echoes, and a client that asks it. Each runs in a process of its own. */

export interface Contestant {
  /** Starts to listen on loopback; resolves with whatever `connect` needs to find it. */
  serve(): Promise<string>
  connect(address: string): Promise<Asker>
}

export interface Asker {
  /** Resolves with what the server sent back. The bytes are not changed until it does. */
  ask(bytes: Uint8Array): Promise<Uint8Array>
}
