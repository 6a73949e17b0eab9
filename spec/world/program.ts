/**
 * What a world runs: the program that carries its packets, compiled by `cc`, and programs for its hosts, bundled by esbuild
 * (a bundle starts in 0.2 s). Both go into a cache outside of the checkout.
 */
import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const source = fileURLToPath(new URL('world.c', import.meta.url))
const esbuild = fileURLToPath(new URL('../../node_modules/esbuild/bin/esbuild', import.meta.url))
const cache = join(homedir(), '.cache', 'tinyp2p', 'world')
const FLAGS = ['-O2', '-std=gnu11']

/** Distributions keep `ip` and `nft` where users do not look. */
export const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }

/** The path of the compiled program. @throws when there is no compiler, or it refuses */
export function carrier(): string {
  const file = join(cache, `carrier-${hash(readFileSync(source, 'utf8'), ...FLAGS)}`)
  if (!existsSync(file)) {
    mkdirSync(cache, { recursive: true })
    const draft = `${file}.${process.pid}`
    execFileSync('cc', [...FLAGS, '-o', draft, source, '-lm'], { stdio: 'pipe' })
    renameSync(draft, file)
  }
  return file
}

const bundles = new Map<string, Promise<string>>()

/** The path of a program of ours as one file that node can run, made anew in each run. */
export function bundle(program: URL): Promise<string> {
  const entry = fileURLToPath(program)
  let made = bundles.get(entry)
  if (made === undefined) bundles.set(entry, (made = makeBundle(entry)))
  return made
}

async function makeBundle(entry: string): Promise<string> {
  const file = join(cache, `${basename(entry, '.ts')}-${hash(entry)}.mjs`)
  const draft = `${file}.${process.pid}`
  const banner = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)`
  const options = ['--bundle', '--platform=node', '--format=esm', '--target=node20', '--log-level=error']
  await promisify(execFile)(esbuild, [entry, ...options, `--banner:js=${banner}`, `--outfile=${draft}`])
  renameSync(draft, file)
  return file
}

function hash(...texts: string[]): string {
  return createHash('sha256').update(texts.join('\0')).digest('hex').slice(0, 16)
}
