/**
 * Lint rules. Beside the usual ones: a room of src imports what scripts/lint/rooms.js says, and no import may close a cycle
 * anywhere. `src/core` and `src/wire` are pure, so the globals that would let time, chance or I/O in are forbidden there.
 */
import js from '@eslint/js'
import { createNodeResolver, importX } from 'eslint-plugin-import-x'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'
import { mayImport } from './scripts/lint/may-import.js'
import { OWNERS } from './scripts/lint/owners.js'
import { ownState } from './scripts/lint/own-state.js'
import { NODE_FILES } from './scripts/lint/rooms.js'

/** What Node has and browsers do not have. */
const NODE_GLOBALS = ['process', 'Buffer', 'setImmediate', 'clearImmediate', 'require', 'global', 'globalThis']

/** Of these objects the members that may be used are named below, so they must be seen: no other name, and no other way to them. */
const BY_MEMBER = {
  selector: 'Identifier[name=/^(Math|performance)$/]:not(MemberExpression > .object)',
  message: 'Say the member at once, as in Math.max, so that it is seen which one it is.',
}
const META = { selector: 'MetaProperty[meta.name="import"]', message: 'Not every bundler and system has import.meta.' }

/** What of the language, and of what browsers and Node share, would let time, chance, waiting or I/O in. */
const IMPURE = [
  ...['Date', 'Intl', 'Promise', 'eval', 'Function', 'Atomics', 'SharedArrayBuffer', 'WeakRef', 'FinalizationRegistry'],
]
/** The decoder of `wire/text.ts` says it with a second argument. */
const MARK = {
  selector: 'NewExpression[callee.name="TextDecoder"][arguments.length<2]',
  message: 'It drops a U+FEFF at the start: `decodeText` of wire/text.ts keeps it.',
}
const WAITING = {
  selector: ':function[async=true], AwaitExpression, ForOfStatement[await=true], ImportExpression',
  message: 'Nothing waits here: an outcome is an event.',
}

export default defineConfig(
  { ignores: ['dist/', 'coverage/', 'site/', 'spec/interop/rust-peer/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      '@typescript-eslint/no-unnecessary-boolean-literal-compare': 'error',
      '@typescript-eslint/no-shadow': 'error',
      '@typescript-eslint/prefer-readonly': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/return-await': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      // Interfaces that promise a promise are met by functions that have nothing to wait for.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['**/*.{js,ts}'],
    plugins: { 'import-x': importX },
    settings: {
      'import-x/extensions': ['.ts', '.js'],
      'import-x/external-module-folders': ['node_modules'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [
        createNodeResolver({ extensions: ['.ts', '.js'], extensionAlias: { '.js': ['.ts', '.js'] } }),
      ],
    },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-duplicates': 'error',
      'import-x/no-self-import': 'error',
    },
  },
  {
    files: ['scripts/**', '*.js', '*.ts'],
    languageOptions: { globals: { console: 'readonly', process: 'readonly', URL: 'readonly' } },
  },
  {
    files: ['src/**'],
    // A comment that turns rules off has no effect, and is itself reported.
    linterOptions: { noInlineConfig: true },
    plugins: { house: { rules: { 'may-import': mayImport, 'own-state': ownState } } },
    rules: { 'no-console': 'error', 'house/may-import': 'error', 'no-restricted-syntax': ['error', MARK] },
  },
  {
    files: ['src/**/*.ts'],
    rules: { 'house/own-state': ['error', OWNERS] },
  },
  {
    files: ['src/**'],
    ignores: NODE_FILES,
    rules: {
      'no-restricted-globals': ['error', ...NODE_GLOBALS],
      '@typescript-eslint/no-restricted-types': ['error', { types: { Buffer: 'Browsers have Uint8Array.' } }],
      'no-restricted-syntax': ['error', BY_MEMBER, META, MARK],
      'no-restricted-properties': ['error', { object: 'performance', allowProperties: ['now'] }],
    },
  },
  {
    files: ['src/core/**', 'src/wire/**'],
    // What is not of the language is an error unless it is named here.
    languageOptions: { globals: { TextEncoder: 'readonly', TextDecoder: 'readonly' } },
    rules: {
      'no-undef': 'error',
      'no-restricted-globals': ['error', ...IMPURE, ...NODE_GLOBALS],
      'no-restricted-syntax': ['error', BY_MEMBER, META, MARK, WAITING],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Chance comes from the seed in the state.' },
      ],
    },
  },
  {
    // What is asked for by the environment goes to standard error.
    files: ['src/edge/log-printer.ts'],
    rules: { 'no-console': ['error', { allow: ['error'] }] },
  },
  {
    // node:test waits for its tests by itself.
    files: ['examples/testing/node-test.*'],
    rules: { '@typescript-eslint/no-floating-promises': 'off' },
  },
  {
    // Specs say `!` where a missing value would fail the test anyway.
    files: ['spec/**'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
)
