/** Values of typed calls, encoded and decoded within the deadline of their call, and what goes wrong with them. */
import { checkBytes, isThenable, messageOf } from '../edge/checks.js'
import { isP2pError, P2pError } from '../errors.js'
import { encodeCall } from '../wire/call.js'
import { then, type Awaitable, type Codec } from './codecs.js'
import type { Deadline } from './deadline.js'
import type { TableMethod } from './definition.js'

export interface NamedMethod {
  /** As it is on the wire. */
  name: string
  table: TableMethod
}

export function encodeRequest(deadline: Deadline, { name, table }: NamedMethod, value: unknown): Awaitable<Uint8Array> {
  return then(encodeValue(deadline, table.request, value, `the request of ${name}`), (body) => encodeCall(name, body))
}

/** Encodes the caller's value. If that fails, nothing has been sent. */
export function encodeValue(
  deadline: Deadline,
  codec: Codec<unknown>,
  value: unknown,
  what: string,
): Awaitable<Uint8Array> {
  return attempt(
    deadline,
    what,
    () => then(codec.encode(value), (made) => checkBytes(made, 'what its codec makes')),
    (cause) => {
      return new P2pError('InvalidConfig', `${what} cannot be encoded: ${messageOf(cause)}`, { cause })
    },
  )
}

export function decodeReply(
  deadline: Deadline,
  peer: string,
  { name, table }: NamedMethod,
  reply: Uint8Array,
): Awaitable<unknown> {
  return attempt(
    deadline,
    `the answer of ${name}`,
    () => table.reply.decode(reply),
    (cause) => {
      const message = `${peer} answered ${name} with what cannot be decoded: ${messageOf(cause)}`
      return new P2pError('InvalidResponse', message, { cause })
    },
  )
}

/** What a typed call fails with: a refusal that says that the protocol is not served has a code of its own. */
export function callError<E>(error: E): E | P2pError {
  if (!isP2pError(error, 'RequestRejected') || error.remoteCode !== 'UnknownProtocol') return error
  return new P2pError('UnknownProtocol', error.message, { cause: error })
}

/** @throws what the call fails with */
export function fail(error: unknown): never {
  throw callError(error)
}

/** What the deadline itself throws stays as it is. */
function attempt<T>(
  deadline: Deadline,
  what: string,
  make: () => Awaitable<T>,
  failed: (cause: unknown) => P2pError,
): Awaitable<T> {
  const guarded = (): Awaitable<T> => {
    try {
      const made = make()
      return isThenable(made) ? made.then(undefined, (cause: unknown) => Promise.reject(failed(cause))) : made
    } catch (cause) {
      throw failed(cause)
    }
  }
  return deadline.within(what, guarded)
}
