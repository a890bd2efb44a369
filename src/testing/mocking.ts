/** A server made of a contract: it lists what that says, and makes up its answers. */
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as JsonSchema from "effect/JsonSchema"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaRepresentation from "effect/SchemaRepresentation"
import type * as DefinitionError from "../definition/DefinitionError.ts"
import * as Prompt from "../definition/Prompt.ts"
import * as Resource from "../definition/Resource.ts"
import * as ResourceTemplate from "../definition/ResourceTemplate.ts"
import * as Tool from "../definition/Tool.ts"
import * as ToolSchema from "../definition/ToolSchema.ts"
import type { Json, JsonObject } from "../protocol/JsonRpc.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import type * as Revisions from "../protocol/Revisions.ts"
import * as McpServer from "../server/McpServer.ts"
import type * as Receiver from "../transport/Receiver.ts"
import type * as Contract from "./Contract.ts"
import * as ContractError from "./ContractError.ts"
import * as seeded from "./seeded.ts"

export interface Options {
  /** Answers are made of it: the same for the same seed, name and arguments, on every machine. 1. */
  readonly seed?: number
  /** Whose lists are served; each client sees of them what its own revision has. The newest when left out. */
  readonly revision?: Revisions.Version
  /** Structured results in the place of made-up ones, by the name of the tool. */
  readonly answers?: { readonly [tool: string]: (args: JsonObject) => Json }
}

export const mock = (
  contract: Contract.Contract,
  options: Options = {}
): Layer.Layer<
  McpServer.McpServer | Receiver.Receiver,
  DefinitionError.DefinitionError | ContractError.ContractError
> =>
  Layer.unwrap(Effect.gen(function*() {
    const revision = options.revision ?? Object.keys(contract.revisions).toSorted().at(-1)
    const listing = revision === undefined ? undefined : contract.revisions[revision]
    if (listing === undefined) {
      return yield* ContractError.make(new ContractError.NoListing({ revision: revision ?? "any revision" }))
    }
    const tools = yield* Effect.forEach(listing.tools, (listed) => mockTool(listed, options))
    const { seed = 1 } = options
    return McpServer.layer({
      ...contract.server,
      ...(listing.instructions === undefined ? undefined : { instructions: listing.instructions }),
      tools,
      resources: [
        ...listing.resources.map((listed) =>
          Resource.relay({ listed, read: (uri) => Effect.succeed(contentsOf(uri, listed.mimeType, seed)) })
        ),
        ...listing.resourceTemplates.map((listed) =>
          ResourceTemplate.relay({ listed, read: (uri) => Effect.succeed(contentsOf(uri, listed.mimeType, seed)) })
        )
      ],
      prompts: listing.prompts.map((listed) =>
        Prompt.relay({
          listed,
          get: (args) => Effect.succeed({ messages: [Prompt.user(`${listed.name} ${JSON.stringify(args ?? {})}`)] })
        })
      )
    })
  }))

const mockTool = (listed: McpSchema.Tool, { answers = {}, seed = 1 }: Options) =>
  Effect.map(
    Object.hasOwn(answers, listed.name)
      ? Effect.succeed((args: JsonObject) => Effect.sync(() => answers[listed.name]!(args)))
      : listed.outputSchema === undefined
      ? Effect.succeed(undefined)
      : Effect.map(
        makerOf(listed.name, listed.outputSchema as JsonObject),
        (make) => (args: JsonObject) => make(`${seed} ${listed.name} ${JSON.stringify(args)}`)
      ),
    (answer) => {
      const input = Schema.decodeUnknownEffect(
        ToolSchema.fromListed<JsonObject>(listed.name, listed.inputSchema as JsonObject)
      )
      return Tool.relay(listed, (args = {}) =>
        Effect.matchEffect(input(args), {
          onFailure: (error) => Effect.succeed(failed(error.message)),
          onSuccess: () =>
            answer === undefined
              ? Effect.succeed(said(`${listed.name} ${JSON.stringify(args)}`))
              : Effect.map(answer(args), (value) => ({ ...said(JSON.stringify(value)), structuredContent: value }))
        }))
    }
  )

const said = (text: string): McpSchema.CallToolResult => ({ content: [{ type: "text", text }] })

const failed = (text: string): McpSchema.CallToolResult => ({ ...said(text), isError: true })

const contentsOf = (uri: string, mimeType: string | undefined, seed: number): McpSchema.ReadResourceResult => {
  const about = { uri, ...(mimeType === undefined ? undefined : { mimeType }) }
  const isText = mimeType === undefined || /^text\/|[/+](?:json|xml|yaml|javascript)\b/u.test(mimeType)
  return {
    contents: [
      isText
        ? { ...about, text: /[/+]json\b/u.test(mimeType ?? "") ? JSON.stringify(uri) : `text of ${uri}` }
        : { ...about, blob: Base64.encode(seeded.make(seed, uri).bytes(16)) }
    ]
  }
}

/** Makes values of a schema, each of a text. */
const makerOf = (
  tool: string,
  schema: JsonObject
): Effect.Effect<(text: string) => Effect.Effect<Json>, ContractError.ContractError> =>
  Effect.suspend(() => {
    const made = Result.try(() => {
      const imported = SchemaRepresentation.fromJsonSchemaDocument(
        JsonSchema.fromSchemaDraft2020_12(schema),
        { patterns: "apply", onEnter: withFormat }
      )
      return Arbitrary.schema(imported) as Arbitrary.Arbitrary<Json>
    })
    const refused = (message: string) => ContractError.make(new ContractError.NoAnswer({ tool, message }))
    if (Result.isFailure(made)) {
      return Effect.fail(refused(made.failure instanceof Error ? made.failure.message : String(made.failure)))
    }
    const sample = (text: string) =>
      Effect.map(Arbitrary.sampleEffect(made.success, { count: 1, size: 4, seed: text }), ([value]) => value!)
    // What cannot be made at all is said now, and not to the first who calls.
    return Effect.as(
      Effect.mapError(sample("0"), () => refused("none of the values that were tried fits")),
      (text: string) => Effect.orDie(sample(text))
    )
  })

/** A schema checks no `format`, and who reads the value may. */
const withFormat = (schema: JsonSchema.JsonSchema): JsonSchema.JsonSchema => {
  const { format, ...rest } = schema
  const values = typeof format === "string" && schema.enum === undefined && schema.const === undefined
    ? formats[format]
    : undefined
  return values === undefined ? schema : { ...rest, enum: values }
}

const formats: { readonly [format: string]: ReadonlyArray<string> | undefined } = {
  "date-time": ["2024-02-29T12:00:00.000Z", "2026-07-28T00:00:00.000Z", "1999-12-31T23:59:59.999Z"],
  date: ["2024-02-29", "2026-07-28"],
  time: ["12:00:00Z", "23:59:59Z"],
  duration: ["PT1H", "P3D"],
  email: ["ada@example.com", "bob@example.org"],
  hostname: ["example.com", "example.org"],
  ipv4: ["192.0.2.1", "198.51.100.7"],
  ipv6: ["2001:db8::1", "2001:db8::7"],
  uri: ["https://example.com/", "https://example.org/a?b=c"],
  uuid: ["6ba7b810-9dad-41d1-80b4-00c04fd430c8", "f47ac10b-58cc-4372-a567-0e02b2c3d479"]
}
