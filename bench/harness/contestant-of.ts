/** Loads one contestant and nothing of the others. */
import type { Contestant } from '../contestants/contestant.js'

/** `file`: as in bench/contestants/index.ts. */
export async function contestantOf(file: string): Promise<Contestant> {
  const name = file.replace(/\.ts$/, '.js')
  const module = (await import(`../contestants/${name}`)) as { contestant: Contestant }
  return module.contestant
}
