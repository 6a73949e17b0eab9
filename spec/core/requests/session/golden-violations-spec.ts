/** The violations that are written down beside the golden bytes: each resets the session, and the connection stays. */
import { describe, expect, it } from '@jest/globals'
import { readFileSync } from 'node:fs'
import type { Event } from '../../../../src/core/events.js'
import { bytes } from '../../../support/core.js'
import { AnsweringCore, AskingCore } from '../../../support/session-cores.js'
import { SESSION } from '../../../support/session.js'

interface Violation {
  name: string
  /** Who commits it. */
  direction: 'asker' | 'answerer'
  hex: string
}

const violations = JSON.parse(
  readFileSync(new URL('../../../wire/fixtures/session-violations.json', import.meta.url), 'utf8'),
) as Violation[]

/** What the asker of the fixture gave; ours gives another amount, and its own specs look at that. */
const isOfAnotherCredit = ({ name }: Violation): boolean => name.includes('the credit of 64')

/** Bytes of the peer, from the first of the session on. */
function chunk(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(/[^0-9a-f]/g, ''), 'hex'))
}

const named = (direction: Violation['direction']): [string, Violation][] =>
  violations.filter((one) => one.direction === direction && !isOfAnotherCredit(one)).map((one) => [one.name, one])

describe('a violation', () => {
  it.each(named('asker'))('by an asker: %s', (_name, { hex }) => {
    const core = new AnsweringCore()
    core.connect('bob')
    core.in({ type: 'streamInbound', stream: 2, connection: 1, protocol: SESSION })
    const effects = core.run({ type: 'data', stream: 2, chunks: [chunk(hex)] })
    expect(effects.filter(({ type }) => type === 'reset')).toMatchObject([{ stream: 2 }])
    expect([core.state.streams.sessions.size, core.state.exchanges.open.size, core.state.connections.all.size]).toEqual(
      [0, 0, 1],
    )
  })

  it.each(named('answerer'))('by an answerer, while request 1 is open: %s', (_name, { hex }) => {
    const core = new AskingCore()
    core.connect('bob')
    const opened: Event = { type: 'streamOpened', stream: 1, protocol: SESSION }
    core.run(core.asking(1, bytes('?'), { mode: 'pull' }), opened)
    const effects = core.run({ type: 'data', stream: 1, chunks: [chunk(hex)] })
    expect(effects.filter(({ type }) => type === 'reset')).toMatchObject([{ stream: 1 }])
    expect([core.state.streams.sessions.size, core.state.asks.open.size, core.state.connections.all.size]).toEqual([
      0, 0, 1,
    ])
  })
})
