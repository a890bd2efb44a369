/**
 * Asks the user in the user's own browser, which comes back to an address of this machine (RFC 8252): the codes go to no
 * other. The address is also written to stderr, for whoever sits at another machine or has no browser here.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as UserAgent from "../oauth/client/UserAgent.ts"
import * as OAuthError from "../oauth/OAuthError.ts"
import * as redirectPage from "./internal/redirectPage.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** The port that was registered by hand. Any that is free. */
  readonly port?: number
  /** `localhost` for servers that do not take an address. `127.0.0.1`. */
  readonly host?: "127.0.0.1" | "localhost"
  /** `/callback`. */
  readonly path?: string
  /** How long the user has. 5 minutes. */
  readonly timeout?: Duration.Input
  /** Opens the browser, instead of what the system has for that; `() => Effect.void` where there is none. */
  readonly open?: (url: string) => Effect.Effect<void>
  /** Tells the user where to go. Writes to stderr. */
  readonly tell?: (url: string) => Effect.Effect<void>
}

/** @category layers @since 0.1.0 */
export const layer = (options: Options = {}): Layer.Layer<UserAgent.UserAgent> =>
  Layer.succeed(UserAgent.UserAgent, { listen: (preferred) => listen(options, preferred) })

const listen = (
  options: Options,
  preferred: ReadonlyArray<string>
): Effect.Effect<UserAgent.Listening, OAuthError.OAuthError, Scope.Scope> =>
  Effect.gen(function*() {
    const { host = "127.0.0.1", path = "/callback", tell = tellOnStderr } = options
    const visitBy = options.open ?? openBrowser
    const timeout = Duration.fromInputUnsafe(options.timeout ?? "5 minutes")
    let waiting: { readonly state: string; readonly answer: Deferred.Deferred<URLSearchParams> } | undefined
    const server = yield* serve(
      // The port that the client is registered with, for servers that compare it too.
      options.port === undefined ? [...portsOf(preferred, host, path), 0] : [options.port],
      (request, response) => {
        const { port } = server.address() as AddressInfo
        const url = new URL(request.url ?? "/", `http://${host}`)
        const isHere = request.headers.host === `${host}:${port}` && url.pathname === path
        if (request.method !== "GET" || !isHere) return redirectPage.send(response, 404, "NotHere")
        // Any page may send a browser here; only the server that was asked knows the state.
        if (waiting === undefined || url.searchParams.get("state") !== waiting.state) {
          return redirectPage.send(response, 400, "NotAsked")
        }
        redirectPage.send(response, 200, url.searchParams.has("code") ? "Done" : "Refused")
        Deferred.doneUnsafe(waiting.answer, Effect.succeed(url.searchParams))
      }
    )
    return {
      redirectUri: `http://${host}:${(server.address() as AddressInfo).port}${path}`,
      visit: ({ state, url }) =>
        Effect.gen(function*() {
          const answer = yield* Deferred.make<URLSearchParams>()
          waiting = { state, answer }
          yield* tell(url)
          yield* visitBy(url)
          return yield* Effect.timeoutOrElse(Deferred.await(answer), {
            duration: timeout,
            orElse: () =>
              Effect.fail(
                noAnswer(`Nobody has logged in within ${Duration.format(timeout)}, at ${new URL(url).origin}`)
              )
          })
        })
    }
  })

const portsOf = (preferred: ReadonlyArray<string>, host: string, path: string): ReadonlyArray<number> =>
  preferred.flatMap((uri) => {
    const { hostname, pathname, port, protocol } = new URL(uri)
    return protocol === "http:" && hostname === host && pathname === path && port !== "" ? [Number(port)] : []
  })

/** On the first of these ports that is free, for as long as the scope. */
const serve = (
  [port = 0, ...rest]: ReadonlyArray<number>,
  handle: Http.RequestListener
): Effect.Effect<Http.Server, OAuthError.OAuthError, Scope.Scope> => {
  const opened = Effect.acquireRelease(open(port, handle), close)
  return rest.length === 0 ? opened : Effect.catch(opened, () => serve(rest, handle))
}

const open = (port: number, handle: Http.RequestListener): Effect.Effect<Http.Server, OAuthError.OAuthError> =>
  Effect.callback((resume) => {
    const server = Http.createServer({ maxHeaderSize: 16 << 10, requestTimeout: 10_000 }, handle)
    server.once("error", (error) => resume(Effect.fail(noAnswer(`Cannot wait for the browser: ${error.message}`))))
    server.listen({ port, host: "127.0.0.1" }, () => resume(Effect.succeed(server)))
  })

const close = (server: Http.Server): Effect.Effect<void> =>
  Effect.callback((resume) => {
    // The page is on its way still; a browser that keeps its connection would hold up the program.
    const timer = setTimeout(() => server.closeAllConnections(), 500)
    server.close(() => {
      clearTimeout(timer)
      resume(Effect.void)
    })
    server.closeIdleConnections()
  })

/** Without a shell, for the address is a stranger's. */
const openBrowser = (url: string): Effect.Effect<void> =>
  Effect.sync(() => {
    const [command, ...args] = process.platform === "darwin"
      ? ["open"]
      : process.platform === "win32"
      ? ["rundll32", "url.dll,FileProtocolHandler"]
      : ["xdg-open"]
    const child = spawn(command!, [...args, url], { stdio: "ignore", detached: true })
    // There is none; the user has been told where to go.
    child.on("error", () => {})
    child.unref()
  })

const tellOnStderr = (url: string): Effect.Effect<void> =>
  Effect.sync(() => process.stderr.write(`To go on, log in at\n\n  ${url}\n\n`))

const noAnswer = (message: string): OAuthError.OAuthError => OAuthError.make(new OAuthError.NoAnswer({ message }))
