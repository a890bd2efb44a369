/** Where a server's tools are not those of the contracts its client was made with. */
import * as Tool from "../../definition/Tool.ts"
import { isObject, type Json, type JsonObject } from "../../protocol/JsonRpc.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"

export interface Difference {
  readonly tool: string
  readonly message: string
}

export const differences = (
  contracts: ReadonlyArray<Tool.Any>,
  listed: ReadonlyArray<McpSchema.Tool>
): ReadonlyArray<Difference> => {
  const offered = new Map(listed.map((tool) => [tool.name, tool]))
  return contracts.flatMap((contract) => {
    const found = offered.get(contract.name)
    const messages = found === undefined ? ["the server has no such tool"] : compare(Tool.describe(contract), found)
    return messages.map((message) => ({ tool: contract.name, message }))
  })
}

const compare = (contract: McpSchema.Tool, found: McpSchema.Tool): ReadonlyArray<string> => [
  ...compareInput(contract.inputSchema as JsonObject, found.inputSchema as JsonObject),
  ...(contract.outputSchema === undefined
    ? []
    : found.outputSchema === undefined
    ? ["its results are not structured, and the contract's are"]
    : compareOutput(contract.outputSchema as JsonObject, found.outputSchema as JsonObject))
]

/** What is sent has to be taken: each parameter known and of the same kind, none wanted that is not sent. */
const compareInput = (contract: JsonObject, found: JsonObject): ReadonlyArray<string> => {
  const [ours, theirs] = [propertiesOf(contract), propertiesOf(found)]
  const [sent, wanted] = [requiredOf(contract), requiredOf(found)]
  return [
    ...Object.entries(ours).flatMap(([name, schema]) => {
      const other = theirs[name]
      return other === undefined
        ? found.additionalProperties === false ? [`it takes no parameter ${JSON.stringify(name)}`] : []
        : isSame(schema, contract, other, found)
        ? []
        : [`its parameter ${JSON.stringify(name)} is ${kindOf(other)}, and the contract's is ${kindOf(schema)}`]
    }),
    ...[...wanted].filter((name) => !sent.has(name)).map((name) =>
      ours[name] === undefined
        ? `it wants a parameter ${JSON.stringify(name)}, which the contract does not have`
        : `it always wants ${JSON.stringify(name)}, which the contract may leave out`
    )
  ]
}

/** What is read has to be there: each member that is always read is promised, and of the same kind. */
const compareOutput = (contract: JsonObject, found: JsonObject): ReadonlyArray<string> => {
  if (contract.type !== "object" || found.type !== "object") {
    return isSame(contract, contract, found, found)
      ? []
      : [`its result is ${kindOf(found)}, and the contract's is ${kindOf(contract)}`]
  }
  const [ours, theirs] = [propertiesOf(contract), propertiesOf(found)]
  const promised = requiredOf(found)
  return [
    ...Object.entries(ours).flatMap(([name, schema]) => {
      const other = theirs[name]
      return other === undefined || isSame(schema, contract, other, found)
        ? []
        : [`the ${JSON.stringify(name)} of its result is ${kindOf(other)}, and the contract's is ${kindOf(schema)}`]
    }),
    ...[...requiredOf(contract)].filter((name) => !promised.has(name)).map((name) =>
      `its result may lack ${JSON.stringify(name)}, which the contract always has`
    )
  ]
}

const propertiesOf = ({ properties }: JsonObject): JsonObject => isObject(properties) ? properties : {}

const requiredOf = ({ required }: JsonObject): ReadonlySet<string> =>
  new Set(Array.isArray(required) ? required as ReadonlyArray<string> : [])

/** For people: the type, or the whole schema where it has none. */
const kindOf = (schema: Json | undefined): string =>
  isObject(schema) && typeof schema.type === "string" ? `of type ${schema.type}` : JSON.stringify(schema)

/** What says how a value is to be shown, and nothing of what it may be. */
const remarks = new Set([
  "$comment",
  "$defs",
  "$schema",
  "default",
  "definitions",
  "deprecated",
  "description",
  "examples",
  "title"
])

const isSame = (a: Json | undefined, inA: JsonObject, b: Json | undefined, inB: JsonObject): boolean =>
  JSON.stringify(normalize(a, inA, [])) === JSON.stringify(normalize(b, inB, []))

/** Without remarks, references followed, keys in order; lists whose order says nothing, too. */
const normalize = (value: Json | undefined, root: JsonObject, path: ReadonlyArray<string>): unknown => {
  if (Array.isArray(value)) return value.map((item) => normalize(item, root, path))
  if (!isObject(value)) return value
  const { $ref } = value
  if (typeof $ref === "string" && $ref.startsWith("#/") && !path.includes($ref)) {
    const target = $ref.slice(2).split("/").reduce<Json | undefined>(
      (current, key) => isObject(current) ? current[key.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined,
      root
    )
    if (target !== undefined) return normalize(target, root, [...path, $ref])
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !remarks.has(key) && key !== "x-mcp-header")
      .toSorted(([a], [b]) => a < b ? -1 : 1)
      .map(([key, member]) => [
        key,
        (key === "required" || key === "enum") && Array.isArray(member)
          ? [...member].map((item) => JSON.stringify(item)).toSorted()
          : key === "properties" && isObject(member)
          ? Object.fromEntries(
            Object.entries(member).toSorted(([a], [b]) => a < b ? -1 : 1).map(([name, schema]) => [
              name,
              normalize(schema, root, path)
            ])
          )
          : normalize(member, root, path)
      ])
  )
}
