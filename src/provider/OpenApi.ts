/**
 * An HTTP API as a provider: the operations of its OpenAPI document (3.0 to 3.2, and Swagger 2.0) as tools, or as resources
 * where `routes` say so. Their arguments are checked against the document before anything is sent.
 *
 * ```ts
 * import * as Config from "effect/Config"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import { McpServer } from "fastmcp-effect"
 * import { OpenApi } from "fastmcp-effect/provider"
 *
 * const pets = OpenApi.make({
 *   document: new URL("https://petstore.example/openapi.json"),
 *   credentials: { api_key: Effect.orDie(Config.Redacted("PETSTORE_KEY")) },
 *   routes: [{ methods: ["DELETE"], as: "exclude" }]
 * })
 *
 * const Server = McpServer.register(pets).pipe(
 *   Layer.provideMerge(McpServer.layer({ name: "pets", version: "1.0.0" }))
 * )
 * ```
 *
 * Requests go through the `HttpClient` in context: retries, tracing and whatever else is added there. The document is
 * read with `@scalar/openapi-parser` and values are checked with `ajv`; both have to be installed beside this package.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Provider from "../definition/Provider.ts"
import type * as SafeFetch from "../oauth/SafeFetch.ts"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import type * as McpError from "../protocol/McpError.ts"
import * as building from "./openApi/building.ts"
import type * as OpenApiError from "./OpenApiError.ts"
import type * as OpenApiFailure from "./OpenApiFailure.ts"

/** What a scheme wants: a token, a key, or a name and a password. @category models @since 0.1.0 */
export type Secret =
  | Redacted.Redacted<string>
  | { readonly username: string; readonly password: Redacted.Redacted<string> }

/**
 * Under the name of each scheme in the document, what is sent for it; an effect is run for each request, and may depend on
 * who calls (`context/Identity`). A caller's own token is for this server alone: give none of those away here.
 *
 * @category models
 * @since 0.1.0
 */
export interface Credentials<R> {
  readonly [scheme: string]: Secret | Effect.Effect<Secret, McpError.McpError | OpenApiFailure.OpenApiFailure, R>
}

/**
 * What operations of some kind become. All that is said has to fit; a route to a resource is only for what can be read
 * without arguments, one to a template only for what can be read by its path.
 *
 * @category models
 * @since 0.1.0
 */
export interface Route {
  readonly methods?: ReadonlyArray<string> | undefined
  /** `*` stands for what has no slash in it, `**` for anything. */
  readonly path?: string | RegExp | undefined
  /** All of them. */
  readonly tags?: ReadonlyArray<string> | undefined
  readonly operationId?: string | RegExp | undefined
  readonly as: "tool" | "resource" | "template" | "exclude"
}

/** @category models @since 0.1.0 */
export interface Options<R = never> {
  /** As it was parsed, as text in JSON or YAML, or where it is to be fetched from. */
  readonly document: JsonObject | string | URL
  /** What it is called in errors, in logs and in the URIs of resources. The API's title. */
  readonly name?: string | undefined
  /** Where the API is. The document's server; one that is not encrypted has to be said here. */
  readonly url?: string | undefined
  /** Of the document's server, in the place of their defaults. */
  readonly variables?: { readonly [name: string]: string } | undefined
  /**
   * Once there are some, operations that want others are left out. Without any nothing is added to requests, and the
   * `HttpClient` has to do that.
   */
  readonly credentials?: Credentials<R> | undefined
  /** The first that fits counts; what none fits is a tool. */
  readonly routes?: ReadonlyArray<Route> | undefined
  /** Names of tools in the place of those made of operation ids, by operation id or by `GET /path`. */
  readonly names?: { readonly [operation: string]: string } | undefined
  /** Whether operations that are deprecated are there; they say so then. False. */
  readonly deprecated?: boolean | undefined
  /**
   * What tools say of their results. `described`: the document's schema, in a form that no answer fails. `checked`: as it is,
   * and an answer that does not fit is a failure that holds it. `none`: nothing. `described`.
   */
  readonly outputs?: "described" | "checked" | "none" | undefined
  /** Characters of an output schema that is listed; a larger one is left out of its tool. 16,384. */
  readonly maxOutputSchema?: number | undefined
  /** Characters of a tool's description. 1,024. */
  readonly maxDescription?: number | undefined
  /** How long one answer may take, whole. 30 seconds. */
  readonly timeout?: Duration.Input | undefined
  /** Bytes of one answer. 4 MiB. */
  readonly maxBytes?: number | undefined
  /**
   * How a document that is a URL is fetched: with TLS and from public addresses, at most 32 MiB and in 30 seconds, unless
   * this says otherwise. What its name resolves to is for the `HttpClient` to judge, see `node/NodeSafeFetch`.
   */
  readonly fetch?: SafeFetch.Options | undefined
}

/**
 * The document's operations. It fails where the document cannot be had or read, or an option does not fit it; operations
 * that cannot be served are left out, which the log says in short and `inspect` in full.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <R = never>(
  options: Options<R>
): Provider.Provider<OpenApiError.OpenApiError, HttpClient.HttpClient | R> =>
  Provider.make(Stream.fromEffect(
    Effect.flatMap(building.build(options), ({ definitions, name, report }) =>
      Effect.as(
        building.log(report),
        definitions.map((definition) => building.from(definition, name))
      ))
  ))

/** One operation, and what it is or why it is not. @category models @since 0.1.0 */
export interface Operation {
  readonly method: string
  readonly path: string
  readonly operationId?: string
}

/** @category models @since 0.1.0 */
export interface Served extends Operation {
  readonly as: "tool" | "resource" | "template"
  /** Of the tool; the URI of the resource or the template. */
  readonly name: string
  /** What of it is not there, in words. */
  readonly notes: ReadonlyArray<string>
}

/** @category models @since 0.1.0 */
export interface LeftOut extends Operation {
  /** `route`: a route excludes it. */
  readonly why: "route" | "deprecated" | "credentials" | "unusable"
  /** In words. */
  readonly reason: string
}

/** @category models @since 0.1.0 */
export interface Report {
  readonly title: string
  readonly version: string
  /** The version of OpenAPI the document is written in. */
  readonly openapi: string
  readonly served: ReadonlyArray<Served>
  readonly leftOut: ReadonlyArray<LeftOut>
}

/**
 * What `make` would serve of the document and what not, without serving it.
 *
 * @category running
 * @since 0.1.0
 */
export const inspect = <R = never>(
  options: Options<R>
): Effect.Effect<Report, OpenApiError.OpenApiError, HttpClient.HttpClient> =>
  Effect.map(building.build(options), ({ report }) => report)
