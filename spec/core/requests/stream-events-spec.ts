/** The events of a stream reach what the stream carries. */
import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../../src/core/events.js'
import { Core, shorts, V1 } from '../../support/core.js'

describe('an event of a stream', () => {
  it('closes a connection whose muxer died without a word, when a stream cannot be opened on it', () => {
    const core = new Core()
    core.connect('bob')
    core.request(1, 'bob')
    core.request(2, 'bob')
    const lost: Event = { type: 'streamOpenFailed', stream: 1, reason: 'lost', failure: { message: 'muxer closed' } }
    expect(shorts(core.in(lost)).filter((text) => !text.startsWith('reset'))).toEqual([
      'closeConnection 1',
      'fail 1 ConnectionLost',
      'fail 2 ConnectionLost',
    ])
    expect(shorts(core.request(3, 'bob'))).toEqual(['dial bob'])
  })
})
