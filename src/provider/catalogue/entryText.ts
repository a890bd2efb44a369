/** An entry as the text a store keeps: all of it but its kind and its name. */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as CatalogueEntry from "../CatalogueEntry.ts"

const schemas = {
  tool: CatalogueEntry.Tool,
  resource: CatalogueEntry.Resource,
  template: CatalogueEntry.Template,
  prompt: CatalogueEntry.Prompt
}

/** What an entry calls its name. */
const labels = { tool: "name", resource: "uri", template: "uriTemplate", prompt: "name" } as const

export interface EntryText {
  /** The same for entries that are the same; or why there can be no such entry. */
  readonly encode: (entry: CatalogueEntry.Entry) => Result.Result<string, string>
  /** The entry, or what is wrong with it. Keys nobody knows are wrong, for they may have been meant to hide it. */
  readonly decode: (key: CatalogueEntry.Key, text: string) => Result.Result<CatalogueEntry.Entry, string>
}

/** Made when it is first used, so that a schema compiler switched on until then has its say. */
export const make = (): EntryText => {
  const strict = { onExcessProperty: "error", errors: "all" } as const
  const encoders = mapKinds((kind) => SchemaParser.encodeUnknownExit(schemas[kind], strict))
  const decoders = mapKinds((kind) => SchemaParser.decodeUnknownExit(schemas[kind], strict))
  return {
    encode: (entry) => {
      if (!Object.hasOwn(schemas, entry.kind)) return Result.fail(`There is no kind ${JSON.stringify(entry.kind)}`)
      const encoded = encoders[entry.kind](entry)
      if (Exit.isFailure(encoded)) return Result.fail(describe(encoded.cause))
      const { kind: _, [labels[entry.kind]]: _name, ...rest } = encoded.value as { [key: string]: unknown }
      return Result.succeed(JSON.stringify(rest))
    },
    decode: ({ kind, name }, text) => {
      if (!Object.hasOwn(schemas, kind)) return Result.fail(`There is no kind ${JSON.stringify(kind)}`)
      const json = parse(text)
      if (Result.isFailure(json)) return Result.fail(json.failure)
      const decoded = decoders[kind]({ ...json.success, kind, [labels[kind]]: name })
      return Exit.isFailure(decoded)
        ? Result.fail(describe(decoded.cause))
        : Result.succeed(decoded.value as CatalogueEntry.Entry)
    }
  }
}

const mapKinds = <A>(f: (kind: CatalogueEntry.Kind) => A): Readonly<Record<CatalogueEntry.Kind, A>> => ({
  tool: f("tool"),
  resource: f("resource"),
  template: f("template"),
  prompt: f("prompt")
})

const parse = (text: string): Result.Result<object, string> => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? Result.succeed(value)
      : Result.fail("It is no JSON object")
  } catch {
    return Result.fail("It is no JSON")
  }
}

const format = SchemaIssue.makeFormatterStandardSchemaV1()

export const describe = (cause: Cause.Cause<SchemaIssue.Issue>): string =>
  cause.reasons.flatMap((reason) =>
    Cause.isFailReason(reason)
      ? format(reason.error).issues.map(({ message, path = [] }) =>
        path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`
      )
      : ["It cannot be read"]
  ).join("; ")
