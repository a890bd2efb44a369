/**
 * Definitions that exist for some and not for others: whoever may not see one cannot tell it from none.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Identity from "fastmcp-effect/context/Identity"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as SessionState from "fastmcp-effect/context/SessionState"
import type * as Definition from "fastmcp-effect/definition/Definition"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as visitors from "./visitors.ts"

const info = { name: "visibility", version: "1.0.0" }

const versions = Revisions.versions as ReadonlyArray<Revisions.Version>
const stateful = versions.filter((version) => version !== "2026-07-28")

type Visible = (viewer: Definition.Viewer) => boolean

/** One definition of each kind, and how each is used. */
const all = (visible: Visible | undefined) => ({
  tools: [Tool.make("tool", { visible, success: Schema.String, handler: () => Effect.succeed("used") })],
  resources: [
    Resource.make("test:///resource", { visible, handler: Effect.succeed("used") }),
    ResourceTemplate.make("test:///template/{id}", {
      name: "template",
      visible,
      complete: { id: ["one", "two"] },
      list: Effect.succeed([{ uri: "test:///template/one" }]),
      handler: () => Effect.succeed("used")
    })
  ] as const,
  prompts: [
    Prompt.make("prompt", {
      visible,
      arguments: { id: Schema.optionalKey(Schema.String) },
      complete: { id: ["one", "two"] },
      handler: () => Effect.succeed("used")
    })
  ]
})

/** What is on the client's lists. */
const listed = (client: McpTest.Client) =>
  Effect.map(
    Effect.all([client.listTools, client.listResources, client.listResourceTemplates, client.listPrompts]),
    ([tools, resources, templates, prompts]) => [
      ...tools.map(({ name }) => name),
      ...resources.map(({ uri }) => uri),
      ...templates.map(({ uriTemplate }) => uriTemplate),
      ...prompts.map(({ name }) => name)
    ]
  )

const everything = ["tool", "test:///resource", "test:///template/one", "test:///template/{id}", "prompt"]

interface Use {
  readonly what: string
  readonly use: (client: McpTest.Client) => Effect.Effect<unknown, McpError.McpError>
  /** What there is no such of, said the way it is of what nobody has. */
  readonly absent: (client: McpTest.Client) => Effect.Effect<unknown, McpError.McpError>
}

const argument = { name: "id", value: "o" }

const uses: ReadonlyArray<Use> = [
  { what: "a call", use: (c) => c.callTool("tool"), absent: (c) => c.callTool("none") },
  { what: "a read", use: (c) => c.readResource("test:///resource"), absent: (c) => c.readResource("test:///none") },
  {
    what: "a read by template",
    use: (c) => c.readResource("test:///template/one"),
    absent: (c) => c.readResource("test:///none/one")
  },
  { what: "a prompt", use: (c) => c.getPrompt("prompt"), absent: (c) => c.getPrompt("none") },
  {
    what: "a completion of a prompt",
    use: (c) => c.complete({ ref: { type: "ref/prompt", name: "prompt" }, argument }),
    absent: (c) => c.complete({ ref: { type: "ref/prompt", name: "none" }, argument })
  },
  {
    what: "a completion of a template",
    use: (c) => c.complete({ ref: { type: "ref/resource", uri: "test:///template/{id}" }, argument }),
    absent: (c) => c.complete({ ref: { type: "ref/resource", uri: "test:///none/{id}" }, argument })
  }
]

