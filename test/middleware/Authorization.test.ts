import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Authorization from "fastmcp-effect/middleware/Authorization"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as Extension from "fastmcp-effect/server/Extension"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as door from "../auth/door.ts"
import { info } from "./serving.ts"

const text = (said: string) => ({ success: Schema.String, handler: () => Effect.succeed(said) })

const sendTool = Tool.make("send", { tags: ["mail"], ...text("sent") })

const definitions = {
  tools: [
    Tool.make("read", { annotations: { readOnlyHint: true }, ...text("read") }),
    sendTool,
    Tool.make("wipe", { tags: ["mail", "danger"], scopes: ["wipe"], ...text("wiped") }),
    Tool.make("relay", { success: Schema.String, handler: () => Tool.call(sendTool, {}) }),
    Tool.make("hidden", { visible: () => false, ...text("hidden") })
  ],
  resources: [
    Resource.make("x://public", { handler: Effect.succeed("public") }),
    Resource.make("x://kept", { tags: ["danger"], handler: Effect.succeed("kept") }),
    ResourceTemplate.make("y://{id}", {
      name: "vault",
      tags: ["mail"],
      complete: { id: () => Effect.succeed(["one"]) },
      list: Effect.succeed([{ uri: "y://one", name: "one" }]),
      handler: ({ id }) => Effect.succeed(id)
    })
  ],
  prompts: [
    Prompt.make("plain", { handler: () => Effect.succeed("plain") }),
    Prompt.make("letter", {
      tags: ["mail"],
      arguments: { word: Schema.String },
      complete: { word: () => Effect.succeed(["one"]) },
      handler: () => Effect.succeed("letter")
    })
  ],
  extensions: [
    Extension.make({
      id: "acme.example/clock",
      methods: {
        "acme/now": { params: Schema.Struct({}), handle: () => Effect.succeed({ now: 1 }) },
        "acme/zone": { params: Schema.Struct({}), handle: () => Effect.succeed({ zone: "UTC" }) }
      }
    })
  ]
}

const guarded = (rules: ReadonlyArray<Authorization.Rule>, options?: Authorization.Options) =>
  McpServer.layer({ ...info, ...definitions, middleware: [Authorization.make(rules, options)] })

const visit = (
  server: ReturnType<typeof guarded>,
  scopes: ReadonlyArray<string> | undefined,
  options: McpTest.Options = {}
) =>
  McpTest.client(server, {
    ...options,
    identity: scopes === undefined ? Identity.anonymous : Identity.make({ subject: "ann", scopes })
  })

const reasonOf = <A>(effect: Effect.Effect<A, McpError.McpError>) =>
  Effect.match(effect, {
    onSuccess: () => "fine",
    onFailure: ({ reason }) =>
      reason._tag === "InsufficientScope" || reason._tag === "Unauthenticated"
        ? `${reason._tag} ${reason.scopes.join(" ")}`.trim()
        : reason._tag
  })

const listed = (client: McpTest.Client) =>
  Effect.gen(function*() {
    return {
      tools: (yield* client.listTools).map(({ name }) => name),
      resources: (yield* client.listResources).map(({ uri }) => uri),
      templates: (yield* client.listResourceTemplates).map(({ name }) => name),
      prompts: (yield* client.listPrompts).map(({ name }) => name)
    }
  })

/** How each use ends. */
const uses = (client: McpTest.Client) =>
  Effect.gen(function*() {
    const ends: { [use: string]: string } = {}
    for (const name of ["read", "send", "wipe", "relay"]) ends[name] = yield* reasonOf(client.callTool(name))
    for (const uri of ["x://public", "x://kept", "y://one"]) ends[uri] = yield* reasonOf(client.readResource(uri))
    ends["plain"] = yield* reasonOf(client.getPrompt("plain"))
    ends["letter"] = yield* reasonOf(client.getPrompt("letter", { word: "a" }))
    return ends
  })

const all = {
  tools: ["read", "send", "wipe", "relay"],
  resources: ["x://public", "x://kept", "y://one"],
  templates: ["vault"],
  prompts: ["plain", "letter"]
}

const fine = {
  read: "fine",
  send: "fine",
  wipe: "fine",
  relay: "fine",
  "x://public": "fine",
  "x://kept": "fine",
  "y://one": "fine",
  plain: "fine",
  letter: "fine"
}

