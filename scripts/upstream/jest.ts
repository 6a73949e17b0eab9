/** Runs specs in a copy of the repository, and says what failed. */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** The most that one run may take. */
const LIMIT_MS = 10 * 60_000

export interface Options {
  /** Only the tests whose titles have one of these in them. */
  tests?: readonly string[]
  /** ms. */
  testTimeout?: number
}

interface Results {
  testResults: {
    name: string
    message: string
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[]
  }[]
}

export interface Outcome {
  passed: number
  /** In a few words each. */
  failed: string[]
}

export function runSpecs(folder: string, specs: Iterable<string>, options: Options = {}): Outcome {
  const all = [...new Set(specs)]
  const outcome: Outcome = { passed: 0, failed: [] }
  for (const project of ['unit', 'integration']) {
    const own = all.filter((spec) => spec.startsWith('spec/integration/') === (project === 'integration'))
    if (own.length === 0) continue
    const { passed, failed } = runProject(folder, project, own, options)
    outcome.passed += passed
    outcome.failed.push(...failed)
  }
  return outcome
}

function runProject(folder: string, project: string, specs: string[], options: Options): Outcome {
  const { tests = [], testTimeout = 30_000 } = options
  const outputFile = join(folder, `${project}.json`)
  rmSync(outputFile, { force: true })
  const args = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning']
  args.push(join(folder, 'node_modules', 'jest', 'bin', 'jest.js'), `--selectProjects=${project}`, '--forceExit')
  args.push(`--testTimeout=${testTimeout}`, '--json', `--outputFile=${outputFile}`)
  if (tests.length > 0) args.push(`--testNamePattern=${tests.map(escaped).join('|')}`)
  spawnSync(process.execPath, [...args, ...specs], { cwd: folder, stdio: 'ignore', timeout: LIMIT_MS })
  return outcomeOf(outputFile, folder)
}

function outcomeOf(outputFile: string, folder: string): Outcome {
  try {
    const { testResults } = JSON.parse(readFileSync(outputFile, 'utf8')) as Results
    const all = testResults.flatMap(({ assertionResults }) => assertionResults)
    return {
      passed: all.filter(({ status }) => status === 'passed').length,
      failed: testResults.flatMap((result) => failuresOf(result, folder)),
    }
  } catch {
    return { passed: 0, failed: ['jest ended without results'] }
  }
}

function failuresOf({ name, message, assertionResults }: Results['testResults'][number], folder: string): string[] {
  const spec = name.slice(name.lastIndexOf('/spec/') + 1).replace(folder, '')
  const tests = assertionResults.filter(({ status }) => status === 'failed')
  if (tests.length === 0) return assertionResults.length === 0 ? [`${spec}: ${firstLine(message)}`] : []
  const reasons = tests.flatMap(({ failureMessages }) => failureMessages)
  const moved = reasons.flatMap((reason) => /this version of .* is not supported.*/.exec(reason) ?? [])
  return [...new Set(moved.length > 0 ? moved : tests.map(({ fullName }) => `${spec}: ${fullName}`))]
}

export function firstLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim())
  return lines.find((line) => line !== '' && !line.startsWith('●')) ?? 'no reason was given'
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
