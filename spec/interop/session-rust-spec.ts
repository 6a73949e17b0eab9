/** The Rust peer's sessions among themselves, in two processes: what the other specs of sessions lean on. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { killProcesses } from '../support/line-process.js'
import { bytes, MiB, text } from '../support/nodes.js'
import { RustPeer } from '../support/rust-peer.js'
import { equal, failure, numbered, payload } from './session-nodes.js'

afterEach(killProcesses)

/** Both speak sessions, and the first has dialled the second. */
async function startTwo(...flags: string[]): Promise<[RustPeer, RustPeer]> {
  const [asker, answerer] = await Promise.all([RustPeer.start('--session'), RustPeer.start('--session', ...flags)])
  await asker.dial(answerer.address)
  return [asker, answerer]
}

describe('two Rust peers over a session', () => {
  it('carry payloads of every size', async () => {
    const [asker, { peerId }] = await startTwo('--session-grant', '5000')
    for (const size of [0, 1, 16_384, 16_385, 65_537, MiB]) {
      expect(equal(await asker.sessionRequest(peerId, payload(size)), payload(size))).toBe(true)
    }
    expect(await asker.sessionsOpened('asker')).toBe(1)
  })

  it('carry five hundred requests at once', async () => {
    const [asker, { peerId }] = await startTwo()
    expect(await asker.sessionAskMany(peerId, 500, 2_000)).toEqual({ succeeded: 500, failed: 0, errors: {} })
  })

  it('keep to credit, and cancel', async () => {
    const [asker, answerer] = await startTwo('--answer', 'endless:100')
    const call = asker.sessionAsk(answerer.peerId, bytes('go'), { credit: 5 * 132 })
    expect(await answerer.waitFor('sessionStarved')).toMatchObject({ values: 5 })
    await asker.giveCredit(call, 2 * 132)
    expect((await asker.sessionValues(call, 7))[6]).toEqual(numbered(6, 100))
    await asker.cancelSession(call)
    expect(await call.ended).toMatchObject({ end: 'fail', code: 'Cancelled', values: 7 })
    expect(await answerer.waitFor('sessionCancelled')).toMatchObject({ values: 7 })
  })

  it('see what the other does wrong, and go on with a new session', async () => {
    const [asker, answerer] = await startTwo('--answer', 'attack:end-inside')
    expect((await failure(asker.sessionRequest(answerer.peerId, bytes('?')))).message).toContain('lost: violation')
    await answerer.setAnswer('echo')
    await asker.sessionAttack(answerer.peerId, 'id-reused')
    expect((await answerer.sessionEnded('answerer', 2)).why).toContain('violation')
    await asker.sessionEnded('asker', 2)
    expect(text(await asker.sessionRequest(answerer.peerId, bytes('again')))).toBe('again')
  })

  it('have one session at a time in each direction, and eight in all', async () => {
    const [asker, { peerId }] = await startTwo()
    expect(text(await asker.sessionRequest(peerId, bytes('first')))).toBe('first')
    await asker.command('sessionOpen', { peer: peerId })
    await asker.sessionEnded('asker')
    expect(text(await asker.sessionRequest(peerId, bytes('still there')))).toBe('still there')
    await asker.command('sessionLoop', { peer: peerId, count: 20 })
    await asker.waitFor('disconnected')
  })

  it('say so when one of them does not speak it', async () => {
    const [asker, plain] = await Promise.all([RustPeer.start('--session'), RustPeer.start()])
    await asker.dial(plain.address)
    const { message } = await failure(asker.sessionRequest(plain.peerId, bytes('?')))
    expect(message).toContain('lost')
    expect((await failure(plain.setAnswer('none'))).message).toContain('--session')
  })
})
