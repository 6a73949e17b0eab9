/**
 * The example test files for vitest and for node:test run under their own runners, and every test in them passes. (The one
 * for jest is among our own unit tests.) What the pages about testing and about requests show runs as well.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = 'examples/testing'
const TESTS = [
  'answers a request',
  'brings a broadcast to all',
  'is cut in two, and becomes whole again',
  'gives up after ten seconds, which takes milliseconds',
  'a hundred nodes hear a broadcast',
]

/** What it writes. Rejects, with all of it, when it ends badly or takes too long. */
async function run(...args: string[]): Promise<string> {
  // A runner within a runner must not take itself for a part of the outer one.
  const { JEST_WORKER_ID: _, NODE_TEST_CONTEXT: __, ...env } = process.env
  const options = { cwd: root, env: { ...env, NODE_OPTIONS: '', NO_COLOR: '1' }, timeout: 50_000 }
  const { stdout } = await promisify(execFile)(process.execPath, args, options)
  return stdout
}

describe.each(['docs/testing.md', 'docs/requests.md'])('%s', (page) => {
  const blocks = [...readFileSync(join(root, page), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)]

  it.each(blocks.map(([, code], i) => [i + 1, code!] as const))(
    'shows programs that run: %d',
    async (_, code) => {
      const directory = mkdtempSync(join(tmpdir(), 'tinyp2p-docs-'))
      try {
        symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'))
        writeFileSync(join(directory, 'block.mts'), code)
        const prints = [...code.matchAll(/\/\/ prints: (.*)$/gm)].map(([, text]) => `${text}\n`).join('')
        expect(await run('--import', 'tsx', join(directory, 'block.mts'))).toBe(prints)
      } finally {
        rmSync(directory, { recursive: true, force: true })
      }
    },
    60_000,
  )
})

describe('the example for', () => {
  it('vitest passes', async () => {
    const config = join(folder, 'vitest.config.ts')
    const output = await run('node_modules/vitest/vitest.mjs', 'run', '--config', config, '--reporter=json')
    const results = JSON.parse(output.slice(output.indexOf('{'))) as {
      success: boolean
      testResults: { assertionResults: { title: string; status: string }[] }[]
    }
    const tests = results.testResults.flatMap(({ assertionResults }) => assertionResults)
    expect(tests.map(({ title, status }) => `${title}: ${status}`)).toEqual(TESTS.map((title) => `${title}: passed`))
    expect(results.success).toBe(true)
  }, 60_000)

  it('node:test passes', async () => {
    const file = join(folder, 'node-test.example.test.ts')
    const output = await run('--import', 'tsx', '--test', '--test-reporter=tap', file)
    const passed = [...output.matchAll(/^ *ok \d+ - (.*)$/gm)].map(([, title]) => title)
    for (const title of TESTS) expect(passed).toContain(title)
    expect(output).toMatch(/^# pass 5$/m)
    expect(output).toMatch(/^# fail 0$/m)
  }, 60_000)

  it.each(['jest.example-spec.ts', 'vitest.example.test.ts', 'node-test.example.test.ts'])(
    '%s has them all',
    (name) => {
      const titles = [...readFileSync(join(root, folder, name), 'utf8').matchAll(/\b(?:it|test)\('(.*?)'/g)]
      expect(titles.map(([, title]) => title)).toEqual(TESTS)
    },
  )
})
