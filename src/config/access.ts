/** The part of the public config that is about who may come in: `access`. */
import { checkEntries } from '../edge/access/entries.js'
import type { Authorize } from '../edge/access/authorizer.js'
import { checkObject, show, type Names } from '../edge/checks.js'
import { P2pError } from '../errors.js'
import { readNetworkKey } from '../network-key.js'
import type { Settings } from '../core/settings.js'
import type { Elsewhere } from './places.js'

/** The option `access` of the config. Every option is optional; without it everybody may come in. */
export interface AccessConfig {
  /**
   * Who may come in, and nobody else: peer ids, and ranges of addresses in CIDR form (`10.0.0.0/8`, `2001:db8::/32`; a single address is
   * one). Whoever is named by its peer id, or is in one of the ranges, may. With no entries nobody may, until `node.allow` names
   * somebody. Peers of `bootNodes` and `keep` need entries too. Default: everybody may.
   */
  allow?: string | string[] | undefined
  /**
   * Who may not come in, also where `allow` names it: peer ids, and ranges of addresses. Such an address is refused before a handshake,
   * and not dialled; such a peer has no connection, no place in the routing table, and what it signs is not heard, whoever hands it on. Default: none.
   */
  deny?: string | string[] | undefined
  /**
   * Asked about each peer, by whichever side the connection was opened, before anything of it counts: a request, a topic, an entry in the
   * routing table. What it sends meanwhile waits. Once for each IP address of the peer while it is connected from there. `false`, a throw and no answer within
   * `limits.authorizeTimeout` are a no. Default: nobody is asked.
   */
  authorize?: Authorize | undefined
  /**
   * The pre-shared key of a private network: the text of a `swarm.key` file, as go-libp2p has it, or its 32 bytes (`newNetworkKey()` makes
   * one). Only nodes with the same key understand each other. It is in no log and no recording. Default: none.
   */
  networkKey?: string | Uint8Array | undefined
}

export const ACCESS_NAMES: Names<AccessConfig> = { allow: true, deny: true, authorize: true, networkKey: true }

export interface CheckedAccess {
  access: Settings['access']
  authorize: Authorize | undefined
  networkKey: Uint8Array | undefined
}

/** @throws `InvalidConfig` */
export function readAccess(config: AccessConfig = {}, elsewhere?: Elsewhere): CheckedAccess {
  checkObject(config, 'access', ACCESS_NAMES, elsewhere)
  const { allow, deny, authorize, networkKey } = config
  if (authorize !== undefined && typeof authorize !== 'function') {
    throw new P2pError('InvalidConfig', `access.authorize must be a function, not ${show(authorize)}`)
  }
  return {
    access: {
      closed: allow !== undefined,
      allow: checkEntries(allow === undefined ? [] : allow, 'access.allow'),
      deny: checkEntries(deny === undefined ? [] : deny, 'access.deny'),
      authorizes: authorize !== undefined,
    },
    authorize,
    networkKey: networkKey === undefined ? undefined : readNetworkKey(networkKey, 'access.networkKey'),
  }
}
