/**
 * What users may write who compile with `exactOptionalPropertyTypes`: exact-types-spec.ts compiles this file so. Each type lists the
 * options that do not admit `undefined`, and there must be none.
 */
import type {
  BroadcastOptions, BroadcastsOptions, NodeConfig, P2pNode, PubsubConfig, RecordOptions, Rejection, RequestAllOptions,
  RequestAnyOptions, RequestOptions, StopOptions, StreamOptions,
} from 'tinyp2p' // prettier-ignore
import type { MarbleOptions, ReplayOptions, SimulateOptions, Skew } from 'tinyp2p/testing'

/** The optional members of T to which `undefined` cannot be given. */
type Strict<T> = {
  [K in keyof T]-?: Partial<Pick<T, K>> extends Pick<T, K>
    ? Record<K, undefined> extends Pick<T, K>
      ? never
      : K
    : never
}[keyof T]

type Nested<T, K extends keyof T> = Strict<Exclude<NonNullable<T[K]>, boolean>>

type Found = [
  ...[Strict<NodeConfig>, Nested<NodeConfig, 'ping'>, Nested<NodeConfig, 'reqResp'>, Strict<PubsubConfig>],
  ...[Nested<PubsubConfig, 'history'>, Nested<PubsubConfig, 'scoring'>, Strict<RecordOptions>],
  ...[Strict<RequestOptions>, Strict<StreamOptions>, Strict<RequestAnyOptions>, Strict<RequestAllOptions>],
  ...[Strict<BroadcastOptions>, Nested<BroadcastOptions, 'waitForPeers'>, Nested<BroadcastOptions, 'receipts'>],
  ...[Strict<BroadcastsOptions>, Strict<Rejection>, Strict<StopOptions>],
  ...[Strict<NonNullable<Parameters<P2pNode['online']>[0]>>, Strict<NonNullable<Parameters<P2pNode['joined']>[1]>>],
  ...[Strict<MarbleOptions>, Strict<ReplayOptions>, Strict<SimulateOptions>, Strict<Skew>],
]

/** The check itself sees one that does not: `a`. */
export type Seen = Strict<{ a?: string; b?: string | undefined; c: string }>

export const found: Found[number] extends never ? true : Found[number] = true
export const config: NodeConfig = { bootNodes: process.env['BOOT'], secret: undefined, ping: { interval: undefined } }
