/**
 * Lint rules. Beside the usual ones: `src/core` and `src/wire` are pure, so what would let time, chance or I/O in is
 * forbidden there by name, and no import may close a cycle anywhere.
 */
import js from '@eslint/js'
import { createNodeResolver, importX } from 'eslint-plugin-import-x'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'
import { ownState } from './scripts/lint/own-state.js'

const impure = {
  group: [
    ...['libp2p', '@libp2p/*', '@chainsafe/*', '@multiformats/multiaddr', 'node:*', 'rxjs', 'rxjs/*'],
    ...['**/src/libp2p/**', '**/identity.js', '**/lane/**', '**/node/**'],
  ],
  message: 'src/core and src/wire are pure: no network, no runtime, no clock.',
}

/**
 * Folder of src → what its files may import of src, beside their own folder. The table of CONTRIBUTING.md, as a law. (The files
 * in src itself, create-node.ts and index.ts, put everything together; identity.ts knows errors alone.)
 */
const CORE_FOR_NETWORKS = ['port', 'parameters', 'pubsub', 'terms', 'peers/addresses', 'peers/race'].map(
  (file) => `core/${file}.ts`,
)
const MAY_IMPORT = {
  wire: [],
  platform: [],
  core: ['wire', 'errors.ts'],
  lane: ['core', 'platform'],
  edge: ['core', 'wire/session/format.ts', 'platform', 'errors.ts'],
  config: ['core', 'wire', 'edge', 'platform', 'errors.ts', 'recording/options.ts'],
  node: ['core', 'lane', 'edge', 'platform', 'errors.ts'],
  protocol: ['edge', 'wire/varint.ts', 'node/p2p-node.ts', 'errors.ts'],
  recording: ['core', 'wire', 'edge', 'node', 'errors.ts'],
  storage: ['core', 'edge', 'identity.ts', 'errors.ts'],
  libp2p: [...CORE_FOR_NETWORKS, 'wire', 'platform'],
  'testing/network': [...CORE_FOR_NETWORKS, 'core/id-map.ts', 'lane/action.ts', 'wire'],
  testing: ['core', 'edge', 'node', 'config', 'recording', 'platform', 'identity.ts', 'errors.ts'],
}
const zones = Object.entries(MAY_IMPORT).map(([folder, others]) => ({
  target: folder === 'testing' ? ['./src/testing/*.ts'] : [`./src/${folder}`],
  from: './src',
  except: [folder, ...others].map((path) => `./${path}`),
  message: `eslint.config.js says what src/${folder} may import.`,
}))

/** Part of the state → the files of src/core that change it. */
const OWNERS = {
  lifecycle: ['lifecycle.ts'],
  due: ['due.ts'],
  changes: ['changes.ts'],
  asks: ['asks.ts'],
  connections: ['peers/connections.ts'],
  dials: ['peers/dials.ts'],
  discovery: ['peers/discovery.ts'],
  memory: ['peers/memory.ts'],
  observed: ['peers/observed.ts'],
  twins: ['peers/twins.ts'],
  online: ['peers/online.ts'],
  streams: ['requests/streams.ts'],
  exchanges: ['requests/exchanges.ts'],
  budget: ['requests/budget.ts'],
  services: ['services/own-requests.ts', 'services/book.ts'],
  topics: ['broadcasts/topics.ts', 'broadcasts/history.ts'],
  publishing: ['broadcasts/publishing.ts'],
  recipients: ['broadcasts/recipients.ts'],
  validating: ['broadcasts/validating.ts'],
  outcomes: ['broadcasts/history.ts'],
  receipts: ['broadcasts/receipts.ts'],
  catchUps: ['broadcasts/catch-up.ts'],
  large: ['broadcasts/large.ts'],
  fetching: ['broadcasts/fetching.ts'],
  counts: ['broadcasts/counts.ts'],
}

export default defineConfig(
  { ignores: ['dist/', 'coverage/', 'spec/interop/rust-peer/'] },
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
      'import-x/no-restricted-paths': ['error', { zones }],
    },
  },
  {
    files: ['scripts/**', '*.js', '*.ts'],
    languageOptions: { globals: { console: 'readonly', process: 'readonly', URL: 'readonly' } },
  },
  {
    files: ['src/**'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['src/core/**', 'src/wire/**'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [impure] }],
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'clearTimeout', 'clearInterval'],
        ...['Date', 'performance', 'process', 'Buffer', 'console', 'crypto', 'fetch', 'globalThis'],
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Chance comes from the seed in the state.' },
      ],
    },
  },
  {
    files: ['src/core/**'],
    plugins: { house: { rules: { 'own-state': ownState } } },
    rules: { 'house/own-state': ['error', OWNERS] },
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
