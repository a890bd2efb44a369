/**
 * What a client declared, against what is wanted of it.
 */
import type * as McpSchema from "../../protocol/McpSchema.ts"

interface Capabilities {
  readonly [key: string]: unknown
}

/** The wanted capabilities the client lacks; undefined when it has them all. */
export const missing = (
  capabilities: McpSchema.ClientCapabilities,
  wanted: McpSchema.ClientCapabilities
): Capabilities | undefined => {
  const declared: Capabilities = capabilities.elicitation === undefined || "form" in capabilities.elicitation
      || "url" in capabilities.elicitation
    ? capabilities as Capabilities
    // An empty `elicitation` has always meant forms.
    : { ...capabilities, elicitation: { form: {} } }
  const lacking = Object.entries(wanted).filter(([key, value]) => !covers(declared[key], value))
  return lacking.length === 0 ? undefined : Object.fromEntries(lacking)
}

/** `elicitation.url`, for a person. */
export const nameOf = (capabilities: Capabilities): string =>
  Object.entries(capabilities).map(([key, value]) => {
    const members = typeof value === "object" && value !== null ? Object.keys(value) : []
    return members.length === 0 ? key : members.map((member) => `${key}.${member}`).join(", ")
  }).join(", ")

/** Whether what the client declared has every member that is wanted, and every flag that is wanted true. */
const covers = (declared: unknown, wanted: unknown): boolean =>
  typeof wanted === "object" && wanted !== null && typeof declared === "object" && declared !== null
    ? Object.entries(wanted).every(([key, value]) => covers((declared as Capabilities)[key], value))
    : wanted === undefined || wanted === false || (wanted === true ? declared === true : declared !== undefined)
