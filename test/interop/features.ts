/** What the interop server offers beside plain tools: resources, prompts, content of every kind, and questions. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Ask from "fastmcp-effect/context/Ask"
import * as ClientLog from "fastmcp-effect/context/ClientLog"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as Roots from "fastmcp-effect/context/Roots"
import * as Sampling from "fastmcp-effect/context/Sampling"
import * as SessionState from "fastmcp-effect/context/SessionState"
import type * as Completion from "fastmcp-effect/definition/Completion"
import * as Content from "fastmcp-effect/definition/Content"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as McpServer from "fastmcp-effect/server/McpServer"
import { appendFileSync } from "node:fs"

const event = (text: string) => appendFileSync(process.env.INTEROP_EVENTS!, `${text}\n`)

const pixel = Uint8Array.from([137, 80, 78, 71, 13, 10, 26, 10, 0, 255])

// ----------------------------------------------------------------------------
// resources
// ----------------------------------------------------------------------------

const welcome = Resource.text("note://welcome", "Grüße ≠ 🙂\nand welcome", {
  title: "Welcome",
  description: "Text that never changes",
  mimeType: "text/markdown",
  annotations: { audience: ["user"], priority: 0.5 },
  tags: ["static"]
})

const image = Resource.bytes("note://pixel.png", pixel, { mimeType: "image/png" })

const settings = Resource.make("note://settings", {
  description: "A value, which crosses as JSON",
  success: Schema.Struct({ since: Schema.Date, theme: Schema.Literals(["dark", "light"]) }),
  handler: Effect.succeed({ since: new Date(0), theme: "dark" as const })
})

const bundle = Resource.make("note://bundle", {
  description: "Several contents",
  handler: Effect.succeed({
    contents: [
      { uri: "note://bundle/text", mimeType: "text/plain", text: "one" },
      { uri: "note://bundle/blob", mimeType: "application/octet-stream", blob: pixel },
      { text: "of the bundle itself" }
    ]
  })
})

let count = 0

const counter = Resource.make("note://counter", {
  description: "Changes with `bump`",
  mimeType: "text/plain",
  handler: Effect.sync(() => String(count))
})

const fresh = Resource.make("note://fresh", {
  description: "May be kept for a minute, where clients keep what they read",
  mimeType: "text/plain",
  cache: { ttlMs: 60_000, cacheScope: "private" },
  handler: Effect.sync(() => {
    event("read note://fresh")
    return "fresh"
  })
})

const locked = Resource.make("note://locked", {
  description: "Asks before it is read",
  mimeType: "text/plain",
  handler: Effect.map(
    Elicitation.ask("word", { word: Schema.String }, { message: "What is the word?" }),
    ({ word }) => `opened with ${word}`
  )
})

const people = ["ada", "alan", "grace", "Zoë O'Neil"]

const person = ResourceTemplate.make("people://{name}/profile", {
  name: "person",
  title: "A person",
  description: "One of those that are listed",
  mimeType: "application/json",
  complete: { name: people },
  list: Effect.succeed(
    people.slice(0, 3).map((name) => ({ uri: `people://${name}/profile`, name, title: `Profile of ${name}` }))
  ),
  success: Schema.Struct({ name: Schema.String }),
  handler: ({ name }) => Effect.succeed(people.includes(name) ? { name } : undefined)
})

const search = ResourceTemplate.make("search://notes{?q,limit}", {
  name: "search",
  parameters: { q: Schema.optionalKey(Schema.String), limit: Schema.optionalKey(Schema.FiniteFromString) },
  complete: {
    limit: (value: string, { arguments: known }: Completion.Context) =>
      Effect.succeed([`${value}0`, `q is ${known.q ?? "not known"}`])
  },
  handler: ({ limit = 10, q }) => Effect.succeed(`${limit} notes about ${q ?? "anything"}`)
})

const bump = Tool.make("bump", {
  description: "Changes `note://counter`, and tells who watches it",
  success: Schema.Number,
  handler: Effect.fnUntraced(function*() {
    count++
    yield* (yield* McpServer.McpServer).resourceUpdated("note://counter")
    return count
  })
})

const guestResource = Resource.text("note://guest", "here for now")

const guestPrompt = Prompt.make("guest", { handler: () => Effect.succeed("here for now") })

const swap = Tool.make("swap", {
  description: "Adds a resource and a prompt, or takes them away again",
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    const server = yield* McpServer.McpServer
    const added = yield* Effect.result(Scope.provide(server.add(guestResource, guestPrompt), server.scope))
    if (added._tag === "Success") return "added"
    yield* server.remove("resources", guestResource.uri)
    yield* server.remove("prompts", guestPrompt.name)
    return "removed"
  })
})

// ----------------------------------------------------------------------------
// prompts
// ----------------------------------------------------------------------------

const cities: { readonly [country: string]: ReadonlyArray<string> } = {
  norway: ["Oslo", "Bergen"],
  austria: ["Vienna", "Graz"]
}

const greeting = Prompt.make("greeting", {
  title: "A greeting",
  description: "Greets somebody",
  arguments: {
    name: Schema.String.annotate({ title: "Name", description: "Who is greeted" }),
    country: Schema.optionalKey(Schema.String),
    city: Schema.optionalKey(Schema.String),
    times: Schema.optionalKey(Schema.FiniteFromString)
  },
  complete: {
    country: Object.keys(cities),
    city: (value, { arguments: { country = "" } }) =>
      Effect.succeed((cities[country] ?? []).filter((city) => city.startsWith(value))),
    times: Array.from({ length: 150 }, (_, index) => String(index))
  },
  handler: ({ city, name, times = 1 }) =>
    Effect.succeed(`${"Hello ".repeat(times)}${name}${city === undefined ? "" : ` from ${city}`}`)
})

const album = Prompt.make("album", {
  description: "Messages of every kind",
  handler: () =>
    Effect.succeed([
      Prompt.user("Look at these"),
      Prompt.user(Content.image(pixel, "image/png", { annotations: { audience: ["assistant"], priority: 1 } })),
      Prompt.user(Content.audio(pixel, "audio/wav")),
      Prompt.user(Content.resource({ uri: "note://welcome", mimeType: "text/markdown", text: "embedded" })),
      Prompt.user(Content.resource({ uri: "note://pixel.png", mimeType: "image/png", blob: pixel })),
      Prompt.user(Content.resourceLink({ uri: "note://welcome", name: "welcome", title: "Welcome" })),
      Prompt.assistant("I see")
    ])
})

const invitation = Prompt.make("invitation", {
  description: "Asks before it is made",
  handler: () =>
    Effect.map(
      Elicitation.ask("guest", { guest: Schema.String }, { message: "Who is invited?" }),
      ({ guest }) => `You are invited, ${guest}`
    )
})

const closedPrompt = Prompt.make("closed", {
  description: "Refuses",
  handler: () => Effect.fail(McpError.invalidRequest("closed today"))
})

// ----------------------------------------------------------------------------
// content
// ----------------------------------------------------------------------------

const gallery = Tool.make("gallery", {
  description: "Content of every kind",
  success: Tool.Result,
  handler: () =>
    Effect.succeed({
      ...Content.result(
        Content.text("text", { annotations: { audience: ["user", "assistant"], priority: 0.25 } }),
        Content.image(pixel, "image/png", { _meta: { "example.com/size": 10 } }),
        Content.audio(pixel, "audio/wav"),
        Content.resource({ uri: "note://welcome", mimeType: "text/markdown", text: "embedded" }),
        Content.resource({ uri: "note://pixel.png", mimeType: "image/png", blob: pixel }),
        Content.resourceLink({
          uri: "note://welcome",
          name: "welcome",
          title: "Welcome",
          description: "To be read",
          mimeType: "text/markdown",
          size: 25
        })
      ),
      _meta: { "example.com/made": "by hand" }
    })
})

const primes = Tool.make("primes", {
  description: "A list, which only 2026-07-28 has as structured content",
  success: Schema.Array(Schema.Int),
  handler: () => Effect.succeed([2, 3, 5, 7])
})

const flag = Tool.make("flag", {
  description: "A yes or no",
  success: Schema.Boolean,
  handler: () => Effect.succeed(false)
})

const nothing = Tool.make("nothing", {
  description: "A null or a number",
  success: Schema.NullOr(Schema.Finite),
  handler: () => Effect.succeed(null)
})

const shout = Tool.make("shout", {
  description: "Logs at all levels there are",
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    for (
      const level of ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"] as const
    ) yield* ClientLog.log(level, level)
    return "heard"
  })
})

const visits = SessionState.make("visits", Schema.Int, { default: 0 })

const visitor = Tool.make("visitor", {
  description: "Counts the visits of a session",
  success: Schema.Int,
  handler: () =>
    Effect.catch(
      visits.update((visits) => visits + 1),
      (error) => error.reason._tag === "NoSession" ? Effect.succeed(-1) : Effect.die(error)
    )
})

// ----------------------------------------------------------------------------
// questions
// ----------------------------------------------------------------------------

const enrol = Tool.make("enrol", {
  description: "A form with a field of every kind",
  success: Schema.Struct({
    name: Schema.String,
    email: Schema.String,
    born: Schema.String,
    age: Schema.Int,
    weight: Schema.Finite,
    member: Schema.Boolean,
    colour: Schema.String,
    size: Schema.String,
    crust: Schema.String,
    toppings: Schema.Array(Schema.String),
    extras: Schema.Array(Schema.String),
    note: Schema.optionalKey(Schema.String)
  }),
  handler: () =>
    Effect.map(
      Elicitation.ask("form", {
        name: Schema.String.check(Schema.isMinLength(2), Schema.isMaxLength(40)).annotate({
          title: "Name",
          description: "As on the card"
        }),
        email: Schema.String.annotate({ format: "email" }),
        born: Schema.DateTimeUtcFromString,
        age: Schema.Int.check(Schema.isBetween({ minimum: 18, maximum: 120 })),
        weight: Schema.Finite.annotate({ default: 70.5 }),
        member: Schema.Boolean.annotate({ default: true }),
        colour: Schema.Literals(["red", "green", "blue"]).annotate({ default: "green" }),
        size: Elicitation.choice({ s: "Small", l: "Large" }),
        crust: Elicitation.choice({ thin: "Thin crust", deep: "Deep pan" }, { legacyTitles: true }),
        toppings: Schema.Array(Schema.Literals(["ham", "corn", "olive"])).annotate({ default: ["corn"] }),
        extras: Elicitation.choices({ dip: "A dip", soda: "A soda", cake: "A cake" }).check(Schema.isMinLength(1)),
        note: Schema.optionalKey(Schema.String)
      }, { message: "Who are you, and what would you like?" }),
      ({ born, ...answer }) => ({ ...answer, born: `${typeof born.epochMilliseconds}:${born.epochMilliseconds}` })
    )
})

/** How a question ended, in a word. */
const ending = <A, R>(asked: Effect.Effect<A, { readonly reason: { readonly _tag: string } }, R>) =>
  Effect.match(asked, {
    onSuccess: (answer) => answer === undefined ? "Answered" : `Answered ${JSON.stringify(answer)}`,
    onFailure: ({ reason }) => reason._tag
  })

