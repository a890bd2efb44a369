/** Tools that ask the client, of the server the requirements are tried on. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Ask from "fastmcp-effect/context/Ask"
import type * as AskError from "fastmcp-effect/context/AskError"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as Roots from "fastmcp-effect/context/Roots"
import * as Sampling from "fastmcp-effect/context/Sampling"
import * as Tool from "fastmcp-effect/definition/Tool"

/** The answer, or the name of the reason there is none. */
const told = <R>(asked: Effect.Effect<string, AskError.AskError, R>): Effect.Effect<string, never, R> =>
  Effect.catch(asked, ({ reason }) => Effect.succeed(reason._tag))

const name = Elicitation.form({ name: Schema.String }, { message: "Who are you?" })
const city = Elicitation.form({ city: Schema.String }, { message: "Where are you?" })
const page = Elicitation.url("https://example.com/visit?a=1", { message: "Have a look", id: "visit-1" })

const weather = {
  name: "weather",
  description: "The weather in a city",
  inputSchema: { type: "object", properties: {} }
} as const

/** `ran` is called each time one of them has all it asked for. */
export const tools = (ran: (tool: string) => void) => {
  const asking = <R>(tool: string, asked: Effect.Effect<string, AskError.AskError, R>) =>
    Tool.make(tool, {
      success: Schema.String,
      handler: () => told(Effect.tap(asked, () => Effect.sync(() => ran(tool))))
    })
  return [
    asking("asksName", Effect.map(Ask.one("name", name), (answer) => `Hello, ${answer.name}`)),
    asking("asksTwo", Effect.map(Ask.all({ name, city }), (all) => `${all.name.name} in ${all.city.city}`)),
    asking("asksVisit", Effect.as(Ask.one("visit", page), "visited")),
    asking("asksRoots", Effect.map(Ask.one("roots", Roots.list), (roots) => roots.map(({ uri }) => uri).join())),
    asking("asksModel", Sampling.ask("text", "Say hello", { maxTokens: 10 })),
    asking(
      "asksModelTwice",
      Effect.gen(function*() {
        const first = yield* Sampling.ask("first", "Say one", { maxTokens: 10 })
        const second = yield* Sampling.ask("second", "Say two", { maxTokens: 10 })
        return `${first} ${second}`
      })
    ),
    asking(
      "asksModelWithTools",
      Effect.map(
        Ask.one(
          "tools",
          Sampling.createMessage({ messages: [Sampling.user("Rain?")], maxTokens: 10, tools: [weather] })
        ),
        Sampling.textOf
      )
    ),
    asking(
      "asksModelHalf",
      Effect.map(
        Ask.one(
          "half",
          Sampling.createMessage({
            messages: [
              Sampling.user("Rain?"),
              Sampling.assistant({ type: "tool_use", id: "use-1", name: "weather", input: {} }),
              Sampling.user("Well?")
            ],
            maxTokens: 10,
            tools: [weather]
          })
        ),
        Sampling.textOf
      )
    )
  ] as const
}
