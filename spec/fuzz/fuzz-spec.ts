/**
 * Every reader of what strangers say, against a million inputs (`npm run fuzz` has ten million). In a process of its own, because
 * modules are slower in jest's. `FUZZ_SEED` starts somewhere else; what fails is printed with its input.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from '@jest/globals'

const root = fileURLToPath(new URL('../..', import.meta.url))
const SEED = process.env['FUZZ_SEED'] ?? '1'
const INPUTS = 1_000_000

function run(...args: string[]): Promise<string> {
  const command = ['--import', 'tsx', 'scripts/fuzz.ts', ...args]
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: root, maxBuffer: 64 * 1024 * 1024 }, (_, out, err) => resolve(out + err))
  })
}

it('no reader throws what nobody expects, takes long, takes much memory, or leaves something behind', async () => {
  const out = await run('--seed', SEED, '--inputs', String(INPUTS))
  // All of it is the message when it fails.
  expect(out).toMatch(/\n\d+ inputs in \d+ s, 0 faults\n$/)
  expect(Number(/(\d+) inputs in/.exec(out)![1])).toBeGreaterThanOrEqual(INPUTS)
}, 600_000)

it('there is a reader for each file of the wire', () => {
  const sources = ['varint', 'v1', 'yamux', 'session/reader', 'session/service', 'gossip/announcement']
  const targets = ['wire', 'session', 'lines', 'gossip', 'kad', 'noise', 'identify', 'texts', 'files', 'calls']
  const text = targets.map((name) => readFileSync(`${root}spec/fuzz/targets/${name}.ts`, 'utf8')).join('\n')
  for (const source of sources) expect(text).toContain(`src/wire/${source}.js'`)
})
