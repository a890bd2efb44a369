/**
 * Documents of many makers: each loads, is listed as the protocol wants it, and a sample of its operations is called. All
 * operations of all of them are called by `npm run proof:openapi`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Ajv2020 } from "ajv/dist/2020.js"
import * as Effect from "effect/Effect"
import type { JsonObject } from "fastmcp-effect/protocol/JsonRpc"
import * as OpenApi from "fastmcp-effect/provider/OpenApi"
import * as official from "../../protocol/official.ts"
import * as calling from "./calling.ts"
import * as documents from "./documents.ts"
import { api, connected } from "./support.ts"

/** Of a document; all where it has fewer. */
const sample = 5

/** Spread over the document, and the same each time; those that take Prism long are for the proof. */
const sampled = (served: ReadonlyArray<OpenApi.Served>): ReadonlyArray<OpenApi.Served> => {
  const step = Math.max(1, Math.floor(served.length / sample))
  return served.length < 20 ? served : served.filter((_, index) => index % step === 1).slice(0, sample)
}

const counted = (leftOut: ReadonlyArray<OpenApi.LeftOut>) =>
  leftOut.reduce<{ [why: string]: number }>((counts, { why }) => ({ ...counts, [why]: (counts[why] ?? 0) + 1 }), {})

const ajv = new Ajv2020({ strict: false, logger: false, validateFormats: false })

/** Whether it is a JSON Schema; what stands in many tools is looked at once. */
const metaFaults = (schema: JsonObject, seen: Map<string, string | undefined>): ReadonlyArray<string> => {
  const { $defs = {}, ...root } = schema
  return [root, ...Object.values($defs as JsonObject)].flatMap((one) => {
    const text = JSON.stringify(one)
    if (!seen.has(text)) seen.set(text, ajv.validateSchema(one as never) ? undefined : ajv.errorsText(ajv.errors))
    return seen.get(text) ?? []
  })
}

/** References that lead nowhere. */
const lost = (schema: JsonObject): ReadonlyArray<string> =>
  [...JSON.stringify(schema).matchAll(/"\$ref":"([^"]*)"/gu)].map(([, ref]) => ref!).filter((ref) =>
    !ref.startsWith("#/$defs/") || !Object.hasOwn((schema.$defs ?? {}) as object, ref.slice("#/$defs/".length))
  )

for (const { file, leftOut, openapi, served } of documents.known) {
  describe(file, () => {
    const document = documents.valueOf(file)

    it.effect("is read from its text, and a report says what is not served", () =>
      Effect.gen(function*() {
        const report = yield* Effect.provide(
          OpenApi.inspect({ document: documents.textOf(file), url: calling.url }),
          api().layer
        )
        assert.deepStrictEqual([report.openapi, report.served.length, counted(report.leftOut)], [
          openapi,
          served,
          leftOut
        ])
        const names = report.served.map(({ name }) => name)
        assert.strictEqual(new Set(names).size, names.length)
        assert.deepStrictEqual(names.filter((name) => !/^[A-Za-z0-9_-]{1,64}$/u.test(name)), [])
      }), 60_000)

    it.effect(
      "lists schemas that are some, whole, and with keys that models are let to say",
      () =>
        Effect.gen(function*() {
          const client = yield* connected({ document, url: calling.url, deprecated: true }, api())
          const tools = yield* client.listTools
          const seen = new Map<string, string | undefined>()
          const faults = tools.flatMap(({ inputSchema, name, outputSchema }) => {
            const schemas = [inputSchema, ...outputSchema === undefined ? [] : [outputSchema]] as ReadonlyArray<
              JsonObject
            >
            const keys = Object.keys((inputSchema.properties ?? {}) as object)
            return [
              ...schemas.flatMap((schema) => metaFaults(schema, seen)),
              ...schemas.flatMap(lost),
              ...keys.filter((key) => !/^[A-Za-z0-9_.-]{1,64}$/u.test(key))
            ].map((fault) => `${name}: ${fault}`)
          })
          assert.deepStrictEqual(faults, [])
          assert.isAbove(tools.length, 0)
        }),
      60_000
    )

    it.effect("has operations that are called as it says", () =>
      Effect.gen(function*() {
        const report = yield* Effect.provide(OpenApi.inspect({ document, url: calling.url }), api().layer)
        const outcomes = yield* Effect.forEach(sampled(report.served), (operation) =>
          calling.call(file, document, operation))
        assert.deepStrictEqual(
          outcomes.flatMap(({ faults }) =>
            faults
          ),
          []
        )
        assert.deepStrictEqual(outcomes.filter(({ isCalled }) => !isCalled).map(({ operation }) => operation), [])
      }), 60_000)
  })
}

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  official.against(revision, `documents in ${revision}`, ({ faults }) => {
    describe(`documents in ${revision}`, () => {
      for (const { file } of documents.known) {
        it.effect(`${file} is listed as the official schema has it`, () =>
          Effect.gen(function*() {
            const document = documents.valueOf(file)
            const client = yield* connected({ document, url: calling.url }, api(), { revision })
            const tools = yield* client.listTools
            assert.deepStrictEqual(tools.flatMap((tool) => faults("Tool", tool) ?? []), [])
          }), 60_000)
      }
    })
  })
}
