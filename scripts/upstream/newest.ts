/**
 * Do our patches fit the newest releases of the pinned packages? Installs these in a copy of the repository, with the newest of
 * what they depend on, runs the compiler and the specs that guard the patches, and prints what fits.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PINNED } from '../../src/libp2p/patches/supported.js'
import { withCopy } from './copy.js'
import { headersOf, sourcesOf } from './headers.js'
import { firstLine, runSpecs } from './jest.js'

export type Versions = Record<string, string>

/** The most that each step may take. */
const LOOKUP_MS = 60_000
const INSTALL_MS = 5 * 60_000
const TYPES_MS = 5 * 60_000

/** Of the errors of the compiler this many are shown. */
const SHOWN_ERRORS = 3

/** Prints the tables; false when something does not fit. `wanted`: these releases, and of the others the newest. */
export async function checkNewest(root: string, wanted: Versions): Promise<boolean> {
  const headers = headersOf(sourcesOf(root))
  const specsOf = (name: string): string[] => headers.flatMap((one) => (one.packages.has(name) ? one.specs : []))
  const versions: Versions = Object.fromEntries(Object.keys(PINNED).map((name) => [name, wanted[name] ?? newest(name)]))
  const moved = Object.entries(versions).filter(([name, version]) => version !== PINNED[name as keyof typeof PINNED])
  const specs = new Set(headers.flatMap((header) => header.specs))
  const ours = dependencies(root)

  const results = new Map<string, string[]>()
  let together: string[] = []
  let theirs = ours
  await withCopy(root, (folder) => {
    console.error(
      `${moved.length} of ${Object.keys(versions).length} packages have other versions; ${specs.size} specs`,
    )
    together = attempt(root, folder, versions, [...ours.keys()], specs)
    theirs = dependencies(folder)
    // Which of them is it?
    for (const [name, version] of together.length > 0 ? moved : []) {
      console.error(`${name} ${version} alone`)
      results.set(name, attempt(root, folder, { [name]: version }, [], new Set(specsOf(name))))
    }
  })

  console.log('| package | ours | newest | verdict |\n|---|---|---|---|')
  for (const [name, version] of Object.entries(PINNED)) {
    const failures = results.get(name) ?? []
    const verdict = failures.length === 0 ? 'fits' : failures.map((text) => text.replaceAll('|', '\\|')).join('<br>')
    console.log(`| ${name} | ${version} | ${versions[name]} | ${verdict} |`)
  }
  console.log('\n| what they depend on | ours | tried |\n|---|---|---|')
  for (const name of [...new Set([...ours.keys(), ...theirs.keys()])].sort()) {
    if (!(name in PINNED)) console.log(`| ${name} | ${ours.get(name) ?? ''} | ${theirs.get(name) ?? ''} |`)
  }
  if (together.length > 0 && [...results.values()].every((failures) => failures.length === 0)) {
    const what = moved.length === 0 ? 'Even with ours' : 'Each fits alone, but all together'
    console.log(`\n${what}: ${together.join('; ')}`)
  }
  return together.length === 0
}

function newest(name: string): string {
  return execFileSync('npm', ['view', name, 'version'], { encoding: 'utf8', timeout: LOOKUP_MS }).trim()
}

export function isReleased(name: string, version: string): boolean {
  const { status, stdout, stderr } = spawnSync('npm', ['view', `${name}@${version}`, 'version'], {
    encoding: 'utf8',
    timeout: LOOKUP_MS,
  })
  if (status !== 0 && !stderr.includes('E404')) throw new Error(firstLine(stderr))
  return stdout.includes(version)
}

/** libp2p's packages that are installed at the top, by their own names → their versions. */
function dependencies(root: string): Map<string, string> {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { name?: string; version?: string }>
  }
  const found = new Map<string, string>()
  for (const [path, { name, version }] of Object.entries(packages)) {
    const own = name ?? path.replace('node_modules/', '')
    if (/^(@libp2p\/[^/]+|libp2p|main-event)$/.test(own) && version !== undefined) found.set(own, version)
  }
  return found
}

/** What fails with these versions, of `updated` the newest that may be, and ours of all others. */
function attempt(
  root: string,
  folder: string,
  versions: Versions,
  updated: readonly string[],
  specs: ReadonlySet<string>,
): string[] {
  const failure = install(root, folder, versions, updated)
  if (failure !== undefined) return [failure]
  const types = check(folder)
  const { failed } = runSpecs(folder, specs)
  // What failed once is run again, because a busy machine may be at fault.
  return [...types, ...(failed.length === 0 ? [] : runSpecs(folder, specs).failed)]
}

function install(root: string, folder: string, versions: Versions, updated: readonly string[]): string | undefined {
  for (const file of ['package.json', 'package-lock.json']) cpSync(join(root, file), join(folder, file))
  const file = join(folder, 'package.json')
  const json = JSON.parse(readFileSync(file, 'utf8')) as { dependencies: Versions }
  for (const [name, version] of Object.entries(versions)) {
    const alias = Object.entries(json.dependencies).find(([, range]) => range.startsWith(`npm:${name}@`))?.[0]
    json.dependencies[alias ?? name] = alias === undefined ? version : `npm:${name}@${version}`
  }
  writeFileSync(file, JSON.stringify(json, undefined, 2))
  const steps = [['install'], ...(updated.length > 0 ? [['update', ...updated]] : [])]
  for (const step of steps) {
    const args = [...step, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    const { status, stderr } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8', timeout: INSTALL_MS })
    if (status !== 0) return `it cannot be installed: ${firstLine(stderr)}`
  }
  return undefined
}

/** The compiler's errors: a public type may have moved. */
function check(folder: string): string[] {
  const tsc = join(folder, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status, stdout } = spawnSync(process.execPath, [tsc], { cwd: folder, encoding: 'utf8', timeout: TYPES_MS })
  if (status === 0) return []
  const errors = stdout.split('\n').filter((line) => line.includes('error TS'))
  const more = errors.length > SHOWN_ERRORS ? [`${errors.length - SHOWN_ERRORS} more errors of the compiler`] : []
  return errors.length === 0 ? ['the compiler ended without a word'] : [...errors.slice(0, SHOWN_ERRORS), ...more]
}
