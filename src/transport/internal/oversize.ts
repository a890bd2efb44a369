/**
 * What can be told of a message that was too long to keep, from how it began and ended: whether it answers, and which
 * request. Of valid JSON it says nothing wrong; where it cannot tell it says so.
 */
import * as JsonRpc from "../../protocol/JsonRpc.ts"

export interface Oversize {
  readonly id: JsonRpc.RequestId | null
  readonly isResponse: boolean
}

export const read = (head: string, tail: string): Oversize => {
  let id: JsonRpc.RequestId | null = null
  let hasMethod = false
  let rest = /^\s*\{(.*)$/su.exec(head)?.[1] ?? ""
  for (let member = small.exec(rest); member !== null; member = small.exec(rest)) {
    const [text, key, value] = member
    rest = rest.slice(text.length)
    if (key === "method") hasMethod = true
    else if (key === "id") id = toId(value!)
  }
  return {
    // Who writes the large member first writes the id last.
    id: id ?? toId(lastId.exec(tail)?.[1] ?? "null"),
    isResponse: !hasMethod && /^\s*"(?:result|error)"\s*:/u.test(rest)
  }
}

const small = /^\s*"(jsonrpc|id|method)"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+|null)\s*,/u

/** As the last brace closes the message, what stands before it is a member of the message itself. */
const lastId = /,\s*"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/u

const toId = (text: string): JsonRpc.RequestId | null => {
  try {
    const id: unknown = JSON.parse(text)
    return JsonRpc.isId(id) ? id : null
  } catch {
    return null
  }
}
