/** What is checked in and made by a command: the public API, and the licences of what comes with the package. */
import { describe, expect, it } from '@jest/globals'
import { isPermissive } from '../../scripts/package/permissive.js'
import { complaint, tool } from './run.js'

describe('is up to date:', () => {
  it('docs/api, by `npm run report`: a change of the public API is seen in review', async () => {
    expect(await complaint(tool('tsx'), 'scripts/report.ts', '--check')).toBe('')
  })

  it('docs/licenses.md, by `npm run licenses`, and every licence is permissive', async () => {
    expect(await complaint(tool('tsx'), 'scripts/licenses.ts', '--check')).toBe('')
  })
})

describe('a licence', () => {
  it.each([
    'MIT',
    'Apache-2.0 OR MIT',
    '(MIT OR GPL-3.0-only)',
    'MIT AND ISC',
    '(GPL-2.0-only OR MIT) AND ISC',
    '0BSD',
  ])('is permissive: %s', (license) => {
    expect(isPermissive(license)).toBe(true)
  })

  it.each(['GPL-3.0-only', 'MIT AND LGPL-2.1-only', 'none', 'UNLICENSED', 'SEE LICENSE IN EULA', 'BUSL-1.1', ''])(
    'is not permissive: %s',
    (license) => {
      expect(isPermissive(license)).toBe(false)
    },
  )
})
