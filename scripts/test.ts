/**
 * Runs the parts that it is given, one after the other, and ends with one line: `N passed, N failed` (and `, N skipped`
 * when there are any). Tests are counted from jest's own results. A part that breaks without counted tests (lint, a
 * suite that cannot be loaded, a jest that dies) counts as one failure, so that the line never looks better than the
 * exit code.
 *
 *   tsx scripts/test.ts lint format types unit integration [-- names, and options of jest]
 *
 * What follows `--`, or the first that is no part, is for jest: a spec may be called as a part is.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCommand, UsageError } from './command-line.js'

interface Tally {
  passed: number
  failed: number
  skipped: number
}

/** What we read of the file that jest's `--json --outputFile` writes. */
interface JestResults {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  numRuntimeErrorTestSuites: number
  success: boolean
}

const root = fileURLToPath(new URL('..', import.meta.url))
const rustPeer = join(root, 'spec', 'interop', 'rust-peer')
/** Where cargo builds: outside of the checkout, so that a fresh one need not build libp2p again. */
const targetDir = join(homedir(), '.cache', 'tinyp2p', 'rust-peer-target')

/** A part that hangs is ended after this long, and fails. The longest takes some six minutes on two quiet cores. */
const LIMIT_MS = 20 * 60_000

/** How long jest may take to exit once its results are written. Longer means that a test left something open. */
const EXIT_MS = 10_000

const parts: Record<string, (jestArgs: string[]) => Promise<Tally>> = {
  lint: () => check('npm', ['run', '--silent', 'lint']),
  format: () => check('npm', ['run', '--silent', 'format:check']),
  types: () => check('npm', ['run', '--silent', 'typecheck']),
  unit: (jestArgs) =>
    jest('unit', ['--testTimeout=20000', ...(asksWorkers(jestArgs) ? [] : ['--maxWorkers=100%']), ...jestArgs]),
  // One after the other: each of these specs keeps all cores busy by itself.
  simulation: (jestArgs) => jest('simulation', ['--runInBand', ...jestArgs]),
  integration: (jestArgs) => jest('integration', ['--testTimeout=30000', ...jestArgs]),
  // One after the other: each measures times.
  world: (jestArgs) => jest('world', ['--testTimeout=60000', '--runInBand', ...jestArgs]),
  // The same.
  hostile: (jestArgs) => jest('hostile', ['--testTimeout=120000', '--runInBand', ...jestArgs]),
  package: (jestArgs) => jest('package', ['--testTimeout=90000', ...jestArgs]),
  interop,
  users,
}

/** Two numbers of workers would be added up by jest. */
function asksWorkers(jestArgs: string[]): boolean {
  return jestArgs.some((arg) => /^(-w|--maxWorkers|-i|--runInBand)/.test(arg))
}

/** Options that are given on to jest; any other one is a mistake. */
const JEST_OPTIONS = [
  ...['-t', '--testNamePattern', '--testTimeout', '-i', '--runInBand', '-w', '--maxWorkers', '--verbose', '--silent'],
  ...['--bail', '--shard', '--onlyFailures', '--detectOpenHandles', '--forceExit', '--coverage', '--no-cache'],
]

const WITH_VALUE = ['-t', '--testNamePattern', '--testTimeout', '-w', '--maxWorkers', '--shard']

interface RunOptions {
  env?: NodeJS.ProcessEnv
  /** A file that the command writes when its work is done: from then on it has `EXIT_MS` left. */
  doneFile?: string
}

/** Runs a command, and ends whatever it leaves behind; resolves with true when it ended well. */
function run(command: string, args: string[], { env, doneFile }: RunOptions = {}): Promise<boolean> {
  return new Promise((resolve) => {
    // A process group of its own: its children end with it.
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env }, detached: true })
    const started = Date.now()
    let done: number | undefined
    const watch = setInterval(() => {
      if (doneFile !== undefined && existsSync(doneFile)) done ??= Date.now()
      if (done !== undefined && Date.now() - done > EXIT_MS) end('The tests are over, but one left something open')
      else if (Date.now() - started > LIMIT_MS) end(`${command} takes more than ${LIMIT_MS / 60_000} minutes`)
    }, 1_000)
    const interrupt = (): void => {
      end('Interrupted')
      process.exit(130)
    }
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt)

    function end(why: string): void {
      console.error(`${why}: ending it`)
      killGroup(child.pid)
    }
    function finish(ok: boolean): void {
      clearInterval(watch)
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
      killGroup(child.pid)
      resolve(ok)
    }
    child.once('error', (error) => {
      console.error(`${command}: ${error.message}`)
      finish(false)
    })
    child.once('exit', (code) => finish(code === 0))
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nobody is left.
  }
}

async function check(command: string, args: string[]): Promise<Tally> {
  return { passed: 0, failed: (await run(command, args)) ? 0 : 1, skipped: 0 }
}

