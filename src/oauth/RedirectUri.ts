/**
 * Where an authorization server sends its codes. A wrong match sends them to a thief, so URIs are compared as text.
 */
import * as NetworkAddress from "./NetworkAddress.ts"

/**
 * Whether `given` is the registered one: the same text, but for the port where both are of a loopback address (RFC
 * 8252, 7.3), which a program takes as it gets it.
 *
 * @category comparing
 * @since 0.1.0
 */
export const matches = (registered: string, given: string): boolean => {
  if (registered === given) return true
  const [a, b] = [loopback.exec(registered), loopback.exec(given)]
  return a !== null && b !== null && a[1] === b[1] && a[2] === b[2] && problem(given) === undefined
}

/** Of an address and not of a name, for a name may be made to mean another machine. */
const loopback = /^http:\/\/(127\.0\.0\.1|\[::1\])(?::\d{1,5})?((?:\/[^#]*)?)$/u

/** Whether it leads to a program on this machine, `localhost` included. @category guards @since 0.1.0 */
export const isLoopback = (uri: string): boolean => {
  if (!URL.canParse(uri)) return false
  const { hostname, protocol } = new URL(uri)
  return protocol === "http:" && (hostname === "localhost" || NetworkAddress.isLoopback(hostname))
}

/**
 * Why nobody should register it, or undefined: it can be read on its way, or runs something where it arrives. For
 * whoever configures a client and knows its program, the program's scheme may have any name (`isKnown`).
 *
 * @category guards
 * @since 0.1.0
 */
export const problem = (uri: string, isKnown = false): string | undefined => {
  if (!URL.canParse(uri)) return "it is not an absolute URI"
  if (uri.includes("#")) return "it has a fragment"
  if (!/^[\u0021-\u007e]+$/u.test(uri)) return "there are characters in it that no URI has, and no header"
  const url = new URL(uri)
  if (url.username !== "" || url.password !== "") return "there are credentials in it"
  if (url.host.includes("*")) return "there is a wildcard in its host, and it is compared as text"
  if (url.protocol === "https:" || isLoopback(uri)) return undefined
  if (url.protocol === "http:") return "it is not encrypted and not of this machine"
  // A scheme that a program has to itself is named after a domain.
  return url.protocol.includes(".") || (isKnown && !browsers.test(url.protocol))
    ? undefined
    : `${url.protocol} is not a scheme of a program's own`
}

/** What a browser opens itself. */
const browsers = /^(?:about|blob|data|file|filesystem|ftp|javascript|vbscript|view-source|wss?):$/u
