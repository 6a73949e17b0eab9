/**
 * Do our patches of libp2p's packages fit their newest releases? Installs these in a copy of the repository, runs the specs
 * that guard the patches, and prints a table: package, ours, newest, and whether it fits or what moved.
 *
 *   npm run upstream                          # the newest releases
 *   npm run upstream -- @libp2p/yamux@8.0.2   # these, and of the others the newest
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PINNED } from '../src/libp2p/patches/supported.js'

type Versions = Record<string, string>

const root = fileURLToPath(new URL('..', import.meta.url))
const patches = join(root, 'src', 'libp2p')

/** The most that each step may take. */
const LOOKUP_MS = 60_000
const INSTALL_MS = 5 * 60_000
const SPECS_MS = 10 * 60_000

/** Package → the specs that its patches name in their headers (`Package: …`, `Guarded by: …`). */
function guards(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  for (const file of readdirSync(patches, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue
    const [header = ''] = readFileSync(join(patches, file), 'utf8').split('*/')
    const name = /^ \* Packages?: ([\w@/-]+)/m.exec(header)?.[1]
    if (name === undefined || !(name in PINNED)) continue
    const specs = found.get(name) ?? new Set()
    for (const [spec] of header.slice(header.indexOf('Guarded by:')).matchAll(/spec\/\S+-spec\.ts/g)) specs.add(spec)
    found.set(name, specs)
  }
  return found
}

function newest(name: string): string {
  return execFileSync('npm', ['view', name, 'version'], { encoding: 'utf8', timeout: LOOKUP_MS }).trim()
}

/** The repository without its node_modules. */
function copyTo(folder: string): void {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
  for (const file of listed.toString().split('\0')) {
    if (file !== '') cpSync(join(root, file), join(folder, file), { force: true })
  }
}

function install(folder: string, versions: Versions): string | undefined {
  for (const file of ['package.json', 'package-lock.json']) cpSync(join(root, file), join(folder, file))
  const file = join(folder, 'package.json')
  const json = JSON.parse(readFileSync(file, 'utf8')) as { dependencies: Versions }
  for (const [name, version] of Object.entries(versions)) {
    const alias = Object.entries(json.dependencies).find(([, range]) => range.startsWith(`npm:${name}@`))?.[0]
    json.dependencies[alias ?? name] = alias === undefined ? version : `npm:${name}@${version}`
  }
  writeFileSync(file, JSON.stringify(json, undefined, 2))
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const { status, stderr } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8', timeout: INSTALL_MS })
  return status === 0 ? undefined : `it cannot be installed: ${firstLine(stderr)}`
}

interface Results {
  testResults: {
    name: string
    message: string
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[]
  }[]
}

/** What fails, in a few words each. What failed once is run again, because a busy machine may be at fault. */
function check(folder: string, specs: ReadonlySet<string>): string[] {
  const failed = run(folder, specs)
  return failed.length === 0 ? failed : run(folder, specs)
}

function run(folder: string, specs: ReadonlySet<string>): string[] {
  const failed: string[] = []
  for (const project of ['unit', 'integration']) {
    const own = [...specs].filter((spec) => spec.startsWith('spec/integration/') === (project === 'integration'))
    if (own.length === 0) continue
    const outputFile = join(folder, `${project}.json`)
    rmSync(outputFile, { force: true })
    const jest = join(folder, 'node_modules', 'jest', 'bin', 'jest.js')
    const args = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', jest]
    args.push(
      `--selectProjects=${project}`,
      '--testTimeout=30000',
      '--forceExit',
      '--json',
      `--outputFile=${outputFile}`,
    )
    spawnSync(process.execPath, [...args, ...own], { cwd: folder, stdio: 'ignore', timeout: SPECS_MS })
    failed.push(...failuresIn(outputFile, folder))
  }
  return failed
}

function failuresIn(outputFile: string, folder: string): string[] {
  try {
    const { testResults } = JSON.parse(readFileSync(outputFile, 'utf8')) as Results
    return testResults.flatMap(({ name, message, assertionResults }) => {
      const spec = name.replace(folder, '').replace(/^\//, '')
      const tests = assertionResults.filter(({ status }) => status === 'failed')
      if (tests.length === 0) return assertionResults.length === 0 ? [`${spec}: ${firstLine(message)}`] : []
      const reasons = tests.flatMap(({ failureMessages }) => failureMessages)
      const moved = reasons.flatMap((reason) => /this version of .* is not supported.*/.exec(reason) ?? [])
      return [...new Set(moved.length > 0 ? moved : tests.map(({ fullName }) => `${spec}: ${fullName}`))]
    })
  } catch {
    return ['jest ended without results']
  }
}

function firstLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim())
  return lines.find((line) => line !== '' && !line.startsWith('●')) ?? 'no reason was given'
}

/** What fails with these versions, and with ours of all other packages. */
function attempt(folder: string, versions: Versions, specs: ReadonlySet<string>): string[] {
  const failure = install(folder, versions)
  return failure === undefined ? check(folder, specs) : [failure]
}

const wanted = Object.fromEntries(
  process.argv.slice(2).map((arg) => [arg.slice(0, arg.lastIndexOf('@')), arg.slice(arg.lastIndexOf('@') + 1)]),
)
for (const name in wanted) if (!(name in PINNED)) throw new Error(`${name} is not pinned`)

const known = guards()
const all = new Set([...known.values()].flatMap((specs) => [...specs]))
const versions: Versions = Object.fromEntries(Object.keys(PINNED).map((name) => [name, wanted[name] ?? newest(name)]))
const moved = Object.entries(versions).filter(([name, version]) => version !== PINNED[name as keyof typeof PINNED])

const folder = mkdtempSync(join(tmpdir(), 'tinyp2p-upstream-'))
const results = new Map<string, string[]>()
let together: string[]
try {
  copyTo(folder)
  console.error(`${moved.length} of ${Object.keys(versions).length} packages have other versions; ${all.size} specs`)
  together = attempt(folder, versions, all)
  // Which of them is it?
  for (const [name, version] of together.length > 0 ? moved : []) {
    console.error(`${name} ${version} alone`)
    results.set(name, attempt(folder, { [name]: version }, known.get(name) ?? new Set()))
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

console.log('| package | ours | newest | verdict |\n|---|---|---|---|')
for (const [name, ours] of Object.entries(PINNED)) {
  const failures = results.get(name) ?? []
  const verdict =
    failures.length === 0 ? 'fits' : failures.map((failure) => failure.replaceAll('|', '\\|')).join('<br>')
  console.log(`| ${name} | ${ours} | ${versions[name]} | ${verdict} |`)
}
if (together.length > 0 && [...results.values()].every((failures) => failures.length === 0)) {
  const what = moved.length === 0 ? 'Even with ours' : 'Each fits alone, but all together'
  console.log(`\n${what}: ${together.join('; ')}`)
}
process.exitCode = together.length > 0 ? 1 : 0
