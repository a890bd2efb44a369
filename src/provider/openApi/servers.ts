/** Where the API is. */
import * as NetworkAddress from "../../oauth/NetworkAddress.ts"
import { isObject, type JsonObject } from "../../protocol/JsonRpc.ts"
import { arrayOf, stringOf, Unusable } from "./document.ts"

export interface Place {
  /** The option: it counts for all. */
  readonly url: string | undefined
  readonly variables: { readonly [name: string]: string }
  /** Where the document itself is from. */
  readonly from: URL | undefined
  /** Whether a server that a fetched document names may be called. */
  readonly isAllowed: (url: URL) => boolean
}

/** Without the slash at its end. Throws what is wrong with it. */
export const baseOf = (servers: ReadonlyArray<JsonObject>, { from, isAllowed, url, variables }: Place): string => {
  if (url !== undefined) return plain(new URL(url))
  const given = servers.length === 0 && from !== undefined ? [{ url: "/" }] : servers
  const faults: Array<string> = []
  for (const server of given) {
    const filled = fill(server, variables)
    if (!URL.canParse(filled, from?.href)) {
      faults.push(`its server ${JSON.stringify(filled)} is no whole URL`)
      continue
    }
    const found = new URL(filled, from?.href)
    const fault = faultOf(found) ?? (isAllowed(found) ? undefined : `is of a network of its own`)
    if (fault === undefined) return plain(found)
    faults.push(`its server ${JSON.stringify(filled)} ${fault}`)
  }
  throw new Unusable(faults[0] ?? "it names no server")
}

const faultOf = ({ hostname, protocol }: URL): string | undefined =>
  protocol === "https:"
    ? undefined
    : protocol !== "http:"
    ? "is not one of HTTP"
    : hostname === "localhost" || NetworkAddress.isLoopback(hostname.replace(/^\[|\]$/gu, ""))
    ? undefined
    : "is not encrypted"

const plain = ({ origin, pathname }: URL): string => `${origin}${pathname.replace(/\/+$/u, "")}`

const fill = (server: JsonObject, variables: Place["variables"]): string => {
  const known = isObject(server.variables) ? server.variables : {}
  return (stringOf(server.url) ?? "/").replace(/\{([^{}]+)\}/gu, (_, name: string) => {
    const variable = known[name]
    const value = variables[name] ?? (isObject(variable) ? stringOf(variable.default) : undefined)
    if (value === undefined) throw new Unusable(`its server has a variable ${JSON.stringify(name)} without a value`)
    const choices = arrayOf(isObject(variable) ? variable.enum : undefined)
    if (choices.length > 0 && !choices.includes(value)) {
      throw new Unusable(
        `its server's variable ${JSON.stringify(name)} is one of ${
          choices.map((one) => JSON.stringify(one)).join(", ")
        }`
      )
    }
    return value
  })
}

/** Names of variables in any of the servers. */
export const variablesOf = (servers: ReadonlyArray<JsonObject>): ReadonlyArray<string> =>
  servers.flatMap(({ variables }) => isObject(variables) ? Object.keys(variables) : [])
