import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { createLogger, type LogEntry } from '../../src/edge/log.js'

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
})
