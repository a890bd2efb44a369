/** Public documents of different makers; where they come from is in `documents/README.md`. */
import { normalize } from "@scalar/openapi-parser"
import type { JsonObject } from "fastmcp-effect/protocol/JsonRpc"
import * as fs from "node:fs"
import * as zlib from "node:zlib"

export interface Known {
  readonly file: string
  readonly openapi: string
  /** Operations that are served, and those that are left out by why. */
  readonly served: number
  readonly leftOut: { readonly [why: string]: number }
}

export const known: ReadonlyArray<Known> = [
  { file: "petstore.yaml", openapi: "3.0.4", served: 19, leftOut: {} },
  { file: "tictactoe.yaml", openapi: "3.1.0", served: 3, leftOut: {} },
  { file: "uspto.yaml", openapi: "3.0.1", served: 3, leftOut: {} },
  { file: "github.json", openapi: "3.0.3", served: 1186, leftOut: { deprecated: 37 } },
  { file: "stripe.json", openapi: "3.0.0", served: 340, leftOut: { deprecated: 15 } },
  { file: "slack.json", openapi: "2.0", served: 174, leftOut: {} },
  { file: "twilio.json", openapi: "3.0.1", served: 197, leftOut: {} },
  { file: "box.json", openapi: "3.0.2", served: 296, leftOut: {} },
  { file: "discord.json", openapi: "3.1.0", served: 242, leftOut: {} },
  { file: "figma.yaml", openapi: "3.1.0", served: 46, leftOut: { deprecated: 1 } },
  { file: "adyen.json", openapi: "3.1.0", served: 27, leftOut: { deprecated: 1 } },
  { file: "openai.json", openapi: "3.1.0", served: 273, leftOut: { deprecated: 15 } }
]

export const textOf = (file: string): string =>
  zlib.brotliDecompressSync(fs.readFileSync(`${import.meta.dirname}/documents/${file}.br`)).toString()

export const valueOf = (file: string): JsonObject => normalize(textOf(file)) as JsonObject

/** The document with one operation and what that refers to; without its answers, where they are wanted to be nothing. */
export const only = (
  document: JsonObject,
  path: string,
  method: string,
  { answers = true }: { readonly answers?: boolean } = {}
): JsonObject => {
  const { paths, ...rest } = document as { readonly paths: { readonly [path: string]: JsonObject } } & JsonObject
  const { get: _g, put: _p, post: _o, delete: _d, patch: _a, head: _h, options: _s, ...shared } = paths[path]!
  const operation = paths[path]![method.toLowerCase()] as JsonObject
  const item = {
    ...shared,
    [method.toLowerCase()]: {
      ...operation,
      ...(answers ? undefined : { responses: { 200: { description: "without content" } } })
    }
  }
  const kept: { [section: string]: any } = {}
  const sections = ["components", "definitions", "parameters", "responses", "webhooks", "x-webhooks"]
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return
    for (const [key, inner] of Object.entries(value)) {
      if (key === "$ref" && typeof inner === "string" && inner.startsWith("#/")) keep(inner)
      else visit(inner)
    }
  }
  const keep = (ref: string): void => {
    const keys = ref.slice(2).split("/").map((key) =>
      decodeURIComponent(key.replaceAll("~1", "/").replaceAll("~0", "~"))
    )
    const depth = keys[0] === "components" ? 3 : 2
    let [from, to]: [any, any] = [document, kept]
    for (const [index, key] of keys.slice(0, depth).entries()) {
      if (index === depth - 1) {
        if (key in to) return
        to[key] = from[key]
      } else to = to[key] ??= {}
      from = from[key]
    }
    visit(from)
  }
  visit(item)
  const { securitySchemes } = (document.components ?? {}) as JsonObject
  if (securitySchemes !== undefined) (kept.components ??= {}).securitySchemes = securitySchemes
  const others = Object.fromEntries(Object.entries(rest).filter(([key]) => !sections.includes(key)))
  return { ...others, ...kept, paths: { [path]: item } }
}
