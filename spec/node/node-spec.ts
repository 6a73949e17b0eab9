/** The public node over a port that does what the spec says: its start, its end, and what reaches users. */
import { describe, expect, it } from '@jest/globals'
import { firstValueFrom, isObservable } from 'rxjs'
import type { Emit, PortEffect } from '../../src/core/port.js'
import { P2pError } from '../../src/errors.js'
import { LaneScheduler } from '../../src/lane/scheduler.js'
import { build, type BuildOptions, type Built } from '../../src/node/node.js'
import { settingsWith } from '../support/core.js'
import { failure, thrown, turn } from '../support/promises.js'
import { textOf } from '../support/said.js'

interface Fixture extends Built {
  emit: Emit
  effects: PortEffect[]
}

const PEER = '12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc'

/** What a call gives in the end, whether it throws, returns a promise, or an observable. */
async function outcomeOf(call: () => unknown): Promise<unknown> {
  const result = call()
  return isObservable(result) ? firstValueFrom(result) : result
}

/** A node that begins to start. */
function starting(more: Partial<BuildOptions> = {}): Fixture {
  const effects: PortEffect[] = []
  let emit: Emit = () => {}
  const built = build({
    peerId: 'self',
    settings: settingsWith(),
    scheduler: new LaneScheduler(),
    createPort(report) {
      emit = report
      return { run: (effect) => void effects.push(effect) }
    },
    log() {},
    ...more,
  })
  return { ...built, emit: (event) => emit(event), effects }
}

async function running(more: Partial<BuildOptions> = {}): Promise<Fixture> {
  const fixture = starting(more)
  fixture.emit({ type: 'listening', addresses: ['/ip4/10.0.0.1/tcp/1'] })
  await fixture.ready
  return fixture
}

/** Stops a node whose network closes at once. */
async function stop({ node, emit }: Fixture): Promise<void> {
  const stopped = node.stop()
  await turn()
  emit({ type: 'stopped' })
  await stopped
}

describe('the start of a node', () => {
  it('is over when its network listens', async () => {
    const fixture = await running()
    expect(fixture.effects[0]).toEqual({ type: 'listen', addresses: ['/ip4/0.0.0.0/tcp/0'] })
    expect(fixture.node.addresses).toEqual(['/ip4/10.0.0.1/tcp/1/p2p/self'])
    await stop(fixture)
  })

  it('fails when its network cannot listen', async () => {
    const { emit, ready } = starting()
    emit({ type: 'listenFailed', failure: { message: 'in use' } })
    await expect(ready).rejects.toMatchObject({ code: 'ListenError', message: 'in use' })
  })
})