for (const revision of Revisions.versions as ReadonlyArray<Revisions.Version>) {
  describe(`Authorization in ${revision}`, () => {
    it.effect("asks for the scopes of every rule that is for a use, and lists what its caller may use", () =>
      Effect.gen(function*() {
        const server = guarded([{ tags: ["mail"], scopes: ["mail"] }, { tags: ["danger"], scopes: ["admin"] }])
        const poor = yield* visit(server, ["wipe"], { revision })
        assert.deepStrictEqual(yield* uses(poor), {
          ...fine,
          send: "InsufficientScope mail",
          // With what its definition needs.
          wipe: "InsufficientScope wipe mail admin",
          relay: "InsufficientScope mail",
          "x://kept": "InsufficientScope admin",
          "y://one": "InsufficientScope mail",
          letter: "InsufficientScope mail"
        })
        assert.deepStrictEqual(yield* listed(poor), {
          tools: ["read", "relay"],
          resources: ["x://public"],
          templates: [],
          prompts: ["plain"]
        })
        const rich = yield* visit(server, ["wipe", "mail", "admin"], { revision })
        assert.deepStrictEqual(yield* uses(rich), fine)
        assert.deepStrictEqual(yield* listed(rich), all)
        const nobody = yield* visit(server, undefined, { revision })
        assert.strictEqual(yield* reasonOf(nobody.callTool("send")), "Unauthenticated mail")
      }))

    it.effect("denies what no rule is for, where it is told to", () =>
      Effect.gen(function*() {
        const server = guarded([
          { tools: ["read"] },
          { tools: ["send"], scopes: ["mail"] },
          { resources: ["y://{id}"], prompts: ["plain"] }
        ], { byDefault: "deny" })
        const client = yield* visit(server, ["wipe"], { revision })
        assert.deepStrictEqual(yield* uses(client), {
          read: "fine",
          send: "InsufficientScope mail",
          // Which is what its definition needs, and would not help.
          wipe: "InsufficientScope wipe",
          relay: "InsufficientScope",
          "x://public": "InsufficientScope",
          "x://kept": "InsufficientScope",
          "y://one": "fine",
          plain: "fine",
          letter: "InsufficientScope"
        })
        assert.deepStrictEqual(yield* listed(client), {
          tools: ["read"],
          resources: ["y://one"],
          templates: ["vault"],
          prompts: ["plain"]
        })
        const nobody = yield* visit(server, undefined, { revision })
        assert.strictEqual(yield* reasonOf(nobody.callTool("relay")), "Unauthenticated")
      }))

    it.effect("has a program decide, which may say why not", () =>
      Effect.gen(function*() {
        const seen: Array<string> = []
        const server = guarded([{
          tools: ["send", "relay"],
          allow: ({ isListing, method, name, tool }, { subject }) => {
            seen.push(`${method} ${name} ${tool?.name} ${isListing}`)
            return name === "relay" ? Effect.succeed(subject === "ann") : subject === "bob" || "Only Bob sends mail."
          }
        }])
        const client = yield* visit(server, [], { revision })
        const refused = yield* Effect.flip(client.callTool("send"))
        assert.strictEqual(refused.message, "Only Bob sends mail.")
        assert.strictEqual(refused.reason._tag, "InsufficientScope")
        assert.deepStrictEqual(seen, ["tools/call send send false"])
        seen.length = 0
        assert.deepStrictEqual((yield* client.listTools).map(({ name }) => name), ["read", "relay"])
        assert.deepStrictEqual(seen, ["tools/call send send true", "tools/call relay relay true"])
        // What a handler uses is decided on as well.
        assert.strictEqual((yield* Effect.flip(client.callTool("relay"))).message, "Only Bob sends mail.")
        const nobody = yield* visit(server, undefined, { revision })
        assert.strictEqual((yield* Effect.flip(nobody.callTool("send"))).reason._tag, "Unauthenticated")
      }))
  })
}