/** Hidden and absent differ in nothing but the name that was asked for. */
const isHidden = (client: McpTest.Client) =>
  Effect.gen(function*() {
    assert.deepStrictEqual(yield* listed(client), [])
    for (const { absent, use, what } of uses) {
      const [hidden, none] = [yield* Effect.flip(use(client)), yield* Effect.flip(absent(client))]
      const anonymous = (error: McpError.McpError) =>
        JSON.stringify([error.reason, error.message]).replaceAll(/tool|prompt(?!:)|test:\/\/\/[^"\\]*|none/gu, "*")
      assert.strictEqual(anonymous(hidden), anonymous(none), what)
    }
  })

const isShown = (client: McpTest.Client) =>
  Effect.gen(function*() {
    assert.deepStrictEqual(yield* listed(client), everything)
    for (const { use } of uses) yield* use(client)
  })

const ann: Visible = ({ identity }) => identity.subject === "ann"

describe("a definition that is visible to one identity", () => {
  for (const revision of versions) {
    for (const where of ["the definition", "the server"] as const) {
      it.effect(`is not there for others, where ${where} says so, in ${revision}`, () =>
        Effect.gen(function*() {
          const context = yield* Layer.build(
            where === "the server"
              ? McpServer.layer({ ...info, ...all(undefined), visible: (_definition, viewer) => ann(viewer) })
              : McpServer.layer({ ...info, ...all(ann) })
          )
          yield* isShown(yield* visitors.visit(context, "ann", { revision }))
          yield* isHidden(yield* visitors.visit(context, "bob", { revision }))
          yield* isHidden(yield* visitors.visit(context, undefined, { revision }))
        }))
    }

    if (revision === "2026-07-28") {
      it.effect(`is not heard of by others who listen, in ${revision}`, () =>
        Effect.gen(function*() {
          const context = yield* Layer.build(McpServer.layer({ ...info, ...all(ann) }))
          const uris = ["test:///resource", "test:///template/x"]
          const listen = Effect.fnUntraced(function*(subject: string) {
            const client = yield* visitors.visit(context, subject, { revision })
            yield* Effect.forkScoped(
              client.request("subscriptions/listen", { notifications: { resourceSubscriptions: uris } })
            )
            return client
          })
          const [toAnn, toBob] = [yield* listen("ann"), yield* listen("bob")]
          yield* McpTest.settle
          const server = Context.get(context, McpServer.McpServer)
          yield* Effect.forEach(uris, server.resourceUpdated)
          yield* McpTest.settle
          const updates = (client: McpTest.Client) =>
            Effect.map(client.notifications, (sent) =>
              sent.filter(({ method }) =>
                method === "notifications/resources/updated"
              ).map(({ params }) => params!.uri))
          assert.deepStrictEqual(yield* updates(toAnn), uris)
          assert.deepStrictEqual(yield* updates(toBob), [])
        }))
      continue
    }

    it.effect(`cannot be subscribed to by others, in ${revision}`, () =>
      Effect.gen(function*() {
        const context = yield* Layer.build(McpServer.layer({ ...info, ...all(ann) }))
        const subscribe = (subject: string, uri: string) =>
          Effect.flatMap(
            visitors.visit(context, subject, { revision }),
            (client) => client.request("resources/subscribe", { uri })
          )
        assert.deepStrictEqual(yield* subscribe("ann", "test:///resource"), {})
        assert.deepStrictEqual(yield* subscribe("ann", "test:///template/x"), {})
        for (const uri of ["test:///resource", "test:///template/x"]) {
          assert.include((yield* Effect.flip(subscribe("bob", uri))).message, "not found")
        }
      }))
  }

  it.effect("is asked for with the definition and its tags, and both answers must be yes", () =>
    Effect.gen(function*() {
      const tool = (name: string, visible: Visible | undefined, ...tags: ReadonlyArray<string>) =>
        Tool.make(name, { tags, visible, handler: () => Effect.void })
      const context = yield* Layer.build(McpServer.layer({
        ...info,
        tools: [
          tool("open", undefined),
          tool("admin", undefined, "admin"),
          tool("own", ann),
          tool("adminOwn", ann, "admin")
        ],
        visible: ({ tags }, { identity }) => tags?.includes("admin") !== true || identity.scopes.includes("ann")
      }))
      const names = (subject: string | undefined) =>
        Effect.flatMap(
          visitors.visit(context, subject),
          (client) => Effect.map(client.listTools, (tools) => tools.map(({ name }) => name))
        )
      assert.deepStrictEqual(yield* names("ann"), ["open", "admin", "own", "adminOwn"])
      assert.deepStrictEqual(yield* names("bob"), ["open"])
      assert.deepStrictEqual(yield* names(undefined), ["open"])
    }))

  it.effect("hides behind a template that is open to all, and a hidden one behind a wider one", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(McpServer.layer({
        ...info,
        resources: [
          Resource.make("test:///a/b", { visible: ann, handler: Effect.succeed("the resource") }),
          ResourceTemplate.make("test:///a/{x}", {
            name: "narrow",
            visible: ann,
            handler: () => Effect.succeed("the narrow template")
          }),
          ResourceTemplate.make("test:///{+rest}", {
            name: "wide",
            handler: () => Effect.succeed("the wide template")
          })
        ]
      }))
      const reads = (subject: string) =>
        Effect.flatMap(
          visitors.visit(context, subject),
          (client) =>
            Effect.forEach(["test:///a/b", "test:///a/c"], (uri) =>
              Effect.map(client.readResource(uri), ({ contents }) => (contents[0] as { text: string }).text))
        )
      assert.deepStrictEqual(yield* reads("ann"), ["the resource", "the narrow template"])
      assert.deepStrictEqual(yield* reads("bob"), ["the wide template", "the wide template"])
    }))

  it.effect("is as hidden from another handler of the same request", () =>
    Effect.gen(function*() {
      const spy = Tool.make("spy", {
        success: Schema.Array(Schema.String),
        handler: Effect.fnUntraced(function*() {
          const request = yield* RequestContext.RequestContext
          const outcome = <A>(effect: Effect.Effect<A, McpError.McpError>) =>
            Effect.match(effect, { onFailure: ({ reason }) => reason._tag, onSuccess: () => "used" })
          return [
            yield* outcome(request.callTool({ name: "tool" })),
            yield* outcome(request.readResource({ uri: "test:///resource" })),
            yield* outcome(request.readResource({ uri: "test:///template/one" })),
            yield* outcome(request.getPrompt({ name: "prompt" }))
          ]
        })
      })
      const { prompts, resources, tools } = all(ann)
      const context = yield* Layer.build(McpServer.layer({ ...info, tools: [...tools, spy], resources, prompts }))
      const outcomes = (subject: string | undefined) =>
        Effect.flatMap(visitors.visit(context, subject), (client) => client.call(spy, {}))
      assert.deepStrictEqual(yield* outcomes("ann"), ["used", "used", "used", "used"])
      const absent = ["ToolNotFound", "ResourceNotFound", "ResourceNotFound", "PromptNotFound"]
      assert.deepStrictEqual(yield* outcomes("bob"), absent)
      assert.deepStrictEqual(yield* outcomes(undefined), absent)
    }))
})

