/**
 * Copies of the sources in a folder of their own, some with a fault planted in them, bundled into one file that plain Node
 * runs. The suite runs on such a copy always, the sound one too: all copies are made and run in the same way.
 */
import { build } from 'esbuild'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A place in a file, and what stands there instead. The text must occur exactly once. */
export interface Change {
  file: string
  from: string
  to: string
}

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Copy {
  /** The bundled worker. */
  file: string
  remove(): void
}

/** Copies the sources, plants the changes, and bundles the worker of the suite with them. */
export async function copy(changes: Change[] = []): Promise<Copy> {
  const folder = mkdtempSync(join(tmpdir(), 'tinyp2p-simulation-'))
  const remove = (): void => {
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    cpSync(join(root, 'src'), join(folder, 'src'), { recursive: true })
    cpSync(join(root, 'spec', 'simulation'), join(folder, 'spec', 'simulation'), { recursive: true })
    for (const change of changes) plant(folder, change)
    const file = join(folder, 'worker.mjs')
    await build({
      entryPoints: [join(folder, 'spec', 'simulation', 'worker.ts')],
      outfile: file,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      nodePaths: [join(root, 'node_modules')],
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

function plant(folder: string, { file, from, to }: Change): void {
  const path = join(folder, file)
  const text = readFileSync(path, 'utf8')
  const times = text.split(from).length - 1
  if (times !== 1)
    throw new Error(`the text of a mutant must occur once in ${file}, and occurs ${times} times: ${from}`)
  writeFileSync(
    path,
    text.replace(from, () => to),
  )
}
