/**
 * Refuses requests whose `Host` or `Origin` this server does not answer to: what a DNS-rebinding page in a browser
 * sends. By default only names of the local machine pass; a deployment lists its own.
 */

/** @category models @since 0.1.0 */
export interface Options {
  /** Host names without port, as clients reach the server; `"any"` behind a proxy that checks them. */
  readonly allowedHosts?: ReadonlyArray<string> | "any"
  /** Origins of pages that may call, such as `https://app.example`. A request without `Origin` is no browser's. */
  readonly allowedOrigins?: ReadonlyArray<string>
}

/** @category models @since 0.1.0 */
export type HostGuard = (header: (name: string) => string | undefined) => string | undefined

/** @category constants @since 0.1.0 */
export const localHosts: ReadonlyArray<string> = ["localhost", "127.0.0.1", "[::1]"]

/**
 * Makes a check that answers what is wrong with a request, or `undefined`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): HostGuard => {
  const { allowedHosts = localHosts, allowedOrigins = [] } = options
  const hosts = allowedHosts === "any" ? undefined : new Set(allowedHosts.map((host) => host.toLowerCase()))
  const origins = new Set(allowedOrigins.map((origin) => origin.toLowerCase()))
  return (header) => {
    const host = header("host")
    if (hosts !== undefined && (host === undefined || !hosts.has(withoutPort(host.toLowerCase())))) {
      return `Host ${JSON.stringify(host ?? "")} is not served here; add it to allowedHosts.`
    }
    const origin = header("origin")
    if (origin === undefined || origins.has(origin.toLowerCase())) return undefined
    const named = /^https?:\/\/([^/]+)$/u.exec(origin.toLowerCase())?.[1]
    return named !== undefined && localHosts.includes(withoutPort(named))
      ? undefined
      : `Origin ${JSON.stringify(origin)} may not call this server; add it to allowedOrigins.`
  }
}

const withoutPort = (host: string): string => host.replace(/:\d+$/u, "")
