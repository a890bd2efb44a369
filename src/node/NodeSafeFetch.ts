/**
 * `SafeFetch` on Node: a name is resolved once for each connection, every address it resolves to is judged, and the
 * connection is made to one of those.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Layer from "effect/Layer"
import * as dns from "node:dns"
import type { LookupFunction } from "node:net"
import * as SafeFetch from "../oauth/SafeFetch.ts"

/** What a name resolves to. @category models @since 0.1.0 */
export type Resolve = (host: string) => Promise<ReadonlyArray<dns.LookupAddress>>

/** @category models @since 0.1.0 */
export interface Options extends SafeFetch.Options {
  /** Instead of the system's resolver. */
  readonly resolve?: Resolve
}

/** @category layers @since 0.1.0 */
export const layer = (options: Options = {}): Layer.Layer<SafeFetch.SafeFetch> =>
  Layer.provide(
    SafeFetch.layer(options),
    NodeHttpClient.layerUndiciOptions({ connect: { lookup: lookup(options) } })
  )

/** One bad address spoils the name: whoever adds it to good ones hopes that it is taken. */
const lookup = (options: Options): LookupFunction => (host, { all, family }, callback) => {
  const resolve = options.resolve ?? ((name) => dns.promises.lookup(name, { all: true }))
  resolve(host).then((found) => {
    if (!found.every(({ address }) => SafeFetch.mayConnect(options, host, address))) {
      return callback(problem(SafeFetch.forbiddenAddress, `${host} resolves to an address for special use`), "")
    }
    const addresses = family === 4 || family === 6 ? found.filter((one) => one.family === family) : [...found]
    const [first] = addresses
    if (first === undefined) return callback(problem("ENOTFOUND", `${host} resolves to no address`), "")
    if (all === true) callback(null, addresses)
    else callback(null, first.address, first.family)
  }, (error: NodeJS.ErrnoException) => callback(error, ""))
}

const problem = (code: string, message: string): NodeJS.ErrnoException => Object.assign(new Error(message), { code })
