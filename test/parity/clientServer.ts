/** The server that the client's rows are shown on; as a program it is served over stdio. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as ClientLog from "fastmcp-effect/context/ClientLog"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as Progress from "fastmcp-effect/context/Progress"
import * as Roots from "fastmcp-effect/context/Roots"
import * as Sampling from "fastmcp-effect/context/Sampling"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"
import * as McpServer from "fastmcp-effect/server/McpServer"

export const add = Tool.make("add", { parameters: { a: Schema.Finite, b: Schema.Finite }, success: Schema.Finite })

export class Refused extends Schema.TaggedClass<Refused>()("Refused", { why: Schema.String }) {}

export const refuse = Tool.make("refuse", { parameters: { why: Schema.String }, failure: Refused })

/** Tells of a change of the note, as a part of the server itself. */
const touch = Layer.effectDiscard(Effect.gen(function*() {
  const server = yield* McpServer.McpServer
  yield* Effect.provideService(
    server.add(Tool.make("touch", { handler: () => server.resourceUpdated("note:///a") })),
    Scope.Scope,
    server.scope
  )
}))

/** How often `forever` was stopped, as far as a client can ask. */
class Stopped extends Context.Service<Stopped, { count: number }>()("test/parity/clientServer/Stopped") {}

const many = Array.from(
  { length: 25 },
  (_, index) => Tool.make(`tool${String(index).padStart(2, "0")}`, { handler: () => Effect.void })
)

const server = McpServer.layer({
  name: "shown",
  version: "1.0.0",
  pageSize: 10,
  tools: [
    Tool.handle(add, ({ a, b }) => Effect.succeed(a + b)),
    Tool.handle(refuse, ({ why }) => Effect.fail(new Refused({ why }))),
    Tool.make("forever", {
      handler: () =>
        Effect.onInterrupt(Effect.never, () =>
          Effect.map(Stopped, (stopped) => {
            stopped.count++
          }))
    }),
    Tool.make("stopped", { success: Schema.Finite, handler: () => Effect.map(Stopped, ({ count }) => count) }),
    Tool.make("steps", {
      handler: () => Effect.forEach([1, 2, 3], (step) => Progress.report(step, { total: 3 }), { discard: true })
    }),
    Tool.make("log", { handler: () => ClientLog.warning("careful", { logger: "shown" }) }),
    Tool.make("ask", {
      success: Schema.Array(Schema.String),
      handler: () =>
        Effect.gen(function*() {
          const { name } = yield* Elicitation.ask("name", { name: Schema.String }, { message: "Who?" })
          const joke = yield* Sampling.ask("joke", "Tell a joke", { maxTokens: 10 })
          const roots = yield* Roots.ask("roots")
          return [name, joke, roots[0]!.uri]
        })
    }),
    ...many
  ],
  resources: [Resource.text("note:///a", "hello")],
  prompts: [
    Prompt.make("greet", {
      arguments: { name: Schema.String },
      complete: { name: ["ann", "bob"] },
      handler: ({ name }) => Effect.succeed(`Hello, ${name}`)
    })
  ]
}).pipe(Layer.provide(Layer.sync(Stopped, () => ({ count: 0 }))))

export const shown = Layer.provideMerge(touch, server)

if (import.meta.main) NodeStdio.run(shown)
