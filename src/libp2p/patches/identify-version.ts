/**
 * The protocol version that identify tells, and its push.
 *
 * Package: @libp2p/identify 4.1.14
 * Private members: `host.protocolVersion`
 * Changes: the version is the origin's, and not `ipfs/0.1.0`.
 * Without it: a tool that tells networks apart by this text takes our nodes for IPFS's. Nodes connect all the same.
 * Missing option: a protocol version of its own; the option `protocolPrefix` changes the protocol's id with it
 *   (https://github.com/libp2p/js-libp2p/pull/962, and https://github.com/libp2p/js-libp2p/pull/800 for the version).
 * Guarded by: spec/integration/libp2p/identify-spec.ts
 */
import { hasMembers } from './supported.js'

/** The service `make`, as if it were told `version`. */
export function identifyAs<Components, Service>(
  version: string,
  make: (components: Components) => Service,
): (components: Components) => Service {
  return (components) => {
    const service = make(components)
    if (hasMembers('@libp2p/identify', service, { 'host.protocolVersion': 'writable string' })) {
      const { host } = service as Service & { host: { protocolVersion: string } }
      host.protocolVersion = version
    }
    return service
  }
}