describe('a node', () => {
  it('answers its callers from the state, with a copy', async () => {
    const fixture = await running()
    fixture.emit({ type: 'tableChanged', peer: 'bob', addresses: ['/ip4/10.0.0.2/tcp/1'] })
    const known = await fixture.node.knownPeers()
    expect(known).toEqual({ bob: ['/ip4/10.0.0.2/tcp/1/p2p/bob'] })
    known['bob']!.pop()
    expect((await fixture.node.status()).knownPeers).toEqual({ bob: ['/ip4/10.0.0.2/tcp/1/p2p/bob'] })
    await stop(fixture)
  })

  it('has one handler', async () => {
    const fixture = await running()
    const { node } = fixture
    expect(() => node.setEventHandler(1 as never)).toThrow(
      'a handler is an object with handleInboundRequest, handleBroadcast or both, not 1',
    )
    node.setEventHandler({ handleInboundRequest: async (data) => data })
    const again = (): void => node.setEventHandler({ handleInboundRequest: async (data) => data })
    expect(thrown(again).code).toBe('HandlerAlreadySet')
    await stop(fixture)
  })

  it('refuses a misspelt option of any call, and names the option that is meant', async () => {
    const fixture = await running()
    const node = fixture.node as unknown as Record<string, (...values: unknown[]) => unknown>
    const [peer, data] = [PEER, new Uint8Array()]
    const calls: [string, unknown[], string][] = [
      ['request', [peer, data, { timout: 5 }], 'request has no option "timout" (did you mean timeout?)'],
      ['request$', [peer, data, { onOverFlow: 'error' }], 'request$ has no option "onOverFlow" (did you mean onOverflow?)'],
      ['requestAny', [[peer], data, { hedgeafter: 5 }], 'requestAny has no option "hedgeafter" (did you mean hedgeAfter?)'],
      ['requestAll', [[peer], data, { concurency: 5 }], 'requestAll has no option "concurency" (did you mean concurrency?)'],
      ['broadcast', ['block', data, { waitForPeer: {} }], 'broadcast has no option "waitForPeer" (did you mean waitForPeers?)'],
      ['broadcasts$', ['block', { bufer: 5 }], 'broadcasts$ has no option "bufer" (did you mean buffer?)'],
      ['joined', ['block', { timeOut: 5 }], 'joined has no option "timeOut" (did you mean timeout?)'],
      ['online', [{ peer: 5 }], 'online has no option "peer" (did you mean peers?)'],
      ['dial', [peer, { timeout: 5 }], 'dial has no option "timeout"; there are none'],
      ['explain', [{ topics: 'block' }], 'explain has no option "topics" (did you mean topic?)'],
      ['stop', [{ drian: 5 }], 'stop has no option "drian"'],
    ] // prettier-ignore
    for (const [name, values, message] of calls) {
      const error: unknown = await outcomeOf(() => node[name]!(...values)).catch((caught: unknown) => caught)
      expect(error).toMatchObject({ code: 'InvalidConfig', message: expect.stringContaining(message) as unknown })
    }
    await turn()
    expect(fixture.effects.map(({ type }) => type)).toEqual(['listen'])
    await stop(fixture)
  })

  it('says when something reaches users, and counts changes only if they are looked at', async () => {
    let calls = 0
    const fixture = await running({ onEdge: () => calls++ })
    await turn()
    calls = 0
    fixture.emit({ type: 'tableChanged', peer: 'bob', addresses: ['/ip4/10.0.0.2/tcp/1'] })
    await turn()
    expect(calls).toBe(0)
    const seen: number[] = []
    fixture.node.status$.subscribe(({ knownPeersCount }) => seen.push(knownPeersCount))
    fixture.emit({ type: 'tableChanged', peer: 'bob', addresses: undefined })
    await turn()
    expect([calls, seen]).toEqual([1, [1, 0]])
    await stop(fixture)
  })
})

describe('the end of a node', () => {
  it('completes what it shows, and what is asked after it is refused', async () => {
    const fixture = await running()
    const { node } = fixture
    const completed: string[] = []
    node.status$.subscribe({ complete: () => completed.push('status') })
    node.topics$.subscribe({ complete: () => completed.push('topics') })
    node.requests$.subscribe({ complete: () => completed.push('requests') })
    await stop(fixture)
    expect(completed.sort()).toEqual(['requests', 'status', 'topics'])
    expect(await failure(node.status())).toMatchObject({ code: 'NodeStopped' })
    await node.stop()
  })

  it('calls `onEnd` once, and `stop()` waits for it', async () => {
    let calls = 0
    let release: () => void = () => {}
    const fixture = await running({
      onEnd() {
        calls++
        return new Promise((resolve) => (release = resolve))
      },
    })
    let stopped = false
    const stopping = stop(fixture).then(() => (stopped = true))
    for (let i = 0; i < 3; i++) await turn()
    expect([calls, stopped]).toEqual([1, false])
    release()
    await stopping
    await fixture.node.stop()
    expect(calls).toBe(1)
  })

  it('by `kill` fails what waits, without a word to the network', async () => {
    const { node, kill, effects } = await running()
    const asked = failure(node.dial('/ip4/10.0.0.2/tcp/1'))
    await turn()
    kill(new P2pError('NodeStopped', 'killed'))
    expect(await asked).toMatchObject({ code: 'NodeStopped', message: 'killed' })
    expect(effects.map(({ type }) => type)).not.toContain('stop')
  })

  it('comes when a step throws: the fault is logged, and the network is stopped', async () => {
    const logged: string[] = []
    const { node, emit, state, effects } = await running({
      log: (level, said) => void logged.push(`${level} ${textOf(said)}`),
    })
    const asked = failure(node.dial('/ip4/10.0.0.2/tcp/1'))
    await turn()
    Object.assign(state, { connections: undefined })
    emit({ type: 'connectionClosed', connection: 1 })
    expect(await asked).toMatchObject({ code: 'NodeStopped' })
    expect(logged).toContain('error the node stopped because of a fault of its own')
    expect(effects.at(-1)).toEqual({ type: 'stop' })
  })
})
