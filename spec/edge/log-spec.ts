import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { createLogger, type LogEntry, type LogOptions } from '../../src/edge/log.js'
import { line } from '../../src/core/terms.js'

const PEER = '12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc'
const level = process.env['TINYP2P_LOG']

afterEach(() => {
  jest.restoreAllMocks()
  if (level === undefined) delete process.env['TINYP2P_LOG']
  else process.env['TINYP2P_LOG'] = level
})

/** What is printed at this level of the environment. */
function printed(wanted: string | undefined, write: (log: ReturnType<typeof createLogger>) => void): string[] {
  if (wanted === undefined) delete process.env['TINYP2P_LOG']
  else process.env['TINYP2P_LOG'] = wanted
  const spy = jest.spyOn(console, 'error').mockImplementation(() => undefined)
  write(createLogger(undefined, { now: () => 1_500 }))
  const { calls } = spy.mock
  spy.mockRestore()
  return calls.map((texts) => texts.join(' '))
}

/** Of every level. */
function all(log: ReturnType<typeof createLogger>): void {
  for (const one of ['error', 'warn', 'info', 'debug'] as const) log(one, 'a line')
}

/** What a logger gets. */
function logged(options: LogOptions, write: (log: ReturnType<typeof createLogger>) => void): LogEntry[] {
  const entries: LogEntry[] = []
  write(createLogger((entry) => entries.push(entry), { now: () => 5, ...options }))
  return entries
}

describe('a log line', () => {
  it('goes to the logger of the config, with its cause if there is one', () => {
    const entries = logged({}, (log) => {
      log('debug', 'careful')
      log('error', 'broken', 'why')
    })
    expect(entries).toEqual([
      { time: 5, level: 'debug', message: 'careful' },
      { time: 5, level: 'error', message: 'broken', cause: 'why' },
    ])
  })

  it('says which node wrote it, once that is known, and which peer it is about', () => {
    let node: string | undefined
    const entries = logged({ node: () => node, name: 'bob' }, (log) => {
      log('info', 'a line')
      node = 'id'
      log('info', line`${7} bytes of ${PEER} are lost`)
    })
    expect(entries).toEqual([
      { time: 5, level: 'info', name: 'bob', message: 'a line' },
      { time: 5, level: 'info', node: 'id', name: 'bob', peer: PEER, message: `7 bytes of ${PEER} are lost` },
    ])
  })

  it('is on one line, and without what a terminal would take for more than text', () => {
    const [entry] = logged({}, (log) => log('info', line`topic ${'\x1b[2J\nerror \u202e'} ends`))
    expect(entry!.message).toBe('topic \ufffd[2J\ufffderror \ufffd ends')
  })

  it('has 1,000 characters at most', () => {
    const [entry] = logged({}, (log) => log('info', 'x'.repeat(100_000)))
    expect(entry!.message.length).toBe(1_000)
  })

  it('is one of a hundred of its kind in a minute, whatever is put into it; the next one counts the others', () => {
    let now = 0
    const entries: LogEntry[] = []
    const log = createLogger((entry) => entries.push(entry), { now: () => now })
    const told = (from: number): unknown[] => entries.slice(from).map((entry) => `${entry.level} ${entry.message}`)
    for (let i = 0; i < 100_000; i++) log('warn', line`${`peer ${i}`} is too fast`)
    log('error', 'something else')
    expect(told(99)).toEqual(['warn peer 99 is too fast', 'error something else'])
    now = 59_000
    log('warn', line`${'bob'} is too fast`)
    expect(entries).toHaveLength(101)
    now = 70_000
    log('info', 'later')
    log('warn', line`${'bob'} is too fast`)
    expect(told(101)).toEqual([
      'info 99901 lines were not told: warn … is too fast',
      'info later',
      'warn bob is too fast',
    ])
  })

  it('does no harm when the logger throws', () => {
    const log = createLogger(() => {
      throw new Error('no')
    })
    expect(() => log('info', 'a line')).not.toThrow()
  })
})

describe('without a logger a log line', () => {
  it('goes to standard error when it is a warning or an error, or the environment names its level', () => {
    expect(printed(undefined, all)).toEqual(['1.500s tinyp2p error: a line', '1.500s tinyp2p warn: a line'])
    expect(printed('', all)).toHaveLength(2)
    expect(printed('error', all)).toHaveLength(1)
    expect(printed('debug', all)).toHaveLength(4)
    expect(printed('off', all)).toEqual([])
  })

  it('is printed as by default when the environment names no level, and the first line says so', () => {
    const [first, ...others] = printed('verbose', all)
    expect(first).toContain('TINYP2P_LOG=verbose is no level: there are off, error, warn, info, debug; warn is used')
    expect(others).toHaveLength(2)
  })

  it('has the time, and the node and the peer in short; an address stays whole', () => {
    const spy = jest.spyOn(console, 'error').mockImplementation(() => undefined)
    process.env['TINYP2P_LOG'] = 'warn'
    const options = { node: () => PEER, now: () => Date.UTC(2026, 10, 30) }
    createLogger(undefined, options)('warn', line`${PEER} at /ip4/10.0.0.1/tcp/1/p2p/${PEER} is down`)
    createLogger(undefined, { ...options, name: 'bob' })('warn', 'a line')
    expect(spy.mock.calls).toEqual([
      [`2026-11-30T00:00:00.000Z tinyp2p[…qkBLJc] warn: …qkBLJc at /ip4/10.0.0.1/tcp/1/p2p/${PEER} is down`],
      ['2026-11-30T00:00:00.000Z tinyp2p[bob] warn: a line'],
    ])
  })

  it('is printed with the stacks of its causes, of which each line is made printable', () => {
    const cause = new Error('\x1b[2J', { cause: new TypeError('below') })
    const [text] = printed('warn', (log) => log('error', 'broken', cause))
    expect(text).toMatch(/error: broken\n {2}Error: \ufffd\[2J\n +at .*log-spec/)
    expect(text).toMatch(/\n {2}caused by: TypeError: below\n +at /)
    expect(text).not.toContain('\x1b')
  })

  it('is printed whatever its cause is', () => {
    const broken = Object.defineProperty({}, 'stack', {
      get() {
        throw new Error('no')
      },
    })
    const [text] = printed('warn', (log) => log('error', 'broken', broken))
    expect(text).toContain('an error that cannot be read')
    expect(printed('warn', (log) => log('error', 'broken', 'why'))).toEqual(['1.500s tinyp2p error: broken\n  why'])
  })
})
