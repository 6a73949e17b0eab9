/** News of services. */
import { describe, expect, it } from '@jest/globals'
import { takeNews, tellServices } from '../../src/core/news.js'
import { runningState } from '../support/core.js'

describe('news of services', () => {
  it('is taken once, in its order, and news that comes meanwhile waits for the next time', () => {
    const state = runningState()
    tellServices(state, { kind: 'over', ask: -1 })
    tellServices(state, { kind: 'over', ask: -2 })
    const news = takeNews(state)
    tellServices(state, { kind: 'over', ask: -3 })
    expect(news).toEqual([
      { kind: 'over', ask: -1 },
      { kind: 'over', ask: -2 },
    ])
    expect(takeNews(state)).toEqual([{ kind: 'over', ask: -3 }])
    expect(takeNews(state)).toEqual([])
  })
})
