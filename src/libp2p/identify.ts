/** identify: what we say of ourselves. What others say is `identified.ts`'s. */
import { identify, type Identify, type IdentifyComponents } from '@libp2p/identify'
import { IDENTIFY_VERSION } from '../wire/protocols.js'
import { IDENTIFY } from './defaults.js'

/** The service, with the protocol version of the origin, for which there is no option. */
export function identifyService(): (components: IdentifyComponents) => Identify {
  return (components) => {
    const service = identify(IDENTIFY)(components)
    const { host } = service as Identify & { host?: { protocolVersion?: string } }
    if (typeof host?.protocolVersion !== 'string') throw new Error('this version of @libp2p/identify is not supported')
    host.protocolVersion = IDENTIFY_VERSION
    return service
  }
}
