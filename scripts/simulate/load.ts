/** Networks of some sizes under the load of the goal, one after the other, and what each took. */
import { bundled } from './process.js'

export async function load(sizes: number[], seconds: number): Promise<void> {
  const program = await bundled()
  try {
    for (const size of sizes) console.log(await program.run<string>(['load', String(size), String(seconds)]))
  } finally {
    program.remove()
  }
}
