/** The one error type: every failure that a caller can see is a `P2pError`, told apart by its `code`. */

/** What went wrong. */
export type ErrorCode =
  /** An option is missing, of the wrong type or out of range. Correct the option that the message names. */
  | 'InvalidConfig'
  /** `secret` is not 32 bytes, or not base58 of 32 bytes. Make a new one with `newSecret()`, or correct the stored one. */
  | 'InvalidSecretKey'
  /** A multiaddr cannot be parsed, or lacks a part that is needed there, such as `/p2p/<peer id>`. Correct the address. */
  | 'InvalidAddress'
  /** A peer id cannot be parsed. Pass one as `node.peerId` of the other side shows it. */
  | 'InvalidPeerId'
  /** No address of `listen` could be listened on: in use, or not of this machine. Choose another address or port. */
  | 'ListenError'
  /** The peer could not be reached: nobody knows where it is, or none of its addresses answered. Nothing was sent; try again later. */
  | 'DialError'
  /** The peer answered that it will not answer: its handler rejected or threw, or it has none. Asking the same again rarely helps. */
  | 'RequestRejected'
  /** No complete response within `timeout`. The peer may have handled the request: repeat only what may be handled twice. */
  | 'RequestTimeout'
  /** The request is larger than our `maxRequestSize` (then nothing was sent). Send less, or raise the limit on both sides. */
  | 'RequestTooLarge'
  /** The response is larger than `maxResponseSize`. Ask for less, or raise the limit on the side that the message names. */
  | 'ResponseTooLarge'
  /** The connection or its stream broke before the response was complete. As with a timeout, the request may have been handled. */
  | 'ConnectionLost'
  /** A limit of this node or of the peer is reached. Wait for `retryAfterMs`, where it is given, then try again. */
  | 'Overloaded'
  /** The caller's `signal` fired. Its reason is the `cause`. */
  | 'Aborted'
  /** The topic has to be joined for this, and is not. Subscribe to `broadcasts$(topic)`, or name it in `topics`. */
  | 'NotSubscribed'
  /** The broadcast could not be handed to the network (the `cause` says why), or the peers that it was to wait for did not come. Nobody got it. */
  | 'PublishError'
  /** The same bytes were broadcast or heard less than a minute ago, and the network would drop them. Add something that differs, or wait. */
  | 'DuplicateMessage'
  /** The broadcast is too large for one frame, once signature, key and topic are added. Send less. */
  | 'MessageTooLarge'
  /** `setEventHandler` was called before, or `validate` for this topic. A node has one handler, and a topic one validator. */
  | 'HandlerAlreadySet'
  /** The node was stopped before this was done, or is not running any more. Create a new node. */
  | 'NodeStopped'

export interface P2pErrorOptions extends ErrorOptions {
  /** After how many milliseconds a new attempt makes sense. */
  retryAfterMs?: number
  /** The code that the other side's application gave, as it came. */
  remoteCode?: string
}

/**
 * A failure, with a `code` to act on, a `message` that says what to do, and the foreign error behind it as `cause`.
 *
 * ```ts
 * try {
 *   await node.request(peer, data)
 * } catch (error) {
 *   if (isP2pError(error, 'RequestTimeout')) return undefined
 *   throw error
 * }
 * ```
 */
export class P2pError extends Error {
  readonly code: ErrorCode
  /** After how many milliseconds a new attempt makes sense; only with `Overloaded`, and not always there. */
  declare readonly retryAfterMs?: number
  /** With `RequestRejected`: the code that the other side's application gave for it, as it came; not always there. */
  declare readonly remoteCode?: string

  constructor(code: ErrorCode, message: string, options: P2pErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs
    if (options.remoteCode !== undefined) this.remoteCode = options.remoteCode
  }
}

// On the prototype, as with the built-in errors: it is the same for each of them.
Object.defineProperty(P2pError.prototype, 'name', { value: 'P2pError', configurable: true, writable: true })

/** Whether `error` is a `P2pError`, and (where a code is given) one with this code. Never throws. */
export function isP2pError<Code extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: Code,
): error is P2pError & { readonly code: Code } {
  return error instanceof P2pError && (code === undefined || error.code === code)
}
