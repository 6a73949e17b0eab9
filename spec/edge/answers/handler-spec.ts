/** Which objects are handlers, and what is said of the others. */
import { describe, expect, it } from '@jest/globals'
import { checkHandler } from '../../../src/edge/answers/handler.js'
import type { P2pError } from '../../../src/errors.js'

const answer = (): Uint8Array => new Uint8Array()

/** The lines of the log that it is worth. */
function linesOf(handler: unknown): string[] {
  const lines: string[] = []
  expect(checkHandler(handler, (level, message) => lines.push(`${level} ${message}`))).toBe(handler)
  return lines
}

function fault(handler: unknown): string {
  try {
    linesOf(handler)
  } catch (error) {
    const { code, message } = error as P2pError
    return `${code}: ${message}`
  }
  return 'none'
}

class Chat {
  readonly seen = new Set<string>()
  handleBroadcast(): void {}
  handleInput(): void {}
  onBroadcastSeen(): void {}
  answer(): void {}
}

describe('a handler', () => {
  it.each<[string, unknown]>([
    ['one method', { handleInboundRequest: answer }],
    ['both', { handleInboundRequest: answer, handleBroadcast: () => undefined }],
    ['a class with methods of its own, however they are called', new Chat()],
    ['a class that inherits it', new (class extends Chat {})()],
    ['an object that inherits it', Object.create({ handleInboundRequest: answer })],
    ['an object with other methods', { handleInboundRequest: answer, onBroadcastSeen: () => undefined, onMessage: 5 }],
    [
      'names that are near to one that is there',
      { handleBroadcast: () => undefined, handleBroadcasts: () => undefined },
    ],
    ['a method that is left out', { handleInboundRequest: undefined, handleBroadcast: () => undefined }],
  ])('may have %s', (_, handler) => {
    expect(linesOf(handler)).toEqual([])
  })

  it('with one of ours, and another that is probably misspelt, is worth a line', () => {
    const line = 'warn nobody calls the method "handleBroadcasts" of the handler (did you mean handleBroadcast?)'
    expect(linesOf({ handleInboundRequest: answer, handleBroadcasts: () => undefined })).toEqual([line])
    const inherited = class { handleBroadcasts() {} } // prettier-ignore
    expect(linesOf(new (class extends inherited { handleInboundRequest() {} })())).toEqual([line]) // prettier-ignore
  })

  // prettier-ignore
  it.each<[unknown, string]>([
    [undefined, 'a handler is an object with handleInboundRequest, handleBroadcast or both, not undefined'],
    [Chat, 'a handler is an object with handleInboundRequest, handleBroadcast or both, not a function'],
    [{}, 'a handler is an object with handleInboundRequest, handleBroadcast or both, not an object ()'],
    [[answer], 'a handler is an object with handleInboundRequest, handleBroadcast or both, not an array of 1'],
    [{ logger: 1 }, 'a handler is an object with handleInboundRequest, handleBroadcast or both, not an object (logger)'],
    [{ handleInboundRequest: undefined }, 'a handler is an object with handleInboundRequest, handleBroadcast or both, not an object (handleInboundRequest)'],
    [{ handleInboundRequest: undefined, handleBroadcasts: answer }, 'a handler has no method "handleBroadcasts" (did you mean handleBroadcast?)'],
    [{ handleInboundRequest: 5 }, 'handleInboundRequest must be a function, not 5'],
    [{ onMessage: answer }, 'a handler has no method "onMessage" (did you mean handleBroadcast?)'],
    [new (class { answer() {} })(), 'a handler has no method "answer" (did you mean handleInboundRequest?)'],
    [{ logger: 1, handleBroadcst: answer }, 'a handler has no method "handleBroadcst" (did you mean handleBroadcast?)'],
    [new (class extends (class { handleRequest() {} }) {})(), 'a handler has no method "handleRequest" (did you mean handleInboundRequest?)'],
  ])('is not %p', (handler, message) => {
    expect(fault(handler)).toBe(`InvalidConfig: ${message}`)
  })
})
