/**
 * What others say, for an error or a log: some say again what they were told in secret.
 */

/** The text without the secrets, also where they are written as in a URL, a form or JSON. @category combinators @since 0.1.0 */
export const conceal = (text: string, secrets: Iterable<string>): string => {
  const forms = [...secrets].flatMap((secret) => [
    secret,
    JSON.stringify(secret).slice(1, -1),
    escape(secret),
    escape(secret).replaceAll("%20", "+")
  ])
  // What is part of another secret must not break that one into pieces first.
  return forms.filter((form) => form !== "").toSorted((a, b) => b.length - a.length).reduce(
    (text, form) => text.replaceAll(form, "<redacted>"),
    text
  )
}

const escape = (text: string): string => encodeURIComponent(text.toWellFormed())

/**
 * An error of a library with no more than its words and its codes. What it carries besides may be the request, or as
 * much of an answer as could not be read.
 *
 * @category combinators
 * @since 0.1.0
 */
export const bareError = (error: unknown): Error | undefined => bare(error, 8)

const bare = (error: unknown, depth: number): Error | undefined => {
  if (!(error instanceof Error) || depth === 0) return undefined
  const own = error as Error & { readonly [name: string]: unknown }
  const cause = bare(own.cause, depth - 1)
  const copy = new Error(own.message, cause === undefined ? undefined : { cause })
  for (const name of ["name", "stack"]) {
    Object.defineProperty(copy, name, { value: own[name], configurable: true, writable: true })
  }
  for (const name of ["code", "errno", "syscall"]) {
    if (own[name] !== undefined) Object.assign(copy, { [name]: own[name] })
  }
  // As of a connection that was tried at several addresses.
  if (Array.isArray(own.errors)) Object.assign(copy, { errors: own.errors.map((one) => bare(one, depth - 1)) })
  return copy
}

/** `ECONNREFUSED`, ...: that of the innermost error that has one. @category combinators @since 0.1.0 */
export const codeOf = (error: unknown): string | undefined => {
  let found: string | undefined
  let inner = error
  for (let depth = 0; depth < 8 && typeof inner === "object" && inner !== null; depth++) {
    const { cause, code, reason } = inner as { readonly [name: string]: unknown }
    if (typeof code === "string") found = code
    inner = cause ?? reason
  }
  return found
}
