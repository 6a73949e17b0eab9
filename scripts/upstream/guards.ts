/**
 * Does each spec that a header names fail without its patch? Each patch is switched off in a copy of the sources, one after
 * the other, and the test that is to notice is run: before, when it must pass, and then, when it must fail.
 */
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Sources } from '../../spec/support/planting.js'
import { withCopy } from './copy.js'
import { runSpecs } from './jest.js'
import { SWITCHES, type Switch } from './switches.js'

/** Most tests that fail do so by waiting for what does not come. */
const TEST_TIMEOUT_MS = 10_000

/** The source without the patch. */
export function without({ file, change }: Pick<Switch, 'file' | 'change'>, text: string): string {
  return new Sources([[file, text]]).plant({ name: file, changes: [change] }).get(file)!
}

/** Prints a line for each; false when a spec passes without what it guards. */
export async function checkGuards(root: string): Promise<boolean> {
  let isGood = true
  const say = (ok: boolean, text: string): void => {
    console.log(`${ok ? 'fails without it' : 'NOT GUARDED     '}  ${text}`)
    isGood &&= ok
  }
  await withCopy(root, (folder) => {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    const tests = SWITCHES.map(({ test }) => test)
    const specs = SWITCHES.map(({ spec }) => spec)
    console.error(`${SWITCHES.length} switches; first with all patches`)
    const { failed } = runSpecs(folder, specs, { tests })
    if (failed.length > 0) return say(false, `with all patches: ${failed.join('; ')}`)
    for (const one of SWITCHES) {
      const path = join(folder, one.file)
      const text = readFileSync(path, 'utf8')
      writeFileSync(path, without(one, text))
      const outcome = runSpecs(folder, [one.spec], { tests: [one.test], testTimeout: TEST_TIMEOUT_MS })
      writeFileSync(path, text)
      // A suite that cannot be loaded fails for another reason.
      const fails = outcome.failed.some((failure) => failure.includes(one.test))
      say(
        fails,
        `${one.patch} (${one.change.where}): ${one.spec}, ${one.test}${fails ? '' : ` [${outcome.failed.join('; ')}]`}`,
      )
    }
  })
  return isGood
}
