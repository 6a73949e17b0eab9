/**
 * Copies of the sources, some with a fault planted in them, each bundled into one file that plain Node runs. The suite runs on
 * such a copy always, the sound one too: all copies are made and run in the same way.
 */
import { build, type Plugin } from 'esbuild'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Sources, type Fault } from '../support/planting.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

let sources: Sources | undefined

export interface Copy {
  /** The bundled worker. */
  file: string
  remove(): void
}

/** Plants the fault, if there is one, and bundles the worker of the suite with the sources that come of it. */
export async function copy(fault?: Fault): Promise<Copy> {
  const planted = fault === undefined ? new Map<string, string>() : readSources().plant(fault)
  const folder = mkdtempSync(join(tmpdir(), 'tinyp2p-simulation-'))
  const file = join(folder, 'worker.mjs')
  const remove = (): void => {
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await build({
      entryPoints: [join(root, 'spec', 'simulation', 'worker.ts')],
      outfile: file,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      plugins: [inPlaceOf(planted)],
      // Some packages are CommonJS and ask for Node's own modules by `require`.
      banner: { js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)` },
      logLevel: 'error',
    })
    return { file, remove }
  } catch (error) {
    remove()
    throw error
  }
}

/** All of `src`, parsed once. */
export function readSources(): Sources {
  return (sources ??= new Sources(readFiles('src')))
}

/** The TypeScript files below a folder, with their texts. */
export function readFiles(folder: string): [path: string, text: string][] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
    .map((path) => [path, readFileSync(join(root, path), 'utf8')])
}

function inPlaceOf(planted: Map<string, string>): Plugin {
  return {
    name: 'planted',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const contents = planted.get(relative(root, path))
        return contents === undefined ? undefined : { contents, loader: 'ts' }
      })
    },
  }
}
