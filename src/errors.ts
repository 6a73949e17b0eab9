/** The one error type: every failure that a caller can see is a `P2pError` with a `code`. */
import { printable } from './wire/text.js'

/** What went wrong. */
export type ErrorCode =
  /**
   * An option or argument is missing, unknown, of the wrong type or out of range, or `dataDir` is used by another process. Correct
   * what the message names.
   */
  | 'InvalidConfig'
  /** `secret` is not 32 bytes, or not base58 of 32 bytes. Make a new one with `newSecret()`, or correct the stored one. */
  | 'InvalidSecretKey'
  /** A multiaddr cannot be parsed, or lacks a part that is needed there, such as `/p2p/<peer id>`. Correct the address. */
  | 'InvalidAddress'
  /** A peer id cannot be parsed. Pass one as `node.peerId` of the other side shows it. */
  | 'InvalidPeerId'
  /**
   * Not one address of `listen` can be listened on: each is in use, or not of this machine, or it is IPv6 on a machine without it.
   * The `cause` is the network's error. Choose another address or port. Or, when the message begins with `cannot start`, libp2p
   * could not be set up: a package of it was replaced by a version that tinyp2p does not support. Install the one that is named.
   */
  | 'ListenError'
  /** The peer could not be reached: no address was found, none answered, or it was lost before anything was sent. Try again. */
  | 'DialError'
  /**
   * `access` of this node does not let the peer in: it is denied or banned, not in the allow list, or `authorize` has said no, as the
   * message says. Nothing is sent to it. `node.allow` admits it.
   */
  | 'Denied'
  /** The peer refused the request: its handler rejected or threw, or it has none. The same request again rarely helps. */
  | 'RequestRejected'
  /**
   * The peer serves no such protocol, or not in this version; the message names what it serves. Only of typed calls, and over a session.
   * Ask for a version that `serves` of `peer$` shows.
   */
  | 'UnknownProtocol'
  /** The peer has answered a typed call with what cannot be decoded, as the `cause` says. The same request again rarely helps. */
  | 'InvalidResponse'
  /**
   * No complete response within `timeout`. The peer may have handled the request: repeat it only if that may happen
   * twice. Or the request came to the peer too slowly, as the message then says: then it was not handled.
   */
  | 'RequestTimeout'
  /** The request is larger than our `maxRequestSize` (then nothing was sent). Send less, or raise the limit on both sides. */
  | 'RequestTooLarge'
  /** The response is larger than `maxResponseSize`. Ask for less, or raise the limit on the side that the message names. */
  | 'ResponseTooLarge'
  /**
   * The connection or its stream broke before the response was complete. As with a timeout, the request may have been
   * handled.
   */
  | 'ConnectionLost'
  /** A limit of this node or of the peer is reached, or the peer stops. Wait for `retryAfterMs`, where it is given, then try again. */
  | 'Overloaded'
  /** The caller's `signal` fired. Its reason is the `cause`. */
  | 'Aborted'
  /** The topic has to be joined for this, and is not. Subscribe to `broadcasts$(topic)`, or name it in `topics`. */
  | 'NotSubscribed'
  /**
   * The network could not send the broadcast (the `cause` says why), or too few subscribers came for `waitForPeers`. Nothing
   * was sent.
   */
  | 'PublishError'
  /**
   * The same bytes were sent or received less than a minute ago, so the network would drop them. Change them, wait, or set
   * `pubsub.messageId: 'unique'` in every node. With another `messageId` this holds for the same id.
   */
  | 'DuplicateMessage'
  /** The broadcast, with signature, key and topic, is too large for one frame. Send less. */
  | 'MessageTooLarge'
  /** `setEventHandler` was called before, or `validate` for this topic. A node has one handler, and a topic one validator. */
  | 'HandlerAlreadySet'
  /** The node was stopped before this was done, or does not run any more. Create a new node. */
  | 'NodeStopped'

/** What an error carries beside its code and message. */
export interface P2pErrorOptions extends ErrorOptions {
  /** After how many milliseconds a new attempt makes sense. */
  retryAfterMs?: number
  /** The code that the other side's application gave, as it was sent. */
  remoteCode?: string
}

/**
 * A failure, with a `code` to act on, a `message` that says what to do, and the original error, if there is one, as `cause`. Some of the
 * message may be a peer's text: control characters in it are U+FFFD, so it may be printed. Those of the `cause` are as they came.
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
  /** What went wrong, for programs. */
  readonly code: ErrorCode
  /** After how many milliseconds a new attempt makes sense. With `Overloaded`, but not always, and where a peer's `reject` gave it. */
  declare readonly retryAfterMs?: number
  /** The code that the other side's application gave, as it was sent. Only with `RequestRejected`, and not always. */
  declare readonly remoteCode?: string

  constructor(code: ErrorCode, message: string, options: P2pErrorOptions = {}) {
    super(printable(message), options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs
    if (options.remoteCode !== undefined) this.remoteCode = printable(options.remoteCode)
  }
}

// On the prototype, as with the built-in errors, because it is the same for all.
Object.defineProperty(P2pError.prototype, 'name', { value: 'P2pError', configurable: true, writable: true })

/** Marks errors of every copy of this package: a program may have loaded it by `import` and by `require`. */
const BRAND = Symbol.for('tinyp2p.P2pError')
Object.defineProperty(P2pError.prototype, BRAND, { value: true })

/** Whether `error` is a `P2pError` and, if a code is given, has this code. Never throws. */
export function isP2pError<Code extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: Code,
): error is P2pError & { readonly code: Code } {
  try {
    const marked = error as Partial<P2pError> & { [BRAND]?: true }
    return marked[BRAND] === true && (code === undefined || marked.code === code)
  } catch {
    return false
  }
}
