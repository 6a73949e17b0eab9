/** The server's process of one contestant. */
import { contestantOf } from './contestant-of.js'

export { startProfile, stopProfile } from './profiler.js'

export async function serve(file: string): Promise<string> {
  const contestant = await contestantOf(file)
  return contestant.serve()
}

/** CPU time of this process so far, µs. */
export function cpu(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}
