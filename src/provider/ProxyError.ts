/**
 * Why a proxy cannot begin: what is behind it is not there, or has more than it may have. What happens later is told to
 * who calls, as an `McpError`.
 */
import * as Schema from "effect/Schema"

/** The server could not be connected to, or its lists not read. @category reasons @since 0.1.0 */
export class Unreachable extends Schema.TaggedClass<Unreachable>()("Unreachable", {
  server: Schema.String,
  message: Schema.String,
  cause: Schema.Defect()
}) {}

/** The server lists more definitions than the proxy takes. @category reasons @since 0.1.0 */
export class TooMany extends Schema.TaggedClass<TooMany>()("TooMany", {
  server: Schema.String,
  count: Schema.Int,
  limit: Schema.Finite
}) {}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([Unreachable, TooMany])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** Match on `reason._tag`. @category errors @since 0.1.0 */
export class ProxyError extends Schema.TaggedError<ProxyError>("fastmcp-effect/provider/ProxyError")("ProxyError", {
  reason: Reason
}) {
  override get message(): string {
    return describe(this.reason)
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): ProxyError => new ProxyError({ reason })

const describe = (reason: Reason): string => {
  const server = JSON.stringify(reason.server)
  switch (reason._tag) {
    case "Unreachable":
      return `The server ${server} cannot be reached: ${reason.message}. With required: false the proxy starts without it.`
    case "TooMany":
      return `The server ${server} lists ${reason.count} definitions, and the proxy takes ${reason.limit}; ` +
        "raise maxDefinitions if that is meant."
  }
}
