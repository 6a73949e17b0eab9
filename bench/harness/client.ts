/** The client's process of one contestant: asks, looks at every reply, and takes the time. */
import type { Asker } from '../contestants/contestant.js'
import { contestantOf } from './contestant-of.js'
import { drive, type Driven } from './drive.js'
import type { Load } from './loads.js'
import { cpu } from './server.js'

export { startProfile, stopProfile } from './profiler.js'
export { cpu }

let asker: Asker | undefined

export async function connect(file: string, address: string): Promise<void> {
  const contestant = await contestantOf(file)
  asker = await contestant.connect(address)
}

/** `leadIn` and `time` in ms. */
export async function run(load: Load, leadIn: number, time: number): Promise<Driven & { cpu: number }> {
  if (asker === undefined) throw new Error('not connected')
  const before = cpu()
  const driven = await drive(asker, load, leadIn, time)
  return { ...driven, cpu: cpu() - before }
}