async function jest(project: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'tinyp2p-test-'))
  try {
    const outputFile = join(folder, 'results.json')
    const jestArgs = [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
      `--selectProjects=${project}`,
      '--json',
      `--outputFile=${outputFile}`,
      ...args,
    ]
    return tallyOf(await run(process.execPath, jestArgs, { env, doneFile: outputFile }), outputFile)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function tallyOf(ok: boolean, outputFile: string): Tally {
  let results: JestResults
  try {
    results = JSON.parse(readFileSync(outputFile, 'utf8')) as JestResults
  } catch {
    console.error('jest ended without writing its results')
    return { passed: 0, failed: 1, skipped: 0 }
  }
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites
  return {
    passed: results.numPassedTests,
    failed: failed === 0 && !(ok && results.success) ? 1 : failed,
    skipped: results.numPendingTests + results.numTodoTests,
  }
}

/** The runtimes and tools of users have a folder of their own, because they are large. */
async function users(jestArgs: string[]): Promise<Tally> {
  const folder = join(root, 'spec', 'users')
  if (!(await run('npm', ['ci', '--prefix', folder, '--no-audit', '--no-fund'])))
    return { passed: 0, failed: 1, skipped: 0 }
  return jest('users', ['--runInBand', ...jestArgs])
}

/** The specs against a Rust peer: builds it first. Without cargo they are skipped, but not in CI. */
async function interop(jestArgs: string[]): Promise<Tally> {
  if (!(await run('cargo', ['--version']))) {
    if (process.env.CI) {
      console.error('The interop tests need cargo, and CI must not skip them: install Rust (https://rustup.rs).')
      return { passed: 0, failed: 1, skipped: 0 }
    }
    console.log('The interop tests are skipped: they need cargo (https://rustup.rs).')
    return { passed: 0, failed: 0, skipped: 1 }
  }
  const build = ['build', '--release', '--locked', '--manifest-path', join(rustPeer, 'Cargo.toml')]
  const env = { CARGO_TARGET_DIR: targetDir }
  if (!(await run('cargo', build, { env }))) return { passed: 0, failed: 1, skipped: 0 }
  return jest('interop', ['--testTimeout=60000', '--runInBand', ...jestArgs], env)
}

const USAGE = `npm test [-- options], or npm run test:<part> [-- options]; the parts are ${Object.keys(parts).join(', ')}
  <name> …                     only the files whose paths have this in them
  ${JEST_OPTIONS.join(' ')}
                               as jest has them: npm run test:unit -- deadlines -t 'in one instant'
  --help`

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp
  } catch {
    return false
  }
}

/** As jest finds them by a pattern. (The specs of the linter's rules are unit tests.) */
function hasSpec(names: readonly string[], pattern: string): boolean {
  return ['spec', 'examples'].some((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).some((file) => {
      const path = join(root, folder, file)
      if (!path.endsWith('-spec.ts') || !new RegExp(pattern, 'i').test(path)) return false
      const [first = ''] = file.split(/[\\/]/)
      const isPart = folder === 'spec' && Object.hasOwn(parts, first) && first !== 'lint'
      return names.includes(isPart ? first : 'unit')
    }),
  )
}

function read(args: readonly string[]): { names: string[]; jestArgs: string[] } {
  const end = args.findIndex((arg) => !Object.hasOwn(parts, arg))
  const names = end === -1 ? [...args] : args.slice(0, end)
  const jestArgs = args.slice(names.length).filter((arg) => arg !== '--')
  const patterns: string[] = []
  for (const [at, arg] of jestArgs.entries()) {
    const [option = '', value = jestArgs[at + 1]] = arg.split('=')
    if (option.startsWith('-') && !JEST_OPTIONS.includes(option)) throw new UsageError(`unknown option ${option}`)
    if (WITH_VALUE.includes(option) && !value) throw new UsageError(`${option} needs a value`)
    if (!option.startsWith('-') && !WITH_VALUE.includes(jestArgs[at - 1] ?? '')) patterns.push(arg)
    if (option === '--shard') {
      const [, part = 0, all = 0] = /^(\d+)\/(\d+)$/.exec(value!) ?? []
      if (+part < 1 || +part > +all) throw new UsageError(`--shard=${value} is no part of a whole, such as 1/2`)
    }
  }
  if (names.length === 0) throw new UsageError(`name at least one part of ${Object.keys(parts).join(', ')}`)
  for (const pattern of patterns) {
    if (!isPattern(pattern)) throw new UsageError(`${pattern} is no regular expression`)
    if (!hasSpec(names, pattern)) throw new UsageError(`no spec of ${names.join(', ')} has ${pattern} in its path`)
  }
  return { names, jestArgs }
}

await runCommand('test', async () => {
  const args = process.argv.slice(2)
  if (args.includes('--help')) return console.log(USAGE)
  const { names, jestArgs } = read(args)
  const total: Tally = { passed: 0, failed: 0, skipped: 0 }
  for (const name of names) {
    console.log(`\n— ${name}`)
    const tally = await parts[name]!(jestArgs)
    if (tally.failed > 0) console.log(`— ${name}: failed`)
    total.passed += tally.passed
    total.failed += tally.failed
    total.skipped += tally.skipped
  }
  process.exitCode = total.failed > 0 ? 1 : 0
  console.log(
    `\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`,
  )
})