const decide = Tool.make("decide", {
  description: "Tells how a form ended",
  parameters: { what: Schema.String },
  success: Schema.String,
  handler: ({ what }) =>
    ending(Elicitation.ask("decide", { sure: Schema.Int.check(Schema.isLessThan(100)) }, { message: what }))
})

const perhaps = Tool.make("perhaps", {
  description: "Takes a no for an answer",
  success: Schema.String,
  handler: () =>
    Effect.map(
      Ask.one("perhaps", Ask.option(Elicitation.form({ gift: Schema.String }, { message: "A gift?" }))),
      Option.match({ onNone: () => "no gift", onSome: ({ gift }) => gift })
    )
})

const insist = Tool.make("insist", {
  description: "Leaves a no to the framework",
  success: Schema.String,
  handler: () =>
    Effect.as(Elicitation.ask("insist", { ok: Schema.Boolean }, { message: "Is that all right?" }), "it is")
})

const visit = Tool.make("visit", {
  description: "Sends the user to a page",
  success: Schema.String,
  handler: () =>
    ending(Ask.one("page", Elicitation.url("https://example.com/pay?id=7", { message: "Please pay", id: "pay-7" })))
})

const think = Tool.make("think", {
  description: "Asks the client's model",
  parameters: { about: Schema.String },
  success: Schema.String,
  handler: ({ about }) =>
    ending(Sampling.ask("thought", [
      Sampling.user(`Think about ${about}`),
      Sampling.assistant("I am thinking"),
      Sampling.user(Content.image(pixel, "image/png"))
    ], {
      maxTokens: 50,
      systemPrompt: "Be brief",
      temperature: 0.5,
      stopSequences: ["\n\n"],
      modelPreferences: { hints: [{ name: "small" }], speedPriority: 1 }
    }))
})

