import { describe, expect, it } from '@jest/globals'
import type { Command } from '../../../src/core/events.js'
import { Authorizer, type Authorize } from '../../../src/edge/access/authorizer.js'
import { P2pError } from '../../../src/errors.js'
import { textOf } from '../../support/said.js'

function authorizing(authorize: Authorize | undefined) {
  const commands: Command[] = []
  const log: string[] = []
  const authorizer = new Authorizer(
    authorize,
    (command) => commands.push(command),
    (level, said) => log.push(`${level} ${textOf(said)}`),
  )
  const ask = (authorization = 1): void => {
    authorizer.onAuthorize({
      type: 'authorize',
      authorization,
      peer: 'bob',
      address: '/ip4/1.2.3.4/tcp/5',
      inbound: true,
    })
  }
  return { authorizer, commands, log, ask }
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))
const broken = (): never => {
  throw new Error('no database')
}

describe('authorize', () => {
  it.each([
    ['a yes', () => true, true, false],
    ['a promise of it', async () => Promise.resolve(true), true, false],
    ['a no', () => false, false, false],
    ['a throw', broken, false, true],
    ['a rejection', async () => Promise.reject(new Error('no database')), false, true],
    ['something else', () => 'yes' as never, false, true],
    ['a promise of something else', async () => Promise.resolve(1 as never), false, true],
    ['nothing', undefined, false, false],
  ] as [string, Authorize | undefined, boolean, boolean][])(
    'may answer by %s',
    async (_, authorize, admitted, failed) => {
      const { ask, commands, log } = authorizing(authorize)
      ask()
      await turn()
      expect(commands).toEqual([{ type: 'authorized', authorization: 1, admitted, failed }])
      expect(log).toEqual(failed ? ['error authorize failed for bob: it is not admitted'] : [])
    },
  )

  it('is told who it is, and when the answer is no longer wanted', async () => {
    const asked: Parameters<Authorize>[0][] = []
    let answer!: (admitted: boolean) => void
    const { ask, authorizer, commands } = authorizing((peer) => {
      asked.push(peer)
      return new Promise((resolve) => (answer = resolve))
    })
    ask()
    expect(asked[0]).toMatchObject({ peer: 'bob', address: '/ip4/1.2.3.4/tcp/5', inbound: true })
    const reason = new P2pError('RequestTimeout', 'too late')
    authorizer.onCancel(1, reason)
    expect(asked[0]!.signal.reason).toBe(reason)
    answer(true)
    await turn()
    expect(commands).toEqual([])
  })
})
