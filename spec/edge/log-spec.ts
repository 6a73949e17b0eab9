import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { createLogger, type LogEntry } from '../../src/edge/log.js'
import { line } from '../../src/core/terms.js'

const level = process.env['TINYP2P_LOG']

afterEach(() => {
  jest.restoreAllMocks()
  if (level === undefined) delete process.env['TINYP2P_LOG']
  else process.env['TINYP2P_LOG'] = level
})

/** What is printed at this level of the environment. */
function printed(wanted: string | undefined): unknown[][] {
  if (wanted === undefined) delete process.env['TINYP2P_LOG']
  else process.env['TINYP2P_LOG'] = wanted
  const spy = jest.spyOn(console, 'error').mockImplementation(() => undefined)
  const log = createLogger(undefined)
  for (const one of ['error', 'warn', 'info', 'debug'] as const) log(one, 'a line')
  log('error', 'with a cause', 'why')
  const { calls } = spy.mock
  spy.mockRestore()
  return calls
}

describe('a log line', () => {
  it('goes to the logger of the config, with its cause if there is one', () => {
    const entries: LogEntry[] = []
    const log = createLogger((entry) => entries.push(entry))
    log('warn', 'careful')
    log('error', 'broken', 'why')
    expect(entries).toEqual([
      { level: 'warn', message: 'careful' },
      { level: 'error', message: 'broken', cause: 'why' },
    ])
  })

  it('is on one line, and without what a terminal would take for more than text', () => {
    const entries: LogEntry[] = []
    createLogger((entry) => entries.push(entry))('info', line`topic ${'\x1b[2J\nerror \u202e'} ends`)
    expect(entries).toEqual([{ level: 'info', message: 'topic \ufffd[2J\ufffderror \ufffd ends' }])
  })

  it('has 1,000 characters at most', () => {
    const entries: LogEntry[] = []
    createLogger((entry) => entries.push(entry))('info', 'x'.repeat(100_000))
    expect(entries[0]!.message.length).toBe(1_000)
  })

  it('is one of a hundred of its kind in a minute, whatever is put into it; the next one counts the others', () => {
    const entries: LogEntry[] = []
    let now = 0
    const log = createLogger(
      (entry) => entries.push(entry),
      () => now,
    )
    for (let i = 0; i < 100_000; i++) log('warn', line`${`peer ${i}`} is too fast`)
    log('error', 'something else')
    expect(entries.slice(99).map(({ message }) => message)).toEqual(['peer 99 is too fast', 'something else'])
    now = 59_000
    log('warn', line`${'bob'} is too fast`)
    expect(entries).toHaveLength(101)
    now = 70_000
    log('info', 'later')
    log('warn', line`${'bob'} is too fast`)
    expect(entries.slice(101)).toEqual([
      { level: 'info', message: '99901 lines were not told: warn … is too fast' },
      { level: 'info', message: 'later' },
      { level: 'warn', message: 'bob is too fast' },
    ])
  })

  it('does no harm when the logger throws', () => {
    const log = createLogger(() => {
      throw new Error('no')
    })
    expect(() => log('info', 'a line')).not.toThrow()
  })

  it('is printed without a logger only where the environment names its level, or a less important one', () => {
    expect(printed(undefined)).toEqual([])
    expect(printed('loud')).toEqual([])
    expect(printed('warn')).toEqual([
      ['tinyp2p error a line'],
      ['tinyp2p warn a line'],
      ['tinyp2p error with a cause', 'why'],
    ])
    expect(printed('debug').length).toBe(5)
  })

  it('is printed with the stack of its cause, of which each line is made printable', () => {
    process.env['TINYP2P_LOG'] = 'warn'
    const spy = jest.spyOn(console, 'error').mockImplementation(() => undefined)
    createLogger(undefined)('error', 'broken', new Error('\x1b[2J'))
    const text = String(spy.mock.calls[0]![1])
    expect(text).toMatch(/^Error: \ufffd\[2J\n +at /)
    expect(text).not.toContain('\x1b')
  })
})
