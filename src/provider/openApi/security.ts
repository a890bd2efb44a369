/** Credentials of this server's own, where the document wants them. The caller's are never passed on. */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import { isObject } from "../../protocol/JsonRpc.ts"
import type * as McpError from "../../protocol/McpError.ts"
import type * as OpenApi from "../OpenApi.ts"
import * as OpenApiError from "../OpenApiError.ts"
import type * as OpenApiFailure from "../OpenApiFailure.ts"
import { type Document, entriesOf, resolve, stringOf } from "./document.ts"
import type { Requirement } from "./operations.ts"

/** Where a scheme's credential goes. */
export type Scheme =
  | { readonly in: "header" | "query" | "cookie"; readonly name: string }
  /** After this word, in `Authorization`. */
  | { readonly in: "authorization"; readonly word: string }
  /** The HTTP client's own affair. */
  | { readonly in: "connection" }

export const schemesOf = (document: Document): ReadonlyMap<string, Scheme> => {
  const { components } = document.root
  const given = isObject(components) && isObject(components.securitySchemes) ? components.securitySchemes : {}
  return new Map(
    entriesOf(given).flatMap(([key, value]): ReadonlyArray<readonly [string, Scheme]> => {
      const scheme = resolve(document, value)
      switch (scheme.type) {
        case "apiKey": {
          const name = stringOf(scheme.name)
          const place = scheme.in
          return name === undefined || (place !== "header" && place !== "query" && place !== "cookie")
            ? []
            : [[key, { in: place, name }]]
        }
        case "http": {
          const word = stringOf(scheme.scheme) ?? "bearer"
          return [[key, { in: "authorization", word: word[0]!.toUpperCase() + word.slice(1) }]]
        }
        case "oauth2":
        case "openIdConnect":
          return [[key, { in: "authorization", word: "Bearer" }]]
        case "mutualTLS":
          return [[key, { in: "connection" }]]
        default:
          return []
      }
    })
  )
}

export const checkNames = (
  schemes: ReadonlyMap<string, Scheme>,
  credentials: OpenApi.Credentials<any> = {}
): Effect.Effect<void, OpenApiError.OpenApiError> => {
  const unknown = Object.keys(credentials).find((name) => !schemes.has(name))
  return unknown === undefined ? Effect.void : Effect.fail(OpenApiError.make(
    new OpenApiError.NotInDocument({ option: "credentials", name: unknown, known: [...schemes.keys()].slice(0, 10) })
  ))
}

/** The first of the alternatives that there are credentials for; none at all only where nothing else is left. */
export const choose = (
  alternatives: ReadonlyArray<Requirement>,
  schemes: ReadonlyMap<string, Scheme>,
  credentials: OpenApi.Credentials<any>
): Requirement | undefined =>
  alternatives.find((names) =>
    names.length > 0 && names.every((name) => name in credentials || schemes.get(name)?.in === "connection")
  ) ?? alternatives.find((names) => names.length === 0)

/** A credential as it goes out. */
export interface Sent {
  readonly in: "header" | "query" | "cookie"
  readonly name: string
  readonly value: Redacted.Redacted<string>
  /** What of it must not be seen. */
  readonly secret: string
}

export const sending = <R>(
  names: Requirement,
  schemes: ReadonlyMap<string, Scheme>,
  credentials: OpenApi.Credentials<R>
): Effect.Effect<ReadonlyArray<Sent>, McpError.McpError | OpenApiFailure.OpenApiFailure, R> =>
  Effect.map(
    Effect.forEach(names, (name) => {
      const scheme = schemes.get(name)
      const credential = credentials[name]
      if (scheme === undefined || scheme.in === "connection" || credential === undefined) return Effect.succeed([])
      return Effect.map(
        Effect.isEffect(credential) ? credential : Effect.succeed(credential),
        (secret) => [sentAs(scheme, secret)]
      )
    }),
    (sent) => sent.flat()
  )

const sentAs = (scheme: Exclude<Scheme, { readonly in: "connection" }>, given: OpenApi.Secret): Sent => {
  const secret = Redacted.isRedacted(given) ? Redacted.value(given) : Redacted.value(given.password)
  const text = Redacted.isRedacted(given) ? secret : Base64.encode(`${given.username}:${secret}`)
  return scheme.in === "authorization"
    ? {
      in: "header",
      name: "authorization",
      // Basic may be given whole, as `user:password`.
      value: Redacted.make(
        `${scheme.word} ${scheme.word === "Basic" && Redacted.isRedacted(given) ? Base64.encode(secret) : text}`
      ),
      secret
    }
    : { in: scheme.in, name: scheme.name, value: Redacted.make(secret), secret }
}
