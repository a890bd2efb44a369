/** A server whose tool does what a call tells it, step by step, and what tests of its HTTP transports say to it. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Ask from "fastmcp-effect/context/Ask"
import * as ClientLog from "fastmcp-effect/context/ClientLog"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as Identity from "fastmcp-effect/context/Identity"
import type * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as ResponseStream from "fastmcp-effect/context/ResponseStream"
import * as SessionState from "fastmcp-effect/context/SessionState"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import type * as StreamableHttpServer from "fastmcp-effect/transport/StreamableHttpServer"
import * as processes from "../server/processes.ts"
import * as wires from "../server/wires.ts"
import type * as stores from "./stores.ts"

export interface Probe {
  /** What the calls went through: `1 started`, `1 Cancelled User`. */
  readonly events: Array<string>
  /** For tests that cannot ask again and again: waits for one of them. */
  readonly saw: (event: string) => Promise<void>
  readonly tell: (event: string) => void
  /** Lets calls go on that wait for this. */
  readonly open: (gate: string) => void
  readonly gate: (name: string) => Latch.Latch
}

export const makeProbe = (): Probe => {
  const gates = new Map<string, Latch.Latch>()
  const gate = (name: string) => {
    const found = gates.get(name) ?? Latch.makeUnsafe()
    gates.set(name, found)
    return found
  }
  const events: Array<string> = []
  const waiting = new Set<() => void>()
  return {
    events,
    gate,
    open: (name) => void gate(name).openUnsafe(),
    tell: (event) => {
      events.push(event)
      for (const look of [...waiting]) look()
    },
    saw: (event) =>
      processes.within(
        10_000,
        () => `${event} among ${events}`,
        new Promise((resolve) => {
          const look = () => {
            if (!events.includes(event)) return
            waiting.delete(look)
            resolve()
          }
          waiting.add(look)
          look()
        })
      )
  }
}

const color = Elicitation.form({ color: Schema.String }, { message: "Which color?" })

const count = SessionState.make("count", Schema.Int, { default: 0 })

/** `say x`, `wait gate`, `ask key`, `close`, `count`, `counted`, `who`, `big length`, `forever`. */
const script = (probe: Probe) => {
  const perform = (step: string): Effect.Effect<string, never, RequestContext.RequestContext> => {
    const [verb, word = ""] = step.split(" ")
    switch (verb) {
      case "say":
        return Effect.as(ClientLog.error(word), step)
      case "wait":
        return Effect.as(probe.gate(word).await, step)
      case "ask":
        return Effect.map(Effect.orDie(Ask.one(`color ${word}`, color)), ({ color }) => color)
      case "close":
        return Effect.as(ResponseStream.closeConnection, step)
      case "count":
        return Effect.map(Effect.orDie(count.update((count) => count + 1)), String)
      case "counted":
        return Effect.map(Effect.orDie(count.get), String)
      case "who":
        return Effect.map(Identity.CurrentIdentity, ({ subject }) => subject ?? "nobody")
      case "big":
        return Effect.sync(() => "x".repeat(Number(word)))
      case "forever":
        return Effect.never
      default:
        return Effect.die(new Error(`nobody knows ${verb}`))
    }
  }
  return Tool.make("script", {
    parameters: { name: Schema.String, steps: Schema.Array(Schema.String) },
    success: Schema.String,
    handler: ({ name, steps }) =>
      Effect.andThen(
        Effect.sync(() => probe.tell(`${name} started`)),
        Effect.forEach(steps, perform)
      ).pipe(
        Effect.map((said) => said.join(", ")),
        Effect.onExit((exit) =>
          Effect.sync(() => {
            const outcome = Outcome.fromExit(exit)
            probe.tell(`${name} ${outcome._tag}${outcome._tag === "Cancelled" ? ` ${outcome.reason}` : ""}`)
          })
        )
      )
  })
}

const extra = Tool.make("extra", { handler: () => Effect.void })

export const watched = "test:///watched"

export const server = (probe: Probe) =>
  McpServer.layer({
    name: "scripted",
    version: "1",
    tools: [script(probe)],
    resources: [Resource.text(watched, "x"), Resource.text("test:///other", "x")],
    requestTimeout: "10 hours",
    askTimeout: "10 hours"
  })

