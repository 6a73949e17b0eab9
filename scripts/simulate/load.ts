/** Networks of some sizes under the load of the goal, one after the other, what each took, and (if asked) where the time went. */
import { bundled } from './process.js'

export async function load(sizes: number[], seconds: number, isProfiled: boolean): Promise<void> {
  const program = await bundled()
  try {
    for (const size of sizes) {
      const args = ['load', String(size), String(seconds)]
      if (!isProfiled) {
        console.log(await program.run<string>(args))
        continue
      }
      const [outcome, parts] = await program.profile<string>(args)
      console.log([outcome, ...parts].join('\n'))
    }
  } finally {
    program.remove()
  }
}