const agent = Tool.make("agent", {
  description: "Lets the client's model use a tool of this server",
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    const question = [Sampling.user("What is 2 and 3?")]
    const tools = [Tool.describe(sum)]
    const first = yield* Ask.one(
      "first",
      Sampling.createMessage({ messages: question, tools, toolChoice: { mode: "required" }, maxTokens: 100 })
    )
    const results = []
    for (const use of Sampling.toolUses(first)) {
      results.push(Sampling.toolResult(use, yield* Tool.respond(sum, use.input)))
    }
    const second = yield* Ask.one(
      "second",
      Sampling.createMessage({
        messages: [...question, { role: first.role, content: first.content }, Sampling.user(results)],
        tools,
        maxTokens: 100
      })
    )
    return `${first.stopReason}, then ${Sampling.textOf(second)}`
  }, (effect) => Effect.catchTag(effect, "AskError", ({ reason }) => Effect.succeed(reason._tag)))
})

const sum = Tool.make("sum", {
  parameters: { a: Schema.Finite, b: Schema.Finite },
  success: Schema.Struct({ sum: Schema.Finite }),
  handler: ({ a, b }) => Effect.succeed({ sum: a + b })
})

const where = Tool.make("where", {
  description: "Asks for the client's roots",
  success: Schema.String,
  handler: () => ending(Roots.ask("roots"))
})

