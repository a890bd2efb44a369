/** What a `node:http` server of ours does from its first connection to its last. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as TransportError from "../../transport/TransportError.ts"

/** Listens for as long as the scope is open; nobody new comes in once it closes. */
export const listen = (
  server: Http.Server,
  host: string,
  port: number
): Effect.Effect<AddressInfo, TransportError.TransportError, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(open(server, host, port), () => Effect.sync(() => server.close())),
    () => server.address() as AddressInfo
  )

/** Listens until the server is closed. */
export const open = (server: Http.Server, host: string, port: number) =>
  Effect.callback<void, TransportError.TransportError>((resume) => {
    server.once("error", (cause) =>
      resume(Effect.fail(
        TransportError.make(new TransportError.Refused({ address: `${host}:${port}`, cause }))
      )))
    server.listen(port, host, () => resume(Effect.void))
  })

/** A name the guard lets in: a server on all addresses is reached by one of its own. */
export const reachableAt = (
  { address, family }: AddressInfo,
  allowedHosts: ReadonlyArray<string> | "any" | undefined
): string =>
  address !== "0.0.0.0" && address !== "::"
    ? family === "IPv6" ? `[${address}]` : address
    : Array.isArray(allowedHosts)
    ? allowedHosts[0] ?? "127.0.0.1"
    : "127.0.0.1"

/** Closes connections as the last of their answers leaves, and soon all of them. */
export const hangUp = (server: Http.Server): Effect.Effect<void> =>
  Effect.callback<number>((resume) => {
    server.closeIdleConnections()
    server.getConnections((_, count) => resume(Effect.succeed(count)))
  }).pipe(
    Effect.repeat({ until: (count) => count === 0, schedule: Schedule.spaced("10 millis") }),
    Effect.timeoutOption("1 second"),
    Effect.andThen(Effect.sync(() => server.closeAllConnections()))
  )
