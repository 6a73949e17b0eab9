/** The package as its users get it: packed from a copy, because packing builds, and installed into an app of its own. */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)
/** What a program may take, ms. */
const WITHIN = 90_000

export interface App {
  /** Its folder. */
  path: string
  /** Runs a program in it; its standard output. */
  run(command: string, ...args: string[]): Promise<string>
  write(name: string, text: string): void
  remove(): void
}

export interface Packed {
  /** The file that `npm pack` writes. */
  tarball: string
  /** Where it is; others may put things there. */
  folder: string
  remove(): void
}

export async function packed(): Promise<Packed> {
  const folder = mkdtempSync(join(tmpdir(), 'tinyp2p-package-'))
  const source = join(folder, 'source')
  mkdirSync(source)
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] }
  const listed = files.filter((name) => name !== 'dist' && !name.startsWith('!'))
  const own = ['package.json', 'README.md', 'LICENSE', 'tsconfig.json', 'tsconfig.build.json', 'scripts', 'src']
  for (const name of [...own, ...listed]) cpSync(join(root, name), join(source, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(source, 'node_modules'))
  await run('npm', ['pack', '--pack-destination', folder], { cwd: source, timeout: WITHIN })
  const name = readdirSync(folder).find((file) => file.endsWith('.tgz'))!
  return { tarball: join(folder, name), folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** `type`: of the app's package.json. `packages`: what is installed beside ours. */
export async function installed(type: 'module' | 'commonjs' = 'commonjs', packages: string[] = []): Promise<App> {
  const { tarball, folder, remove } = await packed()
  const path = join(folder, 'app')
  mkdirSync(path)
  const app: App = {
    path,
    async run(command, ...args) {
      const env = { ...process.env, NODE_OPTIONS: '' }
      const { stdout } = await run(command, args, { cwd: path, timeout: WITHIN, env })
      return stdout
    },
    write: (name, text) => writeFileSync(join(path, name), text),
    remove,
  }
  app.write('package.json', JSON.stringify({ name: 'app', version: '1.0.0', private: true, type }))
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
  await app.run('npm', 'install', ...quiet, tarball, ...packages)
  return app
}
