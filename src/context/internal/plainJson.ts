/** Values that are the same before and after they have been JSON. */
import type { Json } from "../../protocol/JsonRpc.ts"

/** The value as JSON would bring it back, or what JSON would lose. Members that are `undefined` do not count. */
export const copy = (
  value: unknown
): { readonly json: Json; readonly fault?: never } | { readonly fault: string } => {
  const fault = findFault(value, "", [])
  return fault === undefined ? { json: JSON.parse(JSON.stringify(value)) } : { fault }
}

const findFault = (value: unknown, place: string, above: ReadonlyArray<object>): string | undefined => {
  const at = place === "" ? "it" : place
  switch (typeof value) {
    case "boolean":
    case "string":
      return undefined
    case "number":
      return Number.isFinite(value) ? undefined : `${at} is ${value}.`
    case "object":
      break
    default:
      return `${at} is ${value === undefined ? "undefined" : `a ${typeof value}`}.`
  }
  if (value === null) return undefined
  if (above.includes(value)) return `${at} holds itself.`
  if (above.length === maxDepth) return `it nests deeper than ${maxDepth}.`
  const inside = [...above, value]
  if (Array.isArray(value)) {
    // Holes are members too here, unlike in `map` and its like.
    return firstOf(Array.from(value.keys()), (index) => findFault(value[index], `${place}[${index}]`, inside))
  }
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype) {
    return `${at} is an instance of ${prototype.constructor?.name ?? "a class"}; give it a schema.`
  }
  if (typeof (value as { readonly toJSON?: unknown }).toJSON === "function") return `${at} has a toJSON of its own.`
  return firstOf(
    Object.entries(value),
    ([key, member]) =>
      member === undefined ? undefined : findFault(member, place === "" ? key : `${place}.${key}`, inside)
  )
}

/** As deep as a frame of ours may be, less what the state wraps around it. */
const maxDepth = 100

const firstOf = <A>(items: ReadonlyArray<A>, find: (item: A) => string | undefined): string | undefined => {
  for (const item of items) {
    const found = find(item)
    if (found !== undefined) return found
  }
  return undefined
}
