/**
 * Makes plain JavaScript of `src` and `bench`, file by file, for the measured processes: tsx's loader must not be what is
 * measured. It goes below `node_modules`, where the packages are found and where no other build is in the way.
 */
import { build } from 'esbuild'
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface Compiled {
  /** The path of what a file of the repository was made into: `compiled.path('bench/harness/child.ts')`. */
  path(source: string): string
}

/** What it makes is removed when this process ends. `root`: of another checkout, of which only `src` is compiled. */
export async function compile(root = ROOT): Promise<Compiled> {
  const cache = join(root, 'node_modules', '.cache')
  await mkdir(cache, { recursive: true })
  const outdir = await mkdtemp(join(cache, 'tinyp2p-bench-'))
  process.once('exit', () => {
    rmSync(outdir, { recursive: true, force: true })
  })
  await writeFile(join(outdir, 'package.json'), '{ "type": "module" }\n')
  await build({
    absWorkingDir: root,
    entryPoints: root === ROOT ? ['src/**/*.ts', 'bench/**/*.ts'] : ['src/**/*.ts'],
    outdir,
    outbase: root,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    logLevel: 'error',
  })
  return { path: (source) => join(outdir, source.replace(/\.ts$/, '.js')) }
}
