/** What limits keep in the state. */

/** A rate's use: when it is as good as new, in ms of the caller's clock. rate.ts changes it. */
export interface Bucket {
  emptyAt: number
}