export interface Node extends wires.Http {
  readonly probe: Probe
  readonly server: McpServer.McpServer["Service"]
  /** Changes the list of tools: adds one, or removes it again. */
  readonly change: Effect.Effect<void>
}

/** One endpoint over a server of its own. */
export const node = (
  options: StreamableHttpServer.Options = {},
  services: Context.Context<never> | Context.Context<stores.Stores> = Context.empty()
): Effect.Effect<Node, never, Scope.Scope> =>
  Effect.gen(function*() {
    const probe = makeProbe()
    const context = yield* Effect.orDie(Layer.build(server(probe)))
    const http = yield* wires.http(options).pipe(
      Effect.provideContext(Context.merge(context, services as Context.Context<never>))
    )
    const own = Context.get(context, McpServer.McpServer)
    let isChanged = false
    const change = Effect.suspend(() => {
      isChanged = !isChanged
      return isChanged ? Scope.provide(own.add(extra), own.scope) : own.remove("tools", "extra")
    })
    return { ...http, probe, server: own, change: Effect.orDie(change) }
  })

export type Headers = { readonly [name: string]: string | undefined }

export const initialize = (revision = "2025-11-25", capabilities: object = { elicitation: {} }) => ({
  jsonrpc: "2.0",
  id: "initialize",
  method: "initialize",
  params: { protocolVersion: revision, capabilities, clientInfo: { name: "x", version: "1" } }
})

export const initialized = wires.notification("notifications/initialized")

/** Opens a session; its header. */
export const open = (
  { send }: Pick<wires.Http, "send">,
  revision?: string,
  options?: wires.SendOptions
): Headers => {
  const post = send(initialize(revision), {}, options)
  const session = { "mcp-session-id": post.headers["mcp-session-id"] }
  send(initialized, session, options)
  return session
}

/** A call whose id is its name. */
export const call = (name: string, ...steps: ReadonlyArray<string>) =>
  wires.call("Stateful", name, "script", { name, steps })

export const stateless = (name: string, ...steps: ReadonlyArray<string>) =>
  wires.call("Stateless", name, "script", { name, steps }, { "io.modelcontextprotocol/logLevel": "info" })

export const get = (
  { send }: Pick<wires.Http, "send">,
  session: Headers,
  lastEventId?: string,
  options?: wires.SendOptions
): wires.Post => send("", { ...session, "last-event-id": lastEventId }, { ...options, method: "GET" })

export const end = ({ send }: Pick<wires.Http, "send">, session: Headers, options?: wires.SendOptions): wires.Post =>
  send("", session, { ...options, method: "DELETE" })

/** The ids of the events so far. */
export const idsOf = (post: wires.Post): ReadonlyArray<string> =>
  wires.eventsOf(post.body).flatMap(({ id }) => id === undefined ? [] : [id])

export const lastIdOf = (post: wires.Post): string => idsOf(post).at(-1)!

/** What was said and answered: `a`, `ask`, `= a, b`, `resource test:///watched`. */
export const said = (post: wires.Post): ReadonlyArray<string> =>
  wires.framesOf(post).map(({ error, id, method, params, result }) =>
    method === "notifications/message"
      ? String(params.data)
      : method === "notifications/resources/updated"
      ? `resource ${params.uri}`
      : method !== undefined
      ? method.replace("notifications/", "")
      : error !== undefined
      ? `error ${error.code} ${error.data?.["fastmcp-effect/outcome"]?.reason ?? ""}`.trim()
      : `${id} = ${result.content === undefined ? JSON.stringify(result) : result.content[0].text}`
  )

/** The requests of the server's own among what came. */
export const questions = (post: wires.Post) =>
  wires.framesOf(post).filter(({ id, method }) => id !== undefined && method !== undefined)

export const answerTo = ({ id }: wires.Frame, color: string) => ({
  jsonrpc: "2.0",
  id,
  result: { action: "accept", content: { color } }
})

export const statusOf = ({ status }: wires.Post) => status

export const messageOf = (post: wires.Post): string => (JSON.parse(post.body) as wires.Frame).error!.message
