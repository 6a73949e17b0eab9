/**
 * Runs the parts that it is given, one after the other, and ends with one line: `N passed, N failed` (and `, N skipped`
 * when there are any). Tests are counted from jest's own results. A part that breaks without counted tests (lint, a
 * suite that cannot be loaded, a jest that dies) counts as one failure, so that the line never looks better than the
 * exit code.
 *
 *   tsx scripts/test.ts lint format types unit integration [-- arguments for jest]
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

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

const parts: Record<string, (jestArgs: string[]) => Tally> = {
  lint: () => check('npm', ['run', '--silent', 'lint']),
  format: () => check('npm', ['run', '--silent', 'format:check']),
  types: () => check('npm', ['run', '--silent', 'typecheck']),
  unit: (jestArgs) => jest('unit', jestArgs),
  integration: (jestArgs) => jest('integration', ['--testTimeout=30000', ...jestArgs]),
  interop,
}

/** Longer than any part takes: one that hangs is ended, and fails. */
const TIMEOUT_MS = 15 * 60_000

/** Runs a command in the foreground; true when it ended well. */
function run(command: string, args: string[], env: NodeJS.ProcessEnv = {}): boolean {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
    timeout: TIMEOUT_MS,
  })
  if (error) console.error(`${command}: ${error.message}`)
  return status === 0
}

function check(command: string, args: string[]): Tally {
  return { passed: 0, failed: run(command, args) ? 0 : 1, skipped: 0 }
}

function jest(project: string, args: string[], env: NodeJS.ProcessEnv = {}): Tally {
  const folder = mkdtempSync(join(tmpdir(), 'tinyp2p-test-'))
  try {
    const outputFile = join(folder, 'results.json')
    const ok = run(
      process.execPath,
      [
        '--experimental-vm-modules',
        '--disable-warning=ExperimentalWarning',
        join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
        `--selectProjects=${project}`,
        '--json',
        `--outputFile=${outputFile}`,
        ...args,
      ],
      env,
    )
    return tallyOf(ok, outputFile)
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

/** The specs against a Rust peer: builds it first. Without cargo they are skipped, but not in CI. */
function interop(jestArgs: string[]): Tally {
  if (!run('cargo', ['--version'])) {
    if (process.env.CI) {
      console.error('The interop tests need cargo, and CI must not skip them: install Rust (https://rustup.rs).')
      return { passed: 0, failed: 1, skipped: 0 }
    }
    console.log('The interop tests are skipped: they need cargo (https://rustup.rs).')
    return { passed: 0, failed: 0, skipped: 1 }
  }
  const build = ['build', '--release', '--locked', '--manifest-path', join(rustPeer, 'Cargo.toml')]
  if (!run('cargo', build, { CARGO_TARGET_DIR: targetDir })) return { passed: 0, failed: 1, skipped: 0 }
  return jest('interop', ['--testTimeout=60000', '--runInBand', ...jestArgs], { CARGO_TARGET_DIR: targetDir })
}

const args = process.argv.slice(2)
const names = args.filter((name) => name in parts)
const jestArgs = args.filter((arg) => arg !== '--' && !(arg in parts))
if (names.length === 0) throw new Error(`name at least one part of: ${Object.keys(parts).join(', ')}`)

const total: Tally = { passed: 0, failed: 0, skipped: 0 }
for (const name of names) {
  console.log(`\n— ${name}`)
  const tally = parts[name]!(jestArgs)
  if (tally.failed > 0) console.log(`— ${name}: failed`)
  total.passed += tally.passed
  total.failed += tally.failed
  total.skipped += tally.skipped
}
process.exitCode = total.failed > 0 ? 1 : 0
console.log(`\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`)
