/**
 * The folders and files the client's user is at work in. Deprecated by the protocol in 2026-07-28, where it still works.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as McpSchema from "../protocol/McpSchema.ts"
import * as Ask from "./Ask.ts"
import type * as AskError from "./AskError.ts"
import { reader } from "./internal/answers.ts"
import type * as RequestContext from "./RequestContext.ts"

const read = reader(McpSchema.ListRootsResult)

/**
 * Which roots there are. What they name is the client's word: a server that opens files checks each path itself.
 *
 * @category questions
 * @since 0.1.0
 */
export const list: Ask.Question<ReadonlyArray<McpSchema.Root>> = {
  method: "roots/list",
  params: {},
  requires: { roots: {} },
  decode: (key, result) => Exit.map(read(key, result), ({ roots }) => roots)
}

/** Asks for the roots alone. @category asking @since 0.1.0 */
export const ask = (
  key: string
): Effect.Effect<ReadonlyArray<McpSchema.Root>, AskError.AskError, RequestContext.RequestContext> => Ask.one(key, list)
