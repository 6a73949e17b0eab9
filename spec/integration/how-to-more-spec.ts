/** More of what the how-to pages show, done as they say; and all of their programs have the types that they should. */
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { filesOf, pageOf, pathOf, print, start, startAndHear, write } from '../support/how-to.js'

/** Looks again and again, for 20 s. */
async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; !holds(); i++) {
    if (i === 1_000) throw new Error('it has not come to that')
    await pause(20)
  }
}

describe('files', () => {
  it('go as streams, with progress, are cancelled and go on, and have their name only when their hash is right', async () => {
    filesOf('files.md')
    const content = randomBytes(32 << 20)
    write('far/film', content)
    const { line: address } = await startAndHear('share.ts', ['far/film'])

    const cancelled: string[] = []
    const child = start('fetch.ts', [address, 'film'], (line) => {
      if (line === '5 %') child.kill('SIGINT')
      cancelled.push(line)
    })
    expect(await once(child, 'close')).toEqual([0, null])
    expect(cancelled.at(-1)).toBe('cancelled')
    const { size } = statSync(pathOf('film.part'))
    expect(size).toBeGreaterThan(0)
    expect(size).toBeLessThan(content.length)

    const told = (await print('fetch.ts', address, 'film')).trim().split('\n')
    expect(parseInt(told[0]!)).toBeGreaterThanOrEqual(5)
    expect(told.slice(-2)).toEqual(['100 %', 'done'])
    expect(readFileSync(pathOf('film')).equals(content)).toBe(true)

    write('far/film', content.fill(7, 1_000, 1_001))
    expect(await print('fetch.ts', address, 'film')).toContain('Error: film is not what was promised')
    expect(existsSync(pathOf('film.part'))).toBe(false)

    expect(await print('fetch.ts', address, 'passwd')).toContain('no such file')

    const { line: inbox } = await startAndHear('receive.ts')
    expect(await print('send.ts', inbox, 'far/film')).toBe('all of it is there\nand its hash is right\n')
    expect(readFileSync(pathOf('inbox-film')).equals(content)).toBe(true)
  }, 60_000)
})

describe('a shared map', () => {
  it('is one after a cut and for who comes late: on the simulated network, and in processes one of which is killed', async () => {
    filesOf('crdt.md')
    expect(await print('shared-map.test.ts')).toMatch(/pass 1\n/)

    const heard: string[][] = []
    /** Its address, and how to write. */
    const join = async (...boot: string[]) => {
      const lines: string[] = []
      heard.push(lines)
      const { child, line: address } = await startAndHear('map.ts', boot, (line) => lines.push(line))
      return { address, child, write: (text: string) => child.stdin!.write(`${text}\n`) }
    }
    const all = (n: number, line: string) => until(() => heard.slice(-n).every((lines) => lines.includes(line)))

    const first = await join()
    first.write('colour=red')
    const second = await join(first.address)
    const third = await join(first.address)
    await all(3, 'colour=red')
    second.write('shape=round')
    third.write('size=large')
    await Promise.all([all(3, 'shape=round'), all(3, 'size=large')])
    first.child.kill('SIGKILL')
    third.write('colour=blue')
    await all(2, 'colour=blue')
    await join(second.address)
    await Promise.all(['colour=blue', 'shape=round', 'size=large'].map((line) => all(3, line)))
  }, 60_000)
})

describe('schemas', () => {
  it('look at what goes out and what comes in, and two versions are served side by side', async () => {
    filesOf('schemas.md')
    const [both, old] = await Promise.all([startAndHear('server.ts'), startAndHear('server.ts', ['old'])])
    const [asBoth, asOld] = [...pageOf('schemas.md').matchAll(/^```text\n(.*?)^```$/gms)].map(([, text]) => text)
    const named = (output: string) => output.replaceAll(/12D3KooW\w+/g, '12D3KooW…')
    expect(named(await print('client.ts', both.line))).toBe(asBoth)
    expect(named(await print('client.ts', old.line))).toBe(asOld)
    expect(await print('stranger.ts', both.line)).toBe('RequestRejected BadRequest\n')
  }, 60_000)
})
