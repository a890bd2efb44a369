/**
 * JSON values as text that does not depend on the order in which members were sent: equal values, equal text, and
 * different values, different text. What it makes is valid JSON without spaces.
 */
import type { Json } from "../../protocol/JsonRpc.ts"

/** Members are in the order of their names' UTF-16 code units; one that is `undefined` is left out. */
export const canonical = (value: Json): string => {
  if (isArray(value)) return `[${value.map(canonical).join(",")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  const members: Array<string> = []
  for (const name of Object.keys(value).sort()) {
    const member = value[name]
    if (member !== undefined) members.push(`${JSON.stringify(name)}:${canonical(member)}`)
  }
  return `{${members.join(",")}}`
}

const isArray: (value: Json) => value is ReadonlyArray<Json> = Array.isArray