describe("Authorization", () => {
  it.effect("lists what may not be used, where it is told to", () =>
    Effect.gen(function*() {
      const client = yield* visit(
        guarded([{ tags: ["mail"], scopes: ["mail"] }], { listForbidden: true, byDefault: "deny" }),
        ["wipe"]
      )
      assert.deepStrictEqual(yield* listed(client), all)
      assert.strictEqual(yield* reasonOf(client.callTool("read")), "InsufficientScope")
    }))

  it.effect("is about methods, also of extensions, and about lists where they are named", () =>
    Effect.gen(function*() {
      const server = guarded([
        { methods: ["tools/call"], scopes: ["call"] },
        { methods: ["acme/*"], scopes: ["clock"] },
        { methods: ["acme/zone"], scopes: ["zone"] },
        { methods: ["prompts/list"], scopes: ["prompts"] }
      ])
      const client = yield* visit(server, ["clock"])
      const ends = yield* Effect.forEach(
        [
          client.callTool("read"),
          client.readResource("x://public"),
          client.request("acme/now"),
          client.request("acme/zone"),
          client.listPrompts,
          client.listTools,
          client.request("server/discover")
        ] as ReadonlyArray<Effect.Effect<unknown, McpError.McpError>>,
        reasonOf
      )
      assert.deepStrictEqual(ends, [
        "InsufficientScope call",
        "fine",
        "fine",
        "InsufficientScope clock zone",
        "InsufficientScope prompts",
        "fine",
        "fine"
      ])
      assert.deepStrictEqual(yield* client.listTools, [])
      const other = yield* visit(server, ["prompts"])
      assert.lengthOf(yield* other.listPrompts, 2)
    }))

  it.effect("takes completing and watching for using", () =>
    Effect.gen(function*() {
      const rules: ReadonlyArray<Authorization.Rule> = [
        { methods: ["resources/read"], tags: ["mail", "danger"], scopes: ["deep"] },
        { methods: ["prompts/get"], scopes: ["prompts"] }
      ]
      const client = yield* visit(guarded(rules), [])
      const complete = (
        ref: { type: "ref/prompt"; name: string } | { type: "ref/resource"; uri: string },
        name: string
      ) => reasonOf(client.complete({ ref, argument: { name, value: "" } }))
      assert.strictEqual(yield* complete({ type: "ref/prompt", name: "letter" }, "word"), "InsufficientScope prompts")
      assert.strictEqual(yield* complete({ type: "ref/resource", uri: "y://{id}" }, "id"), "InsufficientScope deep")
      for (const uri of ["x://kept", "y://one"]) {
        const watching = yield* Effect.forkChild(
          reasonOf(
            client.request("subscriptions/listen", { notifications: { resourceSubscriptions: ["x://public", uri] } })
          ),
          { startImmediately: true }
        )
        yield* McpTest.settle
        const ended = watching.pollUnsafe()
        assert.isTrue(ended?._tag === "Success" && ended.value === "InsufficientScope deep")
      }
      const allowed = yield* Effect.forkScoped(
        reasonOf(client.request("subscriptions/listen", {
          notifications: { resourceSubscriptions: ["x://public", "z://nowhere"] }
        })),
        { startImmediately: true }
      )
      yield* McpTest.settle
      assert.isUndefined(allowed.pollUnsafe())

      const old = yield* visit(guarded(rules), [], { revision: "2025-11-25" })
      const subscribe = (method: string, uri: string) => reasonOf(old.request(`resources/${method}`, { uri }))
      assert.strictEqual(yield* subscribe("subscribe", "x://kept"), "InsufficientScope deep")
      assert.strictEqual(yield* subscribe("subscribe", "x://public"), "fine")
      assert.strictEqual(yield* subscribe("unsubscribe", "x://kept"), "fine")
    }))

  it.effect("lists what may be used and nothing else, whatever the rules", () =>
    Effect.gen(function*() {
      const some = <A>(values: ReadonlyArray<A>) =>
        Effect.flatMap(Random.nextIntBetween(0, values.length), (count) =>
          Effect.map(Random.shuffle(values), (shuffled) => shuffled.slice(0, count)))
      const perhaps = <K extends string, A>(key: K, value: Effect.Effect<A>) =>
        Effect.flatMap(Random.nextBoolean, (has) =>
          has ? Effect.map(value, (value) => ({ [key]: value })) : Effect.succeed({}))
      const scopes = ["a", "b", "c"]
      for (let round = 0; round < 60; round++) {
        const rules: Array<Authorization.Rule> = []
        for (let count = yield* Random.nextIntBetween(0, 4); count > 0; count--) {
          const hash = yield* Random.nextIntBetween(2, 5)
          rules.push(Object.assign(
            {},
            yield* perhaps("methods", some(["tools/call", "resources/read", "prompts/get"])),
            yield* perhaps("tools", some(all.tools)),
            yield* perhaps("resources", some(["x://public", "x://kept", "y://{id}", "y://one"])),
            yield* perhaps("prompts", some(all.prompts)),
            yield* perhaps("tags", some(["mail", "danger"])),
            yield* perhaps("scopes", some(scopes)),
            yield* perhaps(
              "allow",
              Effect.succeed(({ name = "" }) =>
                name.length % hash !== 0
              )
            )
          ))
        }
        const byDefault = (yield* Random.nextBoolean) ? "allow" : "deny"
        const client = yield* visit(guarded(rules, { byDefault }), ["wipe", ...yield* some(scopes)])
        const { prompts, resources, tools } = yield* listed(client)
        const ends = yield* uses(client)
        // What it is built of is decided on when it runs.
        const { relay: _, ...direct } = ends
        const shown = [...tools, ...resources, ...prompts].filter((name) =>
          name !== "relay"
        )
        assert.deepStrictEqual(
          Object.keys(direct).filter((name) => direct[name] === "fine").sort(),
          shown.sort(),
          JSON.stringify(rules)
        )
      }
    }).pipe(Random.withSeed("rules")))

  it.effect("says nothing of what is not there", () =>
    Effect.gen(function*() {
      const client = yield* visit(guarded([{ scopes: ["all"] }], { byDefault: "deny" }), [])
      assert.strictEqual(yield* reasonOf(client.callTool("hidden")), "InvalidParams")
      assert.strictEqual(yield* reasonOf(client.callTool("nowhere")), "InvalidParams")
    }))

  it.effect("knows its caller by whom a middleware before it says that it is, and may need services and refuse", () =>
    Effect.gen(function*() {
      class Roles extends Context.Service<Roles, {
        readonly of: (subject: string | undefined) => Effect.Effect<ReadonlyArray<string>, McpError.McpError>
      }>()("test/middleware/Authorization/Roles") {}
      const login = Middleware.provide(
        Identity.Required,
        ({ context }) => Effect.succeed(Identity.make({ subject: String(context.meta["acme/token"]) }))
      )
      const rule: Authorization.Rule<Roles> = {
        tools: ["send"],
        allow: (_, { subject }) =>
          Effect.map(Roles.use((roles) => roles.of(subject)), (roles) => roles.includes("mail"))
      }
      const server = McpServer.layer({ ...info, tools: [sendTool], middleware: [login, Authorization.make([rule])] })
        .pipe(
          Layer.provide(Layer.succeed(Roles, {
            of: (subject) =>
              subject === "broken"
                ? Effect.fail(McpError.make(new McpError.Overloaded({ message: "later" })))
                : Effect.succeed(subject === "ann" ? ["mail"] : [])
          }))
        )
      const client = yield* McpTest.client(server)
      const as = (token: string) => reasonOf(client.callTool("send", {}, { meta: { "acme/token": token } }))
      assert.strictEqual(yield* as("ann"), "fine")
      assert.strictEqual(yield* as("bob"), "InsufficientScope")
      assert.strictEqual(yield* as("broken"), "Overloaded")
    }))

  it.effect("lets no cache in between keep what one caller sees", () =>
    Effect.gen(function*() {
      const server = McpServer.layer({
        ...info,
        ...definitions,
        cacheHints: { ttlMs: 60_000, cacheScope: "public" },
        middleware: [Authorization.make([])]
      })
      const client = yield* McpTest.client(server)
      const result = yield* client.request("tools/list")
      assert.deepInclude(result, { ttlMs: 60_000, cacheScope: "private" })
    }))

  it.effect("refuses over HTTP with a challenge, as definitions do, in both eras", () =>
    Effect.gen(function*() {
      const at = yield* door.open(
        door.bearer({ scopes: ["notes:read"] }),
        {},
        McpServer.layer({
          name: "notes",
          version: "1.0.0",
          ...door.definitions,
          middleware: [
            Authorization.make([
              { tools: ["whoami", "purge"], scopes: ["notes:who"] },
              { tools: ["whoami"], allow: (_, { claims }) => claims["blocked"] !== true || "You are blocked." }
            ])
          ]
        }) as typeof door.server
      )
      const metadata = "resource_metadata=\"https://acme.example/.well-known/oauth-protected-resource/mcp\""
      const challenge = (scopes: string) => `Bearer error="insufficient_scope", scope="${scopes}", ${metadata}`
      const token = yield* at.issuer.token({ scope: "notes:read" })
      const enough = yield* at.issuer.token({ scope: "notes:read notes:who" })
      const blocked = yield* at.issuer.token({ scope: "notes:read notes:who", blocked: true })
      const session = yield* door.begin(at, token)
      const calls = [
        (name: string, token: string) => door.call(at, name, { token }),
        (name: string, token: string) =>
          door.send(
            at.handler,
            door.stateful({ id: 1, method: "tools/call", params: { name, arguments: {} } }, { token, headers: session })
          )
      ]
      for (const call of calls) {
        const refused = yield* call("whoami", token)
        assert.deepStrictEqual([refused.status, refused.challenge], [403, challenge("notes:read notes:who")])
        assert.strictEqual(refused.body.error.code, 403)
        assert.deepStrictEqual(refused.body.error.data.requiredScopes, ["notes:who"])
        const both = yield* call("purge", token)
        assert.deepStrictEqual(
          [both.status, both.challenge],
          [403, challenge("notes:read notes:who notes:write notes:purge")]
        )
        assert.strictEqual((yield* call("whoami", enough)).status, 200)
        const told = yield* call("whoami", blocked)
        assert.deepStrictEqual([told.status, told.body.error.message], [403, "You are blocked."])
      }
    }))
})
