/** What is read of the packages that are installed beside ours, and what is not taken for them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { PINNED } from '../../src/libp2p/patches/supported.js'
import { installedVersions } from '../../src/platform/packages.js'

let app: string

beforeEach(() => {
  app = mkdtempSync(join(tmpdir(), 'tinyp2p-packages-'))
})
afterEach(() => rmSync(app, { recursive: true }))

/** Writes a manifest below the folder of an app. */
function write(folder: string, manifest: object): void {
  mkdirSync(join(app, folder), { recursive: true })
  writeFileSync(join(app, folder, 'package.json'), JSON.stringify(manifest))
}

/** What a file of the app finds. */
function found(file: string, ...names: string[]): [string, string][] {
  return [...installedVersions('ours', names, pathToFileURL(join(app, file)).href)]
}

it('all of the packages that we pin are found in this checkout', () => {
  expect(Object.fromEntries(installedVersions('tinyp2p', Object.keys(PINNED)))).toEqual(PINNED)
})

it('a package is found beside ours, or nearer, or under an alias', () => {
  const dependencies = { far: '1.0.0', near: '1.0.0', '@old/name': 'npm:@new/name@1.0.0' }
  write('node_modules/ours', { name: 'ours', dependencies })
  write('node_modules/far', { version: '1.0.1' })
  write('node_modules/near', { version: '1.0.2' })
  write('node_modules/ours/node_modules/near', { version: '1.0.3' })
  write('node_modules/@old/name', { name: '@new/name', version: '1.0.4' })
  expect(found('node_modules/ours/dist/platform/packages.js', 'far', 'near', '@new/name', 'none')).toEqual([
    ['far', '1.0.1'],
    ['near', '1.0.3'],
    ['@new/name', '1.0.4'],
  ])
})

it('a bundle is no package of ours, so what lies beside it says nothing', () => {
  write('', { name: 'app' })
  write('node_modules/far', { version: '1.0.1' })
  expect(found('dist/bundle.js', 'far')).toEqual([])
})

it('where there are no files, nothing is found', () => {
  expect(installedVersions('ours', ['far'], 'https://example.org/bundle.js').size).toBe(0)
  expect(found('nothing/here.js', 'far')).toEqual([])
})
