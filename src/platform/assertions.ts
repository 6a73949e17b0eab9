/** What a test framework shows of a failed expectation: the error that it knows, equality, and values as text. */
export { AssertionError } from 'node:assert'
export { inspect, isDeepStrictEqual } from 'node:util'
