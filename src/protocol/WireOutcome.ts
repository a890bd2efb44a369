/**
 * How an outcome that MCP has no place for crosses the wire: under our own key, in the `_meta` of a result or the
 * `data` of an error. Peers that do not know the key lose nothing; ours get the handler's exit back. A panic travels as
 * its bare tag: no text of a defect ever reaches a peer.
 */
import * as Outcome from "../core/Outcome.ts"
import { isObject, type Json, type JsonObject } from "./JsonRpc.ts"
import * as Meta from "./Meta.ts"

/** @category models @since 0.1.0 */
export type WireOutcome =
  | { readonly _tag: "Err"; readonly error: Json }
  | { readonly _tag: "InvalidInput"; readonly issues: Json }
  | { readonly _tag: "Cancelled"; readonly reason: Outcome.CancelReason }
  | { readonly _tag: "Panicked" }

/** The one-key object to merge into `_meta` or `data`. @category encoding @since 0.1.0 */
export const encode = (outcome: WireOutcome): JsonObject => ({ [Meta.outcome]: outcome as unknown as Json })

/** Reads the key out of a `_meta` or `data` object, if a peer of ours put it there. @category decoding @since 0.1.0 */
export const decode = (value: unknown): WireOutcome | undefined => {
  if (!isObject(value as Json)) return undefined
  const outcome = (value as JsonObject)[Meta.outcome]
  if (!isObject(outcome)) return undefined
  switch (outcome._tag) {
    case "Err":
      return { _tag: "Err", error: outcome.error ?? null }
    case "InvalidInput":
      return { _tag: "InvalidInput", issues: outcome.issues ?? [] }
    case "Cancelled":
      return Outcome.isCancelReason(outcome.reason) ? { _tag: "Cancelled", reason: outcome.reason } : undefined
    case "Panicked":
      return { _tag: "Panicked" }
    default:
      return undefined
  }
}
