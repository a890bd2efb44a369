/** What our client finds on a server of somebody else, feature by feature, over each transport and in each era it has. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as McpClient from "fastmcp-effect/client/McpClient"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import * as clientHarness from "./clientHarness.ts"
import * as page from "./clientPage.ts"
import { type At, type Features, features, type Peer, type Proof, titleOf } from "./clientPeer.ts"
import * as harness from "./harness.ts"

// ----------------------------------------------------------------------------
// proofs
// ----------------------------------------------------------------------------

export interface Call {
  readonly name: string
  readonly args?: { readonly [name: string]: unknown }
}

const textOf = ({ content }: McpSchema.CallToolResult) =>
  content.map((block) => block.type === "text" ? block.text : "").join("\n")

const call = ({ client, run }: At, { args, name }: Call) => run(client.callTool(name, args))

export const serves = (name: string): Proof => async ({ client, wire }) => {
  const { info, revision } = client.server()
  assert.strictEqual(revision, wire.revision)
  assert.strictEqual(info?.name, name)
}

export interface Names {
  readonly tools: ReadonlyArray<string>
  readonly resources: ReadonlyArray<string>
  readonly templates: ReadonlyArray<string>
  readonly prompts: ReadonlyArray<string>
}

export const lists = (names: Names): Proof => async ({ client, run }) => {
  const found = {
    tools: (await run(client.listTools())).map(({ name }) => name),
    resources: (await run(client.listResources())).map(({ uri }) => uri),
    templates: (await run(client.listResourceTemplates())).map(({ uriTemplate }) => uriTemplate),
    prompts: (await run(client.listPrompts())).map(({ name }) => name)
  }
  for (const kind of ["tools", "resources", "templates", "prompts"] as const) {
    assert.includeMembers(found[kind], [...names[kind]], kind)
    assert.strictEqual(new Set(found[kind]).size, found[kind].length, `${kind} are listed once`)
  }
}

export const pagesOf = (uris: ReadonlyArray<string>): Proof => async ({ client, run }) => {
  const first = await run(client.request("resources/list"))
  assert.isString(first.nextCursor, "there is more than one page")
  assert.sameMembers((await run(client.listResources())).map(({ uri }) => uri), [...uris])
}

export const answers = (made: Call, text: RegExp): Proof => async (at) => {
  const result = await call(at, made)
  assert.notStrictEqual(result.isError, true)
  assert.match(textOf(result), text)
}

export const structured = (made: Call, content: unknown): Proof => async (at) => {
  // With the list the client knows the output schema, and checks what comes.
  await at.run(at.client.listTools())
  const result = await call(at, made)
  assert.deepStrictEqual(result.structuredContent, content)
}

export const fails = (made: Call, text: RegExp): Proof => async (at) => {
  const result = await call(at, made)
  assert.strictEqual(result.isError, true)
  assert.match(textOf(result), text)
}

/** Some say it with an error of the protocol, some with a tool's. */
export const unknownTool: Proof = async ({ client, run }) => {
  const result = await run(Effect.result(client.callTool("nobody")))
  if (result._tag === "Success") {
    assert.strictEqual(result.success.isError, true)
    assert.match(textOf(result.success), /nobody/)
    return "a tool error"
  }
  assert.strictEqual(result.failure._tag, "McpError")
  assert.include(["InvalidParams", "ToolNotFound", "MethodNotFound"], result.failure.reason._tag)
  return result.failure.reason._tag
}

export const progresses = (made: Call): Proof => async ({ client, run }) => {
  const events = await run(Stream.runCollect(client.callToolStream(made.name, made.args)))
  const steps = events.flatMap((event) => event._tag === "Progress" ? [[event.progress, event.total]] : [])
  assert.deepStrictEqual(steps, [[1, 3], [2, 3], [3, 3]])
  assert.strictEqual(events.at(-1)?._tag, "Result")
}

export const cancels: Proof = async ({ client, events, key, run }) => {
  await run(Effect.gen(function*() {
    const call = yield* Effect.forkChild(client.callTool("hang", { key }))
    yield* Effect.promise(() => harness.until(`"started ${key}"`, () => events().includes(`started ${key}`)))
    yield* Fiber.interrupt(call)
  }))
  await harness.until(`"stopped ${key}"`, () => events().includes(`stopped ${key}`))
  await run(client.listTools({ refresh: true }))
}

/**
 * From `info` on, as it was asked for; some servers send `debug` too. What the tool logs names its level, and so can be
 * told from what a server says at a time of its own: punkpeye's greets an SSE connection while it is already in use.
 */
