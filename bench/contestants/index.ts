/** Who takes part: names, as `--contestants` and the tables have them, and where each is. */

export interface Entry {
  name: string
  /** How the table calls it. */
  title: string
  /** Its file in `bench/contestants`. */
  file: string
  /** Larger payloads are not its business, bytes. */
  maxSize?: number
  /** Not in the short form, unless it is named. */
  longOnly?: boolean
  /** Only with `--against`. */
  againstOnly?: boolean
}

export const CONTESTANTS: readonly Entry[] = [
  { name: 'session', title: 'ours (session)', file: 'session.ts' },
  { name: 'other', title: 'ours, the other checkout', file: 'other.ts', againstOnly: true },
  // It sends whole values only, which is all that its goal is about.
  { name: 'no-lane', title: 'our session, no lane', file: 'no-lane.ts', maxSize: 1_024 },
  { name: 'v1', title: 'ours (version 1)', file: 'version1.ts' },
  { name: 'raw-stock', title: 'raw js-libp2p', file: 'raw-stock.ts' },
  { name: 'raw', title: 'raw js-libp2p, our transport', file: 'raw.ts', longOnly: true },
  { name: 'protomux', title: 'protomux-rpc', file: 'protomux.ts' },
  { name: 'grpc', title: 'grpc-js', file: 'grpc.ts' },
  { name: 'ws', title: 'ws', file: 'ws.ts' },
  { name: 'tls', title: 'node:tls', file: 'tls.ts' },
  { name: 'net', title: 'node:net', file: 'net.ts' },
]

/** A contestant by its name. Throws for a name that is none. */
export function entryOf(name: string): Entry {
  const entry = CONTESTANTS.find((one) => one.name === name)
  if (entry !== undefined) return entry
  throw new Error(`there is no contestant ${name}`)
}