describe("a definition that is visible to a client's capabilities", () => {
  for (const revision of versions) {
    it.effect(`shows to those that declare them, in ${revision}`, () =>
      Effect.gen(function*() {
        const canSample: Visible = ({ client }) => client.capabilities.sampling !== undefined
        const context = yield* Layer.build(McpServer.layer({ ...info, ...all(canSample) }))
        yield* isShown(yield* visitors.visit(context, undefined, { revision, capabilities: { sampling: {} } }))
        yield* isHidden(yield* visitors.visit(context, undefined, { revision, capabilities: {} }))
      }))
  }
})

describe("a definition that is visible by the session's state", () => {
  const unlocked = SessionState.make("unlocked", Schema.Boolean, { default: false })
  const unlock = Tool.make("unlock", { handler: () => Effect.orDie(unlocked.set(true)) })
  const lock = Tool.make("lock", { handler: () => Effect.orDie(unlocked.remove) })
  const isOpen: Visible = ({ session }) => session?.get("unlocked") === true
  const build = Effect.suspend(() => {
    const { prompts, resources, tools } = all(isOpen)
    const shy = { visible: () => true }
    return Layer.build(
      McpServer.layer({ ...info, tools: [...tools, { ...unlock, ...shy }, { ...lock, ...shy }], resources, prompts })
    )
  })
  const own = (names: ReadonlyArray<string>) => names.filter((name) => name !== "unlock" && name !== "lock")

  for (const revision of stateful) {
    it.effect(`shows in the session that opened it, until it is closed, in ${revision}`, () =>
      Effect.gen(function*() {
        const context = yield* build
        const first = yield* visitors.visit(context, "ann", { revision })
        const second = yield* visitors.visit(context, "ann", { revision })
        assert.deepStrictEqual(own(yield* listed(first)), [])
        yield* first.callTool("unlock")
        assert.deepStrictEqual(own(yield* listed(first)), everything)
        for (const { use } of uses) yield* use(first)
        assert.deepStrictEqual(own(yield* listed(second)), [])
        for (const { use } of uses) yield* Effect.flip(use(second))
        yield* first.callTool("lock")
        assert.deepStrictEqual(own(yield* listed(first)), [])
      }))
  }

  it.effect("never shows in 2026-07-28, which has no sessions", () =>
    Effect.gen(function*() {
      const context = yield* build
      const client = yield* visitors.visit(context, "ann")
      const refused = yield* Effect.flip(client.callTool("unlock"))
      assert.strictEqual(refused.reason._tag, "InternalError")
      assert.deepStrictEqual(own(yield* listed(client)), [])
    }))
})

describe("an identity", () => {
  const whoami = Tool.make("whoami", {
    success: Schema.String,
    handler: () => Effect.map(Identity.CurrentIdentity, ({ subject }) => subject ?? "nobody")
  })

  for (const revision of versions) {
    it.effect(`is each connection's own, in ${revision}`, () =>
      Effect.gen(function*() {
        const context = yield* Layer.build(McpServer.layer({ ...info, tools: [whoami] }))
        const names = ["ann", "bob", undefined]
        const clients = yield* Effect.forEach(names, (name) => visitors.visit(context, name, { revision }))
        assert.deepStrictEqual(
          yield* Effect.forEach(clients, (client) => client.call(whoami, {}), { concurrency: "unbounded" }),
          ["ann", "bob", "nobody"]
        )
      }))
  }

  it.effect("stays with the request it came with, and not with what that request added", () =>
    Effect.gen(function*() {
      const add = Tool.make("add", {
        handler: Effect.fnUntraced(function*() {
          const server = yield* McpServer.McpServer
          yield* Effect.orDie(server.add(whoami)).pipe(Scope.provide(server.scope))
        })
      })
      const ask = Tool.make("ask", { success: Schema.String, handler: () => Tool.call(whoami, {}) })
      const context = yield* Layer.build(McpServer.layer({ ...info, tools: [add, ask] }))
      yield* (yield* visitors.visit(context, "ann")).call(add, {})
      for (const name of ["bob", undefined]) {
        const client = yield* visitors.visit(context, name)
        assert.strictEqual(yield* client.call(whoami, {}), name ?? "nobody")
        assert.strictEqual(yield* client.call(ask, {}), name ?? "nobody")
      }
    }))
})
