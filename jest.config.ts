/**
 * How the specs run: as ES modules, through ts-jest without type checks (`npm run typecheck` does those, once).
 * The loader below reads this file on every Node version that we support.
 *
 * @jest-config-loader esbuild-register
 */
import type { Config } from 'jest'

const shared = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^tinyp2p$': '<rootDir>/src/index.ts',
    '^tinyp2p/testing$': '<rootDir>/src/testing/index.ts',
    // Our sources import './x.js', which is './x.ts' until it is built.
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: { '^.+\\.ts$': ['ts-jest', { useESM: true, diagnostics: false }] },
} satisfies NonNullable<Config['projects']>[number]

const config: Config = {
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['<rootDir>/{spec,examples}/**/*-spec.ts'],
      testPathIgnorePatterns: [
        '/node_modules/',
        '<rootDir>/spec/(hostile|integration|interop|package|simulation|users|world)/',
      ],
    },
    { ...shared, displayName: 'integration', testMatch: ['<rootDir>/spec/integration/**/*-spec.ts'] },
    { ...shared, displayName: 'simulation', testMatch: ['<rootDir>/spec/simulation/**/*-spec.ts'] },
    { ...shared, displayName: 'world', testMatch: ['<rootDir>/spec/world/**/*-spec.ts'] },
    { ...shared, displayName: 'hostile', testMatch: ['<rootDir>/spec/hostile/**/*-spec.ts'] },
    { ...shared, displayName: 'users', testMatch: ['<rootDir>/spec/users/**/*-spec.ts'] },
    { ...shared, displayName: 'package', testMatch: ['<rootDir>/spec/package/**/*-spec.ts'] },
    { ...shared, displayName: 'interop', testMatch: ['<rootDir>/spec/interop/**/*-spec.ts'] },
  ],
}

export default config
