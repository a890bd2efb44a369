/** Values as they are kept: JSON, of a size that is limited, and sealed if the docket has a key. */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as Seal from "../core/Seal.ts"
import type * as DocketTask from "./DocketTask.ts"

/** Which value of which execution: what is sealed for one cannot be opened as another. */
export type Part = "payload" | "data" | "result" | "error"

/** Why a value cannot be kept or read; for people, without the value. */
export type Problem =
  | { readonly _tag: "Invalid"; readonly issue: string }
  | { readonly _tag: "TooLarge"; readonly bytes: number; readonly maximum: number }

/** Whose it is. */
export interface Owner {
  readonly id: string
  readonly schedule?: string | undefined
  readonly task: string
}

/** What needs nobody's help, where nothing is sealed and no schema has to wait, is done when it is asked for. */
export interface Sealing {
  readonly isSealed: boolean
  readonly write: (
    schema: DocketTask.Codec,
    value: unknown,
    part: Part,
    owner: Owner
  ) => Effect.Effect<string, Problem>
  readonly read: (
    schema: DocketTask.Codec,
    text: string,
    part: Part,
    owner: Owner
  ) => Effect.Effect<unknown, Problem>
  /** The JSON itself, for a rule that looks into it. */
  readonly readJson: (text: string, part: Part, owner: Owner) => Effect.Effect<unknown, Problem>
}

export interface Options {
  /** The first seals; all open. */
  readonly keys:
    | readonly [Redacted.Redacted<string | Uint8Array>, ...ReadonlyArray<Redacted.Redacted<string | Uint8Array>>]
    | undefined
  readonly maxBytes: number
}

/** Dies when a key is too short. */
export const make = Effect.fnUntraced(function*({ keys, maxBytes }: Options) {
  const sealer = keys === undefined ? undefined : yield* Effect.provide(
    Seal.make("docket", keys.map(longEnough) as [Uint8Array]),
    Seal.layerWebCrypto
  )
  const codecs = new WeakMap<DocketTask.Codec, Codec>()
  const codecOf = (schema: DocketTask.Codec): Codec => {
    let codec = codecs.get(schema)
    if (codec === undefined) {
      const json = Schema.toCodecJson(schema)
      codec = { encode: Schema.encodeUnknownEffect(json), decode: Schema.decodeUnknownEffect(json) }
      codecs.set(schema, codec)
    }
    return codec
  }

  const opened = (text: string, part: Part, owner: Owner): Effect.Effect<string, Problem> =>
    sealer === undefined ?
      Effect.succeed(text) :
      Effect.flatMap(sealer.open(text, binding(part, owner)), (bytes) =>
        bytes === undefined
          ? Effect.fail<Problem>({ _tag: "Invalid", issue: "It was not sealed with a key of this docket." })
          : Effect.succeed(decoder.decode(bytes)))

  const readJson: Sealing["readJson"] = (text, part, owner) => Effect.flatMapEager(opened(text, part, owner), parse)

  const write: Sealing["write"] = (schema, value, part, owner) =>
    Effect.flatMapEager(Effect.mapErrorEager(codecOf(schema).encode(value), invalid), (encoded) => {
      const json = JSON.stringify(encoded) ?? ""
      // A character has three bytes at the most, so that few need to be counted.
      if (sealer === undefined && json.length * 3 <= maxBytes) return Effect.succeed(json)
      const bytes = encoder.encode(json)
      if (bytes.length > maxBytes) {
        return Effect.fail<Problem>({ _tag: "TooLarge", bytes: bytes.length, maximum: maxBytes })
      }
      return sealer === undefined ? Effect.succeed(decoder.decode(bytes)) : sealer.seal(bytes, binding(part, owner))
    })

  const read: Sealing["read"] = (schema, text, part, owner) =>
    Effect.flatMapEager(
      readJson(text, part, owner),
      (json) => Effect.mapErrorEager(codecOf(schema).decode(json), invalid)
    )

  return { isSealed: sealer !== undefined, write, read, readJson } satisfies Sealing
})

const parse = (json: string): Effect.Effect<unknown, Problem> => {
  try {
    return Effect.succeed(json === "" ? undefined : JSON.parse(json))
  } catch {
    return Effect.fail<Problem>({ _tag: "Invalid", issue: "It is not JSON." })
  }
}

interface Codec {
  readonly encode: (value: unknown) => Effect.Effect<unknown, Schema.SchemaError>
  readonly decode: (value: unknown) => Effect.Effect<unknown, Schema.SchemaError>
}

const longEnough = (secret: Redacted.Redacted<string | Uint8Array>): Uint8Array => {
  const bytes = Seal.bytesOf(secret)
  if (bytes.length < Seal.minKeyBytes) {
    throw new Error(`A key of a docket has ${bytes.length} bytes; ${Seal.minKeyBytes} random ones are the least.`)
  }
  return bytes
}

const format = SchemaIssue.makeFormatterStandardSchemaV1()

/** Of what a schema found only where: its words may have the value in them. */
const invalid = ({ issue }: Schema.SchemaError): Problem => {
  const places = format(issue).issues.map(({ path = [] }) =>
    path.map((segment) => String(typeof segment === "object" ? segment.key : segment)).join(".")
  )
  const named = places.filter((place) => place !== "").map((place) => JSON.stringify(place))
  return {
    _tag: "Invalid",
    issue: named.length === 0 ? "It does not fit the schema." : `It does not fit the schema at ${named.join(", ")}.`
  }
}

/** Runs of a schedule have one payload. */
const binding = (part: Part, { id, schedule, task }: Owner): string =>
  `${part} ${JSON.stringify([task, schedule ?? id])}`

const encoder = new TextEncoder()

const decoder = new TextDecoder()
