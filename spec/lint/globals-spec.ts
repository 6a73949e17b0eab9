/** Which globals a room may use, and that no comment turns a rule off: the rules of eslint.config.js, on one line at a time. */
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { Linter } from 'eslint'
import tseslint from 'typescript-eslint'
import config from '../../eslint.config.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const linter = new Linter({ cwd: root })

/** The rules that need no types. */
const RULES = [
  ...config,
  tseslint.configs.disableTypeChecked,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { lib: ['es2022'] } },
    rules: { 'house/own-state': 'off', 'import-x/no-cycle': 'off', '@typescript-eslint/no-unused-vars': 'off' },
  },
]

/** The rules that a line breaks in a file of src. */
function lint(file: string, text: string): (string | null)[] {
  const messages = linter.verify(text, RULES as Linter.Config[], { filename: `${root}src/${file}` })
  return [...new Set(messages.map(({ ruleId, message }) => ruleId ?? message))]
}

const CORE = 'core/asks.ts'
const EDGE = 'edge/asks.ts'

describe('what a file may use', () => {
  it.each([
    [CORE, 'const a = Math.max(1, 2); const b = new Map<string, Uint8Array>()'],
    [CORE, 'const a = new TextEncoder().encode("a")'],
    [EDGE, 'const a = Date.now() + performance.now(); setTimeout(() => undefined, 1)'],
    [EDGE, 'export async function a(): Promise<void> { await new Promise<void>((resolve) => resolve()) }'],
    ['platform/process.ts', 'const a = process.pid; const b = globalThis'],
    ['edge/log-printer.ts', 'console.error("a")'],
  ])('of %s: %s', (file, text) => {
    expect(lint(file, text)).toEqual([])
  })

  it.each([
    ...['const a = process.pid', 'const a = (globalThis as { process?: unknown }).process', 'const a = globalThis'],
    ...[`const a = Reflect.get(globalThis, 'process')`, 'let a: Buffer | undefined', 'const a = import.meta.dirname'],
    ...['const a = performance.eventLoopUtilization()', 'const a = performance', 'console.error("a")'],
  ])('not of the edge: %s', (text) => {
    expect(lint(EDGE, text)).toHaveLength(1)
    expect(lint(CORE, text).length).toBeGreaterThan(0)
  })

  it.each([
    ...[
      'const a = Date.now()',
      'const a = new Date()',
      'const a = Math.random()',
      'const a = Math',
      'const b = [Math]',
    ],
    ...[`const a = Math['random']()`, `const a = new Event('x').timeStamp`, 'const a = new Intl.DateTimeFormat()'],
    ...['const a = AbortSignal.timeout(1)', 'const a = new MessageChannel()', `const a = new WebSocket('ws://a')`],
    ...['setTimeout(() => undefined, 1)', 'queueMicrotask(() => undefined)', 'const a = crypto', `const a = eval('1')`],
    ...['export async function a() {}', 'const a = Promise.resolve(1)', `const a = new Function('return 1')`],
    ...['const a = performance.now()', 'console.error("a")', `const a = import('./state.js')`],
  ])('not of the core: %s', (text) => {
    expect(lint(CORE, text).length).toBeGreaterThan(0)
  })
})

it.each([
  '/* eslint-disable */',
  '/* eslint no-restricted-globals: "off" */',
  '/* eslint-disable no-restricted-globals */',
])('%s turns nothing off', (comment) => {
  expect(lint(CORE, `${comment}\nconst a = Date.now()`)).toContain('no-restricted-globals')
})
