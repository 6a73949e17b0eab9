/** grpc-js: a unary call with bytes in and bytes out, without encryption and without protobuf. */
import * as grpc from '@grpc/grpc-js'
import { promisify } from 'node:util'
import type { Contestant } from './contestant.js'

const same = (bytes: Buffer): Buffer => bytes

const SERVICE = {
  echo: {
    path: '/bench.Echo/echo',
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
} satisfies grpc.ServiceDefinition

const OPTIONS = {
  // 1 MiB and what is around it, with room.
  'grpc.max_receive_message_length': 16 * 1024 * 1024,
  'grpc.max_send_message_length': 16 * 1024 * 1024,
}

export const contestant: Contestant = {
  async serve() {
    const server = new grpc.Server(OPTIONS)
    const echo: grpc.handleUnaryCall<Buffer, Buffer> = ({ request }, reply) => reply(null, request)
    server.addService(SERVICE, { echo })
    const bind = promisify(server.bindAsync.bind(server))
    return String(await bind('127.0.0.1:0', grpc.ServerCredentials.createInsecure()))
  },
  async connect(port) {
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), OPTIONS)
    await promisify(client.waitForReady.bind(client))(Date.now() + 10_000)
    return {
      ask: (bytes) =>
        new Promise((resolve, reject) => {
          client.makeUnaryRequest<Uint8Array, Buffer>(
            SERVICE.echo.path,
            (value) => Buffer.from(value.buffer, value.byteOffset, value.byteLength),
            same,
            bytes,
            (error, reply) => {
              if (reply === undefined) reject(error ?? new Error('no reply'))
              else resolve(reply)
            },
          )
        }),
    }
  },
}
