/** What becomes of a record, for the stores that decide by themselves. `ReceiptStoreRedis` has the same as a script. */
import type * as ReceiptStore from "../ReceiptStore.ts"

/** What is kept under one key. Times are milliseconds of the clock. */
export interface Record {
  readonly fingerprint: string
  readonly state: "running" | "asked" | "done" | "unknown"
  /** Who runs it, or did. */
  readonly run: string
  /** Until when it is sure to be running. */
  readonly until: number
  /** The receipt, or the question: while the next round is running that of the last. Undefined where it was too large. */
  readonly text: string | undefined
  /** What the client goes on with. */
  readonly next: string | undefined
  /** There is none from then on. */
  readonly expires: number
}

/** Nothing is written where the second is undefined. */
export const begin = (
  found: Record | undefined,
  call: ReceiptStore.Call,
  run: string,
  now: number
): readonly [ReceiptStore.Begun, Record | undefined] => {
  const record = found === undefined || found.expires <= now ? undefined : found
  const begun = (kept: Pick<Record, "text" | "next">): readonly [ReceiptStore.Begun, Record] => [
    { _tag: "Begun", run },
    {
      fingerprint: call.fingerprint,
      state: "running",
      run,
      until: now + call.leaseMillis,
      text: kept.text,
      next: kept.next,
      expires: now + Math.max(call.ttlMillis, call.leaseMillis)
    }
  ]
  if (record === undefined) return begun({ text: undefined, next: undefined })
  if (record.fingerprint !== call.fingerprint) return [{ _tag: "Conflict" }, undefined]
  switch (record.state) {
    case "done":
      return [{ _tag: "Done", text: record.text }, undefined]
    case "asked":
      return call.round !== undefined && call.round === record.next
        ? begun(record)
        : [{ _tag: "Done", text: record.text }, undefined]
    case "running":
      if (record.until > now) return [{ _tag: "Running" }, undefined]
      break
    case "unknown":
  }
  return call.isHarmless ? begun(record) : [{ _tag: "Unknown" }, undefined]
}

/** Undefined where this is not its run any more. */
export const renew = (
  record: Record | undefined,
  run: string,
  leaseMillis: number,
  now: number
): Record | undefined =>
  record?.run !== run || record.state !== "running" ? undefined : {
    ...record,
    until: now + leaseMillis,
    expires: Math.max(record.expires, now + leaseMillis)
  }

/** Undefined where this is not its run any more; nothing is kept of what has expired at once. */
export const end = (
  record: Record | undefined,
  run: string,
  ended: ReceiptStore.Ended,
  ttlMillis: number,
  now: number
): Record | undefined => {
  if (record?.run !== run || record.state !== "running") return undefined
  const expires = now + ttlMillis
  switch (ended._tag) {
    case "Done":
      return { ...record, state: "done", text: ended.text, next: undefined, expires }
    case "Asked":
      return { ...record, state: "asked", text: ended.text, next: ended.next, expires }
    case "Unknown":
      return { ...record, state: "unknown", text: undefined, next: undefined, expires }
    case "Undone":
      // What was asked before stands as it did.
      return record.next === undefined ? { ...record, expires: now } : { ...record, state: "asked", expires }
  }
}
