/** The command lines of `npm run`: what they say of themselves, and of what cannot be asked for. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from '@jest/globals'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Each ends at once, and starts nothing. */
function run(script: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const command = ['--import', 'tsx', script, ...args]
    execFile(process.execPath, command, { cwd: root, timeout: 20_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err })
    })
  })
}

it.each([
  ['test', 'scripts/test.ts'],
  ['simulate', 'scripts/simulate.ts'],
  ['upstream', 'scripts/upstream.ts'],
  ['hostile', 'scripts/hostile.ts'],
  ['fuzz', 'scripts/fuzz.ts'],
  ['bench', 'bench/main.ts'],
])('npm run %s explains itself, and refuses in one line what it does not know', async (name, script) => {
  const [help, unknown] = await Promise.all([run(script, '--help'), run(script, '--nonsense')])
  expect(help).toMatchObject({ code: 0, err: '' })
  expect(help.out).toContain('--help')
  expect(unknown).toMatchObject({ code: 2, out: '' })
  expect(unknown.err).toMatch(/^unknown option '?--nonsense'? .*\n$/)
  expect(unknown.err).toContain(`npm run ${name} -- --help`)
})

it.each([
  ['scripts/test.ts', ['everything'], 'name at least one part of lint, format, types, unit'],
  ['scripts/test.ts', [], 'name at least one part'],
  ['scripts/test.ts', ['toString'], 'name at least one part'],
  ['scripts/test.ts', ['--', 'unit'], 'name at least one part'],
  ['scripts/clean.js', ['--x'], 'scripts/clean.js empties dist, and takes no options'],
  ['scripts/test.ts', ['unit', '--', 'zzznomatch'], 'no spec of unit has zzznomatch in its path'],
  ['scripts/test.ts', ['unit', '--', 'lane', 'scripts-spec'], 'no spec of unit has scripts-spec in its path'],
  ['scripts/test.ts', ['unit', '('], '( is no regular expression'],
  ['scripts/test.ts', ['unit', '--', 'lane', '-t'], '-t needs a value'],
  ['scripts/test.ts', ['unit', '--shard=9/2'], '--shard=9/2 is no part of a whole'],
  ['scripts/simulate.ts', ['--story', 'toString'], 'there is no story toString'],
  ['scripts/simulate.ts', ['--mutant', '', '--seed', '1'], '--mutant needs a part of a name'],
  ['scripts/simulate.ts', ['--seed', '1', '--seeds', '3'], '--seed runs one seed'],
  ['scripts/simulate.ts', ['--workers', '99999999'], '--workers is at most 256'],
  ['scripts/upstream.ts', ['toString@1.0.0'], 'toString is none of libp2p,'],
  ['scripts/upstream.ts', ['@libp2p/yamux@notaversion'], 'notaversion is no version'],
  ['scripts/simulate.ts', ['--seed', 'x'], 'x is not a whole number above 0'],
  ['scripts/upstream.ts', ['rxjs@7.0.0'], 'rxjs is none of libp2p,'],
  ['scripts/upstream.ts', ['libp2p'], 'libp2p needs a version: libp2p@1.2.3'],
  ['scripts/upstream.ts', ['--guards', 'libp2p@3.0.0'], '--guards tries no other versions'],
  ['scripts/hostile.ts', ['--only', 'nobody'], 'there is no attack nobody; --list names them'],
  ['scripts/hostile.ts', ['--only', ''], 'there is no attack without a name'],
  ['scripts/hostile.ts', ['--seconds', '0'], '--seconds must be a whole number from 1 to 600, not 0'],
  ['scripts/hostile.ts', ['--settle', 'x'], '--settle must be a whole number from 0 to 600, not x'],
  ['scripts/hostile.ts', ['--only', 'nothing', '--json', 'not-there/x.json'], '--json not-there/x.json: ENOENT'],
  ['scripts/fuzz.ts', ['--only', 'nobody'], 'there is no reader nobody; --list names them'],
  ['scripts/fuzz.ts', ['--inputs', '0'], '--inputs must be a whole number from 1 to 1e9, not 0'],
  ['scripts/fuzz.ts', ['--input', 'abc'], '--input must be hexadecimal digits, two for each byte'],
  ['scripts/fuzz.ts', ['--input', 'ab'], '--input is for one reader: name it by --only'],
  ['bench/main.ts', ['--against', '../not-there'], '--against ../not-there: there is no such folder'],
  ['bench/main.ts', ['--against', 'docs'], '--against docs is no checkout of tinyp2p'],
  ['bench/main.ts', ['--contestants', 'nobody'], 'there is no contestant nobody; there are session,'],
])('%s %j is refused with what is wrong', async (script, args, message) => {
  const { code, out, err } = await run(script, ...args)
  expect({ code, out, lines: err.split('\n').length }).toEqual({ code: 2, out: '', lines: 2 })
  expect(err.startsWith(message)).toBe(true)
})

it('npm run test takes a name behind the parts for that of a spec, also when a part or a member is called so', async () => {
  const { code, out, err } = await run('scripts/test.ts', 'unit', '--', 'types', '-t', 'no test is called so')
  expect({ code, end: out.trim().split('\n').at(-1) }).toEqual({
    code: 0,
    end: expect.stringMatching(/^0 passed, 0 failed, \d+ skipped$/),
  })
  expect(out).not.toContain('— types')
  expect(err).toContain('matching types ')
})
