/**
 * The `WWW-Authenticate` header (RFC 9110, 11.6.1): what a server wants to see of its callers.
 */

/** @category models @since 0.1.0 */
export interface Challenge {
  /** In lower case: `bearer`, `dpop`, ... */
  readonly scheme: string
  /** By name, in lower case. Of a name that comes twice the first counts. */
  readonly parameters: { readonly [name: string]: string }
}

/**
 * As many challenges as can be read; what comes after one that cannot be is left out.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = (header: string): ReadonlyArray<Challenge> => {
  const challenges: Array<{ readonly scheme: string; readonly parameters: Record<string, string> }> = []
  let rest = header
  while (rest !== "") {
    const separator = /^[\s,]+/u.exec(rest)
    if (separator !== null) rest = rest.slice(separator[0].length)
    if (rest === "") break
    const parameter = pair.exec(rest)
    const last = challenges.at(-1)
    if (parameter !== null && last !== undefined) {
      const [whole, name, quoted, plain] = parameter
      const key = name!.toLowerCase()
      if (!Object.hasOwn(last.parameters, key)) {
        last.parameters[key] = quoted === undefined ? plain! : quoted.replace(/\\(.)/gsu, "$1")
      }
      rest = rest.slice(whole.length)
      continue
    }
    const scheme = begin.exec(rest)
    if (scheme === null) break
    challenges.push({ scheme: scheme[1]!.toLowerCase(), parameters: Object.create(null) as Record<string, string> })
    rest = rest.slice(scheme[0].length)
  }
  return challenges
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"

/** A name and its value. Servers leave out the quotes also where they should not, around URLs. */
const pair = new RegExp(`^(${token})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]+))(?=[\\s,]|$)`, "su")

/** A scheme, and all of its credentials where these are no parameters (`Basic abc==`). */
const begin = new RegExp(`^(${token})(?:[ \\t]+[A-Za-z0-9._~+/-]+=*(?=[ \\t]*(?:,|$)))?(?=[\\s,]|$)`, "u")
