/** Nothing else happens in this process for `ms`, as when a program computes. */
export function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
