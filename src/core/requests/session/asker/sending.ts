/** The frames that an asker sends: HELLO, requests in pieces, CANCEL, CREDIT. Their order is the outbox's. */
import type { SessionCall } from '../../state.js'
import {
  writeCancel,
  writeCredit,
  writeData,
  writeHello,
  writeRequest,
  type RequestHead,
} from '../../../../wire/session/writer.js'
import { chunkOf, writeGoodbyes, type Sending } from '../outbox.js'
import type { AskingSession } from '../state.js'
import type { State } from '../../../state.js'
import { DEFAULT_BUFFER, POLICIES } from '../../values.js'

export const sendingRequests: Sending<AskingSession<SessionCall>, SessionCall> = {
  inOrder: true,

  hasControl({ helloSent, cancels, credits, goodbyes }) {
    return !helloSent || goodbyes.length > 0 || cancels.length > 0 || credits.size > 0
  },

  control(session, writer) {
    if (!session.helloSent) {
      session.helloSent = true
      writeHello(writer)
    }
    writeGoodbyes(session, writer)
    for (const id of session.cancels) writeCancel(writer, id)
    if (session.cancels.length > 0) session.cancels = []
    if (session.credits.size === 0) return
    for (const [id, amount] of session.credits) writeCredit(writer, id, amount)
    session.credits.clear()
  },

  sendable({ value, sent, sendCredit }) {
    if (value === undefined) return -1
    if (sent < 0) return chunkOf(value.length, sendCredit)
    const bytes = chunkOf(value.length - sent, sendCredit)
    return bytes === 0 ? -1 : bytes
  },

  write(state, _out, call, writer, bytes) {
    const value = call.value!
    if (call.sent < 0) {
      call.sent = bytes
      writeRequest(writer, call.wireId, headOf(state, call), value, bytes)
    } else {
      writeData(writer, call.wireId, value, call.sent, call.sent + bytes)
      call.sent += bytes
    }
    call.sendCredit -= bytes
    if (call.sent === value.length) call.value = undefined
  },
}

function headOf(state: State, { ask, firstCredit }: SessionCall): RequestHead {
  const { values, deadline } = ask
  return {
    timeout: Math.max(1, deadline - state.now),
    credit: firstCredit,
    one: values === undefined,
    service: ask.service,
    lossy:
      values?.buffer === undefined && values?.overflow === undefined
        ? undefined
        : { policy: POLICIES.indexOf(values.overflow ?? 'error'), buffer: values.buffer ?? DEFAULT_BUFFER },
  }
}