export const logs = (made: Call, levels: ReadonlyArray<string>): Proof => async (at) => {
  at.heard.logs.length = 0
  await call(at, made)
  const said = () =>
    at.heard.logs.flatMap(({ data, level }) => JSON.stringify(data).includes(`"${level}"`) ? [level] : [])
  await harness.until("the error", () => said().includes("error"))
  const found = said()
  const isFiltered = found[0] !== "debug"
  assert.deepStrictEqual(found, isFiltered ? levels : ["debug", ...levels])
  return isFiltered ? undefined : "all levels, whatever was asked for"
}

/** What a server logs of its own accord. */
export const logsOnce = (act: (at: At) => Promise<unknown>, text: RegExp): Proof => async (at) => {
  at.heard.logs.length = 0
  await act(at)
  await harness.until("a message", () => at.heard.logs.some(({ data }) => text.test(String(data))))
}

export const prompts =
  (made: { readonly name: string; readonly args: { readonly [name: string]: string } }, text: RegExp): Proof =>
  async ({ client, run }) => {
    const { messages } = await run(client.getPrompt(made.name, made.args))
    assert.deepStrictEqual(messages.map(({ role }) => role), ["user"])
    const [content] = messages.map(({ content }) => content)
    assert.match(content?.type === "text" ? content.text : "", text)
  }

export const completes =
  (params: McpSchema.CompleteParams, values: ReadonlyArray<string>): Proof => async ({ client, run }) => {
    assert.deepStrictEqual((await run(client.complete(params))).values, values)
  }

export const reads = (uri: string, text: string | RegExp): Proof => async ({ client, run }) => {
  const { contents } = await run(client.readResource(uri))
  assert.lengthOf(contents, 1)
  const [content] = contents
  const found = content !== undefined && "text" in content ? content.text : undefined
  if (typeof text === "string") assert.strictEqual(found, text)
  else assert.match(found ?? "", text)
}

/** There are several ways to say so; where it is said as the specification has it, it is `ResourceNotFound`. */
export const misses = (uri: string): Proof => async ({ client, run }) => {
  const result = await run(Effect.result(client.readResource(uri)))
  assert.strictEqual(result._tag, "Failure")
  if (result._tag === "Success") return
  assert.strictEqual(result.failure._tag, "McpError")
  return result.failure.reason._tag
}

/** Until the server has said that it watches, a change may pass unseen, so it is made again. */
const sees = async (at: At, options: McpClient.ChangesOptions, made: Call, tag: McpClient.Change["_tag"]) => {
  const seen: Array<McpClient.Change> = []
  await at.run(Effect.gen(function*() {
    const watching = yield* Effect.forkChild(
      Stream.runForEach(at.client.changes(options), (change) => Effect.sync(() => void seen.push(change))),
      { startImmediately: true }
    )
    for (let left = 20; left > 0 && seen.length === 0 && watching.pollUnsafe() === undefined; left--) {
      yield* at.client.callTool(made.name, made.args)
      yield* Effect.sleep("100 millis")
    }
    yield* Fiber.interrupt(watching)
    const ended = watching.pollUnsafe()
    if (seen.length === 0 && ended !== undefined && ended._tag === "Failure") yield* ended
  }))
  assert.strictEqual(seen[0]?._tag, tag)
  return seen
}

export const watches = (uri: string, made: Call): Proof => async (at) => {
  const seen = await sees(at, { uris: [uri] }, made, "ResourceUpdated")
  assert.deepStrictEqual(seen[0], { _tag: "ResourceUpdated", uri })
}

export const changes = (made: Call, list: "tools" | "resources" = "tools"): Proof => async (at) => {
  await sees(at, { [list]: true }, made, list === "tools" ? "ToolsListChanged" : "ResourcesListChanged")
}

/** What the form left out has its default. */
export const asksForm = (made: Call, text: RegExp): Proof => async (at) => {
  at.heard.forms.length = 0
  assert.match(textOf(await call(at, made)), text)
  assert.lengthOf(at.heard.forms, 1)
}

export const asksPage = (made: Call, url: string, text: RegExp): Proof => async (at) => {
  at.heard.pages.length = 0
  assert.match(textOf(await call(at, made)), text)
  assert.lengthOf(at.heard.pages, 1)
  assert.deepInclude(at.heard.pages[0], { url })
}

export const samples = (made: Call, text: RegExp): Proof => async (at) => {
  at.heard.samples.length = 0
  assert.match(textOf(await call(at, made)), text)
  assert.lengthOf(at.heard.samples, 1)
}

