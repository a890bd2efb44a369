/** Who sees and uses what a mounted server has: whom it would let in, and whom the server around it lets in. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as AuthProvider from "fastmcp-effect/auth/AuthProvider"
import * as BearerAuth from "fastmcp-effect/auth/BearerAuth"
import * as StaticVerifier from "fastmcp-effect/auth/StaticVerifier"
import * as Identity from "fastmcp-effect/context/Identity"
import type * as Definition from "fastmcp-effect/definition/Definition"
import * as Provider from "fastmcp-effect/definition/Provider"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as Tool from "fastmcp-effect/definition/Tool"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import * as Mount from "fastmcp-effect/provider/Mount"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as FetchMount from "fastmcp-effect/transport/FetchMount"
import * as door from "../auth/door.ts"
import { call, childInfo, parentInfo, serving, textOf, toolNames } from "./support.ts"

const ada = Identity.make({ subject: "ada", scopes: ["weather:read"] })
const eve = Identity.make({ subject: "eve" })

const whoami = (
  options: { readonly visible?: (viewer: Definition.Viewer) => boolean; readonly scopes?: ReadonlyArray<string> } = {}
) =>
  Tool.make("whoami", {
    ...options,
    success: Schema.String,
    handler: () => Effect.map(Identity.CurrentIdentity, ({ subject = "nobody" }) => subject)
  })

const child = McpServer.layer({ ...childInfo, tools: [whoami()] })

const names = (client: McpTest.Client) => toolNames(client)

const reasonOf = <A>(effect: Effect.Effect<A, McpError.McpError>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

describe("a mounted definition", () => {
  it.effect("is seen by whom it and its server let see it, and by nobody else", () =>
    Effect.gen(function*() {
      const isAda = ({ identity }: Definition.Viewer) => identity.subject === "ada"
      const byServer = McpServer.layer({ ...childInfo, tools: [whoami()], visible: (_, viewer) => isAda(viewer) })
      const byItself = McpServer.layer({ ...childInfo, tools: [whoami({ visible: isAda })] })
      for (const hidden of [byServer, byItself]) {
        const parent = serving(Mount.make(hidden))
        const [seeing, other] = [
          yield* McpTest.client(parent, { identity: ada }),
          yield* McpTest.client(parent, { identity: eve })
        ]
        assert.deepStrictEqual(yield* names(seeing), ["whoami"])
        assert.strictEqual(yield* call(seeing, "whoami"), "ada")
        assert.deepStrictEqual(yield* names(other), [])
        const unseen = yield* Effect.flip(other.callTool("whoami"))
        assert.strictEqual(
          unseen.message,
          (yield* Effect.flip(other.callTool("nothing"))).message.replace("nothing", "whoami")
        )
      }
    }))

  it.effect("that a transform opens is still its server's to show", () =>
    Effect.gen(function*() {
      const hidden = McpServer.layer({
        ...childInfo,
        tools: [whoami({ scopes: ["weather:read"] })],
        resources: [Resource.make("weather:///hidden", { visible: () => false, handler: Effect.succeed("hidden") })]
      })
      const opened = Provider.map(Mount.make(hidden), (catalogue) =>
        catalogue.map((definition) => ({ ...definition, visible: undefined, scopes: undefined, listed: undefined })))
      const client = yield* McpTest.client(serving(opened), { identity: eve })
      assert.deepStrictEqual(yield* names(client), ["whoami"])
      assert.deepInclude(yield* reasonOf(client.callTool("whoami")), {
        _tag: "InsufficientScope",
        scopes: ["weather:read"]
      })
      const unseen = yield* Effect.flip(client.readResource("weather:///hidden"))
      const missing = yield* Effect.flip(client.readResource("weather:///nothing"))
      assert.strictEqual(unseen.message, missing.message.replace("nothing", "hidden"))
    }))

  it.effect("that its caller lacks the scopes for is listed where both servers list such", () =>
    Effect.gen(function*() {
      const seen = (inner: boolean, outer: boolean) =>
        Effect.gen(function*() {
          const scoped = McpServer.layer({
            ...childInfo,
            listForbidden: inner,
            tools: [whoami({ scopes: ["weather:read"] })]
          })
          const parent = McpServer.register(Mount.make(scoped)).pipe(
            Layer.provideMerge(McpServer.layer({ ...parentInfo, listForbidden: outer }))
          )
          const [with_, without] = [
            yield* McpTest.client(parent, { identity: ada }),
            yield* McpTest.client(parent, { identity: eve })
          ]
          assert.deepStrictEqual(yield* names(with_), ["whoami"])
          assert.strictEqual(yield* call(with_, "whoami"), "ada")
          assert.deepInclude(yield* reasonOf(without.callTool("whoami")), { scopes: ["weather:read"] })
          return yield* names(without)
        })
      assert.deepStrictEqual(yield* seen(true, true), ["whoami"])
      assert.deepStrictEqual(yield* seen(true, false), [])
      assert.deepStrictEqual(yield* seen(false, true), [])
      assert.deepStrictEqual(yield* seen(false, false), [])
    }))

  it.effect("has its unknown arguments refused where either server refuses them", () =>
    Effect.gen(function*() {
      const refuses = (inner: boolean | undefined, outer: boolean | undefined, own?: boolean) =>
        Effect.gen(function*() {
          const strictly = (strictInput: boolean | undefined) => strictInput === undefined ? undefined : { strictInput }
          const tool = Tool.make("tool", {
            parameters: { known: Schema.optionalKey(Schema.String) },
            ...(own === undefined ? undefined : { strict: own })
          })
          const inside = McpServer.layer({
            ...childInfo,
            ...strictly(inner),
            tools: [Tool.handle(tool, () => Effect.void)]
          })
          const client = yield* McpTest.client(
            McpServer.register(Mount.make(inside)).pipe(
              Layer.provideMerge(McpServer.layer({ ...parentInfo, ...strictly(outer) }))
            )
          )
          const { isError = false } = yield* client.callTool("tool", { extra: 1 })
          const [listed] = yield* client.listTools
          assert.strictEqual(listed!.inputSchema.additionalProperties === false, isError)
          return isError
        })
      assert.isFalse(yield* refuses(undefined, undefined))
      assert.isTrue(yield* refuses(true, undefined))
      assert.isTrue(yield* refuses(undefined, true))
      assert.isTrue(yield* refuses(false, true))
      assert.isFalse(yield* refuses(true, true, false))
      assert.isTrue(yield* refuses(false, false, true))
    }))
})

describe("a mounted server that asks who calls", () => {
  const guarded = (scopes: ReadonlyArray<string> = [], listForbidden = false) =>
    McpServer.layer({
      ...childInfo,
      listForbidden,
      tools: [whoami()],
      resources: [Resource.text("weather:///stations", "two")]
    }).pipe(
      Layer.provide(
        BearerAuth.layer({ resource: "https://weather.example/mcp", authorizationServers: [], scopes }).pipe(
          Layer.provide(StaticVerifier.layer([{ token: Redacted.make("sesame"), subject: "ada" }]))
        )
      )
    )

  it.effect("knows whom the server around it knows", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(serving(Mount.make(guarded())), { identity: eve })
      assert.deepStrictEqual(yield* names(client), ["whoami"])
      assert.strictEqual(yield* call(client, "whoami"), "eve")
    }))

  it.effect("refuses nobody in particular, and does not show itself", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(serving(Mount.make(guarded())))
      assert.deepStrictEqual(yield* names(client), [])
      assert.deepStrictEqual(yield* client.listResources, [])
      assert.strictEqual((yield* reasonOf(client.callTool("whoami")))._tag, "Unauthenticated")
      assert.strictEqual((yield* reasonOf(client.readResource("weather:///stations")))._tag, "Unauthenticated")
      const showing = yield* McpTest.client(
        McpServer.register(Mount.make(guarded([], true))).pipe(
          Layer.provideMerge(McpServer.layer({ ...parentInfo, listForbidden: true }))
        )
      )
      assert.deepStrictEqual(yield* names(showing), ["whoami"])
    }))

  it.effect("asks of everybody the scopes it always asked for", () =>
    Effect.gen(function*() {
      const parent = serving(Mount.make(guarded(["weather:read"])))
      const [with_, without] = [
        yield* McpTest.client(parent, { identity: ada }),
        yield* McpTest.client(parent, { identity: eve })
      ]
      assert.strictEqual(yield* call(with_, "whoami"), "ada")
      assert.deepStrictEqual(yield* names(without), [])
      assert.deepInclude(yield* reasonOf(without.callTool("whoami")), {
        _tag: "InsufficientScope",
        scopes: ["weather:read"]
      })
    }))

  it.effect("lets in whom it lets in without asking, as whom it takes them for", () =>
    Effect.gen(function*() {
      const everybody = child.pipe(Layer.provide(AuthProvider.layerAllowAll))
      const somebody = McpServer.layer({ ...childInfo, tools: [whoami({ scopes: ["weather:read"] })] }).pipe(
        Layer.provide(AuthProvider.layerAs(ada))
      )
      const [first, second] = [
        yield* McpTest.client(serving(Mount.make(everybody))),
        yield* McpTest.client(serving(Mount.make(somebody)))
      ]
      assert.deepStrictEqual([yield* names(first), yield* names(second)], [["whoami"], ["whoami"]])
      assert.deepStrictEqual([yield* call(first, "whoami"), yield* call(second, "whoami")], ["nobody", "ada"])
    }))

  it.effect("serves a handler that must know its caller", () =>
    Effect.gen(function*() {
      const required = Tool.make("required", {
        success: Schema.String,
        handler: () => Effect.map(Identity.Required, ({ subject }) => subject)
      })
      const inner = McpServer.layer({ ...childInfo, tools: [required] }).pipe(
        Layer.provideMerge(AuthProvider.layerToken([{ token: Redacted.make("sesame"), subject: "ada" }]))
      )
      const client = yield* McpTest.client(serving(Mount.make(inner)), { identity: eve })
      assert.strictEqual(yield* call(client, "required"), "eve")
    }))

  it.effect("has its own challenge over HTTP, where the server around it has none", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(serving(Mount.make(guarded(["weather:read"], true))))
      const ask = yield* Effect.provideContext(FetchMount.make(), context)
      const { challenge, status } = yield* door.send(
        ask,
        door.stateless("tools/call", { name: "whoami", arguments: {} })
      )
      assert.strictEqual(status, 401)
      assert.include(challenge, "weather.example")
      assert.include(challenge, "weather:read")
    }))
})

describe("an argument", () => {
  it.effect("is decoded once, by the server that has the tool", () =>
    Effect.gen(function*() {
      let decoded = 0
      const Counted = Schema.String.check(Schema.makeFilter(() => {
        decoded++
        return true
      }))
      const tool = Tool.make("tool", {
        parameters: { text: Counted },
        success: Schema.String,
        handler: ({ text }) => Effect.succeed(text)
      })
      const client = yield* McpTest.client(serving(Mount.make(McpServer.layer({ ...childInfo, tools: [tool] }))))
      assert.strictEqual(textOf(yield* client.callTool("tool", { text: "a" })), "a")
      assert.strictEqual(decoded, 1)
    }))
})
