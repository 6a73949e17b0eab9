/** What the how-to pages show, done as they say. */
import type { ChildProcess } from 'node:child_process'
import { describe, expect, it } from '@jest/globals'
import { filesOf, start } from '../support/how-to.js'

describe('a job queue', () => {
  it('loses no job when workers are killed at any moment, in forty lines', async () => {
    expect(filesOf('job-queue.md')).toBeLessThanOrEqual(40)
    let killing: NodeJS.Timeout | undefined
    let killed = 0
    await new Promise<void>((resolve) => {
      const workers: ChildProcess[] = []
      start('dispatcher.ts', [], (line) => {
        if (line === 'done') return resolve()
        const hire = (): void => void workers.push(start('worker.ts', [line]))
        for (let i = 0; i < 3; i++) hire()
        killing = setInterval(() => {
          workers.shift()!.kill('SIGKILL')
          killed++
          hire()
        }, 3_000)
      })
    })
    clearInterval(killing)
    expect(killed).toBeGreaterThan(0)
  }, 60_000)
})