/** Some servers keep them, and ask again when they have changed. */
export const roots = (made: Call, text: RegExp): Proof => async (at) => {
  at.changeRoots()
  for (let left = 40; left > 0; left--) {
    if (text.test(textOf(await call(at, made)))) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  assert.fail("the server has not heard of them")
}

export const pings: Proof = ({ client, run }) => run(client.ping())

/** Its process has ended, of its own accord or by a signal; or its session. */
export const ends: Proof = async ({ close, events, wire }) => {
  const closed = () => events().filter((event) => event === "session closed").length
  const before = closed()
  await close()
  if (wire.transport !== "stdio") return void await harness.until("end of the session", () => closed() > before)
  const pid = Number(events()[0]?.slice("pid ".length))
  await harness.until("end of the process", () => !harness.isAlive(pid))
  return events().includes("exit") ? undefined : "by a signal"
}

// ----------------------------------------------------------------------------
// the servers that have our fixtures
// ----------------------------------------------------------------------------

const fixtures: Names = {
  tools: ["add", "fail", "climb", "hang", "say", "ask", "think", "where", "bump", "toggle"],
  resources: ["note://welcome", "note://counter", "note://page/1", "note://page/2", "note://page/3"],
  templates: ["people://{name}"],
  prompts: ["greeting"]
}

/** What `servers/` have, by the names in `fixtures.ts`. */
export const standard: Features = {
  "who serves": serves("interop"),
  "lists": lists(fixtures),
  "lists with pages": pagesOf(fixtures.resources),
  "call": answers({ name: "add", args: { a: 2, b: 3 } }, /5/),
  "structured content": structured({ name: "add", args: { a: 2, b: 3 } }, { sum: 5 }),
  "tool error": fails({ name: "fail" }, /It failed/),
  "unknown tool": unknownTool,
  "progress": progresses({ name: "climb" }),
  "cancellation reaches the server": cancels,
  "logging": logs({ name: "say" }, ["info", "warning", "error"]),
  "prompts": prompts({ name: "greeting", args: { name: "ada" } }, /^Hello, ada!$/),
  "completion": completes(
    { ref: { type: "ref/prompt", name: "greeting" }, argument: { name: "name", value: "a" } },
    ["ada", "alan"]
  ),
  "resources": reads("note://welcome", "Grüße ≠ 🙂\nand welcome"),
  "resource templates": reads("people://ada", "This is ada"),
  "missing resource": misses("note://nobody"),
  "resource subscriptions": watches("note://counter", { name: "bump" }),
  "list changes": changes({ name: "toggle" }),
  "elicitation, form": asksForm({ name: "ask" }, /^accept \{"name":"Ada","size":"s"\}$/),
  "elicitation, URL": asksPage({ name: "visit" }, "https://example.com/pay", /^accept$/),
  "sampling": samples({ name: "think" }, /^interop-model: .*"5"/),
  "roots": roots({ name: "where" }, /file:\/\/\/home\/ada/),
  "ping": pings,
  "ends with its client": ends
}

// ----------------------------------------------------------------------------
// the tests of a server
// ----------------------------------------------------------------------------

export const describePeer = (peer: Peer): void => {
  const seen = new Map<string, string>()

  for (const wire of peer.wires) {
    describe(`${peer.name} over ${titleOf(wire)}`, () => {
      const proofs = peer.features(wire)
      let connected: clientHarness.Connected
      let client: McpClient.Client

      beforeAll(async () => {
        connected = await clientHarness.connect(peer.program, wire)
        client = await connected.run(McpClient.McpClient)
      }, 25_000)

      afterAll(() => connected?.close(), 10_000)

      for (const feature of features) {
        const proof = proofs[feature]
        const key = `${titleOf(wire)}, ${feature}`
        if (typeof proof !== "function") {
          const { isDeclared, since } = proof
          it(`${feature}: not there, since ${since}`, () => {
            assert.isFalse(isDeclared?.(client.server().capabilities) ?? false, "the server declares it")
            seen.set(key, "-")
          })
          continue
        }
        it(feature, async () => {
          seen.set(key, await proof({ ...connected, client, wire, key: key.replaceAll(/\W+/g, "-") }) ?? "yes")
        }, 10_000)
      }
    })
  }

  it(`docs/reference/client-interop.md shows what was seen of ${peer.name}`, () => {
    const part = page.render(peer, (wire, feature) => {
      const cell = seen.get(`${titleOf(wire)}, ${feature}`)
      assert.isDefined(cell, `${titleOf(wire)}, ${feature} has not been seen`)
      return cell!
    })
    if (process.env["WRITE_PAGES"] === "true") page.write(peer.id, part)
    assert.strictEqual(page.read(peer.id), part)
  })
}
