import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestOf } from '../../src/recording/digest.js'
import { simulate } from '../../src/testing/simulate.js'
import { replay } from '../../src/testing/replay.js'
import { bytes } from '../support/core.js'
import { Memory } from '../support/recorded-core.js'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tinyp2p-simulated-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

/** Three nodes that ask each other, are parted and find each other again. The first is recorded. */
async function aRun(record: Memory | { to: Memory; redact: boolean } | string) {
  const net = simulate({ seed: 'recorded', latency: 20, jitter: 10, loss: 0.05 })
  const a = await net.createNode({ record, topics: ['block'], reqResp: { requestTimeout: 1_000 } })
  const [b, c] = [await net.createNode({ bootNodes: a.addresses, topics: ['block'] }), await net.createNode({ bootNodes: a.addresses })] // prettier-ignore
  for (const node of [a, b, c]) node.setEventHandler({ handleInboundRequest: (data) => data })
  await net.run(5_000)
  await net.until(Promise.all([a.request(b.peerId, bytes('ab')), c.request(a.peerId, bytes('ca').fill(7, 0, 1))]))
  await net.until(a.broadcast('block', bytes('b1')))
  net.partition([[a], [b, c]])
  const lost = a.request(b.peerId, bytes('lost')).catch((error: { code: string }) => error.code)
  expect(await net.until(lost)).toMatch(/RequestTimeout|ConnectionLost/)
  net.heal()
  await net.run(60_000)
  return { net, a, b, c }
}

describe('a simulated node', () => {
  it.each([false, true])('is recorded as any other (redacted: %p)', async (redact) => {
    const memory = new Memory()
    const { net, a } = await aRun({ to: memory, redact })
    const status = await net.until(a.status())
    await net.until(a.stop())
    const again = await replay(memory.bytes)
    expect(again).toMatchObject({ complete: true, header: { seed: 'recorded', peerId: a.peerId, redacted: redact } })
    expect(again.status).toEqual(status)
    expect(status.connections.length).toBe(2)
    expect(digestOf(again.state)).toBe(digestOf(net.states().get(1)!))
  })

  it('is recorded as it was with texts that no bytes can say: they do not come in', async () => {
    const half = 'half \ud83d'
    const memory = new Memory()
    const net = simulate()
    const a = await net.createNode({ record: memory, topics: ['block'] })
    const b = await net.createNode({ bootNodes: a.addresses })
    a.requests$.subscribe((request) => request.reject({ message: half }))
    await net.run(5_000)
    await expect(net.until(b.request(a.peerId, bytes('?')))).rejects.toThrow('half \ufffd')
    const calls = [
      a.broadcast(half, bytes('b')),
      a.joined(half),
      a.explain(half),
      a.deny('192.0.2.1', { reason: half }),
    ]
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'InvalidConfig' })
    for (const call of [() => a.broadcasts$(half), () => a.subscribers$(half), () => a.validate(half, () => 'accept')])
      expect(call).toThrow('a topic must be of whole characters')
    await expect(net.createNode({ topics: half })).rejects.toThrow('topics: a topic must be')
    await expect(net.createNode({ pubsub: { validators: { [half]: () => 'accept' } } })).rejects.toThrow(
      'must be of whole',
    )
    await net.until(a.stop())
    expect(await replay(memory.bytes)).toMatchObject({ complete: true })
  })

  it('does the same whether it is recorded or not', async () => {
    const [plain, recorded] = [simulate({ seed: 5 }), simulate({ seed: 5 })]
    for (const net of [plain, recorded]) {
      const a = await net.createNode(net === recorded ? { record: join(folder, 'a') } : {})
      await net.createNode({ bootNodes: a.addresses })
      await net.run(10_000)
      await net.until(a.stop())
    }
    expect(recorded.log).toEqual(plain.log)
    expect((await replay(join(folder, 'a'))).complete).toBe(true)
  })

  it('leaves the same bytes for the same seed', async () => {
    const [one, other] = [new Memory(), new Memory()]
    for (const memory of [one, other]) {
      const { net, a } = await aRun(memory)
      await net.until(a.stop())
    }
    expect(Buffer.compare(one.bytes, other.bytes)).toBe(0)
  })

  it('that crashed has a recording without an end; each of its lives has a file of its own', async () => {
    const path = join(folder, 'a.t2pr')
    const { net, a } = await aRun(path)
    const { connections, knownPeers } = await net.until(a.status())
    await net.crash(a)
    await expect(replay(path)).rejects.toMatchObject({
      code: 'CutShort',
      message: expect.stringMatching(/not stopped in good order/),
    })
    const first = await replay(path, { partial: true })
    expect(first).toMatchObject({ complete: false, status: { connections, knownPeers } })

    const again = await net.restart(a)
    await net.run(1_000)
    await net.until(again.stop())
    expect((await replay(`${path}.2`)).complete).toBe(true)
  })

  it('is not created when its recording cannot be written', async () => {
    const net = simulate()
    const path = join(folder, 'a')
    await writeFile(path, 'here already')
    await expect(net.createNode({ record: path })).rejects.toMatchObject({ code: 'InvalidConfig' })
    await expect(net.createNode({ record: join(folder, 'no', 'a') })).rejects.toMatchObject({ code: 'InvalidConfig' })
  })
})
