/** Reading what a client answered. */
import * as Exit from "effect/Exit"
import type * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import * as AskError from "../AskError.ts"
import { faultOf } from "./fault.ts"

type Read<A> = (key: string, value: unknown) => Exit.Exit<A, AskError.AskError>

export const reader = <A>(schema: Schema.Codec<A, unknown, never, unknown>): Read<A> => {
  const decode = SchemaParser.decodeUnknownExit(schema)
  return (key, value) => {
    const decoded = decode(value)
    return Exit.isSuccess(decoded) ? Exit.succeed(decoded.value) : misfit(key, faultOf(decoded.cause))
  }
}

export const misfit = (key: string, text: string): Exit.Exit<never, AskError.AskError> =>
  fail(new AskError.InvalidAnswer({ key, text }))

export const fail = (reason: AskError.Reason): Exit.Exit<never, AskError.AskError> => Exit.fail(AskError.make(reason))
