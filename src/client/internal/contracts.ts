/** Where a server's tools are not those of the contracts its client was made with. */
import * as Tool from "../../definition/Tool.ts"
import type { Json, JsonObject } from "../../protocol/JsonRpc.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"
import * as Subschema from "../../protocol/Subschema.ts"

export interface Difference {
  readonly tool: string
  readonly message: string
}

/** What output schemas a revision has: none before 2025-06-18, and of any type from 2026-07-28. */
export type Structured = "nothing" | "objects" | "anything"

export const structuredIn = (version: string): Structured =>
  version < "2025-06-18" ? "nothing" : version < "2026-07-28" ? "objects" : "anything"

export const differences = (
  contracts: ReadonlyArray<Tool.Any>,
  listed: ReadonlyArray<McpSchema.Tool>,
  structured: Structured
): ReadonlyArray<Difference> => {
  const offered = new Map(listed.map((tool) => [tool.name, tool]))
  return contracts.flatMap((contract) => {
    const found = offered.get(contract.name)
    const messages = found === undefined
      ? ["the server has no such tool"]
      : compare(Tool.describe(contract), found, structured)
    return [...new Set(messages)].map((message) => ({ tool: contract.name, message }))
  })
}

const partOf = (schema: object): Subschema.Part => ({ schema: schema as JsonObject, root: schema as JsonObject })

const compare = (
  contract: McpSchema.Tool,
  found: McpSchema.Tool,
  structured: Structured
): ReadonlyArray<string> => {
  // What is sent has to be taken.
  const input = Subschema.faults(partOf(contract.inputSchema), partOf(found.inputSchema), { ignoreExcess: false })
  return [...input.map(explainInput), ...compareOutput(contract.outputSchema, found.outputSchema, structured)]
}

/** What is read has to be there. A contract whose result is text, or nothing, reads what there is. */
const compareOutput = (
  contract: McpSchema.Tool["outputSchema"],
  found: McpSchema.Tool["outputSchema"],
  structured: Structured
): ReadonlyArray<string> => {
  if (contract === undefined) return []
  if (found === undefined) {
    // Then the JSON is in the text, and nobody can have promised it.
    return structured === "nothing" || (structured === "objects" && contract.type !== "object")
      ? []
      : ["its results are not structured, and the contract's are"]
  }
  // More members than the contract names are no harm to who reads.
  return Subschema.faults(partOf(found), partOf(contract), { ignoreExcess: true }).map(explainOutput)
}

// ----------------------------------------------------------------------------
// words
// ----------------------------------------------------------------------------

const quote = (value: Json): string => JSON.stringify(value)

const nameOf = (path: ReadonlyArray<string>): string =>
  quote(path.reduce((name, key) => key === "[]" ? `${name}[]` : name === "" ? key : `${name}.${key}`, ""))

const explainInput = (fault: Subschema.Fault): string => {
  const { path } = fault
  const subject = path.length === 0 ? "its parameters" : `its parameter ${nameOf(path)}`
  const verb = path.length === 0 ? "are" : "is"
  switch (fault._tag) {
    case "Kind":
      return ((theirs, ours) => `${subject} ${verb} ${theirs}, and the contract's ${verb} ${ours}`)(
        ...Subschema.kindsOf(fault.wide, fault.narrow)
      )
    case "Missing":
      return path.length > 0
        ? `${subject} always has ${quote(fault.name)}, which the contract ${
          fault.isKnown ? "may leave out" : "does not have"
        }`
        : fault.isKnown
        ? `it always wants ${quote(fault.name)}, which the contract may leave out`
        : `it wants a parameter ${quote(fault.name)}, which the contract does not have`
    case "Excess":
      return fault.name === undefined
        ? `${subject} ${path.length === 0 ? "have" : "has"} no other members, and the contract's may`
        : path.length === 0
        ? `it takes no parameter ${quote(fault.name)}`
        : `${subject} takes no ${quote(fault.name)}`
    case "Rule":
      return `${subject} ${verb} held to ${Subschema.ruleOf(fault)}, and the contract's ${verb} ${
        fault.narrow === undefined ? "not" : `held to ${quote(fault.narrow)}`
      }`
  }
}

const explainOutput = (fault: Subschema.Fault): string => {
  const { path } = fault
  const subject = path.length === 0 ? "its result" : `the ${nameOf(path)} of its result`
  switch (fault._tag) {
    case "Kind":
      return ((theirs, ours) => `${subject} is ${theirs}, and the contract's is ${ours}`)(
        ...Subschema.kindsOf(fault.narrow, fault.wide)
      )
    case "Missing":
      return `${subject} may lack ${quote(fault.name)}, which the contract always has`
    case "Excess":
      return `${subject} may have ${
        fault.name === undefined ? "members" : quote(fault.name)
      } that the contract does not allow`
    case "Rule":
      return `the contract's ${path.length === 0 ? "result" : nameOf(path)} is held to ${
        Subschema.ruleOf(fault)
      }, and the server's is ${fault.narrow === undefined ? "not" : `held to ${quote(fault.narrow)}`}`
  }
}