let holds = 0

const trip = Tool.make("trip", {
  description: "Three rounds of questions, with steps between them that must not be repeated",
  parameters: { to: Schema.String },
  success: Schema.Struct({ log: Schema.Array(Schema.String) }),
  handler: Effect.fnUntraced(function*({ to }) {
    event(`run of the trip to ${to}`)
    const hold = yield* Ask.once(
      "hold",
      Effect.sync(() => {
        event(`hold for ${to}`)
        return `hold ${++holds}`
      })
    )
    const { advice, roots, seat } = yield* Ask.all({
      seat: Elicitation.form({ seat: Schema.Literals(["aisle", "window"]) }, { message: `A seat to ${to}?` }),
      advice: Sampling.text(`What is ${to} like?`, { maxTokens: 20 }),
      roots: Roots.list
    })
    const { bags } = yield* Elicitation.ask("bags", { bags: Schema.Int }, { message: `Bags at the ${seat.seat}?` })
    const booked = yield* Ask.once(
      "book",
      Effect.sync(() => {
        event(`book ${bags} to ${to}`)
        return { at: new Date(bags * 1000), hold }
      }),
      { schema: Schema.Struct({ at: Schema.Date, hold: Schema.String }) }
    )
    yield* Ask.one("pay", Elicitation.url(`https://example.com/pay/${bags}`, { message: "Pay" }))
    return {
      log: [
        seat.seat,
        advice,
        roots.map(({ uri }) => uri).join(),
        String(booked.hold === hold),
        booked.at.toISOString()
      ]
    }
  })
})

const errand = Tool.make("errand", {
  description: "Uses a tool and a resource that ask",
  success: Schema.Array(Schema.String),
  handler: Effect.fnUntraced(function*() {
    const decision = yield* Tool.call(decide, { what: "from an errand" })
    const again = yield* Tool.call(decide, { what: "from an errand, again" })
    return [decision, again]
  })
})

export const tools = [
  bump,
  swap,
  gallery,
  primes,
  flag,
  nothing,
  shout,
  visitor,
  enrol,
  decide,
  perhaps,
  insist,
  visit,
  think,
  agent,
  where,
  trip,
  errand
] as const

export const resources = [welcome, image, settings, bundle, counter, fresh, locked, person, search] as const

export const prompts = [greeting, album, invitation, closedPrompt] as const
