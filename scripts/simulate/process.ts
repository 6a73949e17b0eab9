/**
 * Runs a network in a process of its own, with memory for a large one, and takes what it says at its end. It is bundled before:
 * what runs TypeScript as it is names every function at run time, which a user's program does not do.
 */
import { build } from 'esbuild'
import { fork } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { partsOf } from './profile.js'

/**
 * A simulation makes much that lives for some virtual seconds. A large young generation lets it die there, which saves a
 * fifth of the time.
 */
const MEMORY = ['--max-old-space-size=18000', '--max-semi-space-size=64']

export interface Program {
  run<Outcome>(args: string[]): Promise<Outcome>
  /** The same, and where its time went: a line for each part of the sources. */
  profile<Outcome>(args: string[]): Promise<[Outcome, string[]]>
  remove(): void
}

export async function bundled(): Promise<Program> {
  const folder = mkdtempSync(join(tmpdir(), 'tinyp2p-simulate-'))
  const file = join(folder, 'child.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('child.ts', import.meta.url))],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // Some packages are CommonJS and ask for Node's own modules by `require`.
    banner: { js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)` },
    logLevel: 'error',
  })
  return {
    run: (args) => inOwnProcess(file, args),
    profile: async (args) => {
      const outcome = await inOwnProcess<never>(file, args, ['--cpu-prof', `--cpu-prof-dir=${folder}`])
      const profile = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'))!
      const parts = partsOf(join(folder, profile), file)
      rmSync(join(folder, profile))
      return [outcome, parts]
    },
    remove: () => {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function inOwnProcess<Outcome>(file: string, args: string[], flags: string[] = []): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = fork(file, args, { execArgv: [...MEMORY, ...flags] })
    let outcome: { value: Outcome } | undefined
    child.once('message', (value) => {
      outcome = { value: value as Outcome }
      // It ends by itself then, and writes what it was told to write.
      child.disconnect()
    })
    child.once('exit', (code) => {
      if (outcome !== undefined) resolve(outcome.value)
      else reject(new Error(`the process of ${args.join(' ')} ended (${code})`))
    })
  })
}
