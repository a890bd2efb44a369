/**
 * Sets the server up, starts it, and does what its users do: logs in on its pages, calls what it has, answers what it
 * asks, starts a task, sees the server killed and started again, and reads the result. Exits with 1 if anything is not
 * so, the traces that the server has sent meanwhile included.
 */
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Otlp from "effect/observability/Otlp"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import type { McpSchema } from "fastmcp-effect"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeSseClient from "fastmcp-effect/node/NodeSseClient"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import * as NodeWebSocketClient from "fastmcp-effect/node/NodeWebSocketClient"
import * as TasksClient from "fastmcp-effect/tasks/TasksClient"
import type * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import type * as TransportError from "fastmcp-effect/transport/TransportError"
import assert from "node:assert/strict"
import { type ChildProcess, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import * as fs from "node:fs"
import { createServer } from "node:http"
import * as os from "node:os"
import * as path from "node:path"
import * as oauth from "oauth4webapi"

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "production-"))

/** The port that a server gets which may have any. */
const portOf = async (server: ReturnType<typeof createServer>): Promise<number> => {
  await once(server.listen(0, "127.0.0.1"), "listening")
  return (server.address() as { readonly port: number }).port
}

const freePort = async (): Promise<number> => {
  const probe = createServer()
  const port = await portOf(probe)
  await new Promise((resolve) => probe.close(resolve))
  return port
}

// ----------------------------------------------------------------------------
// a collector of traces
// ----------------------------------------------------------------------------

interface Span {
  readonly service: string
  readonly name: string
  readonly traceId: string
  readonly links?: ReadonlyArray<{ readonly traceId: string }>
}

const spans: Array<Span> = []

const collector = createServer(async (request, response) => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  if (request.url?.endsWith("/v1/traces") === true) {
    for (const { resource, scopeSpans } of JSON.parse(Buffer.concat(chunks).toString()).resourceSpans) {
      const service = resource.attributes.find(({ key }: { key: string }) => key === "service.name").value.stringValue
      for (const scope of scopeSpans) for (const span of scope.spans) spans.push({ ...span, service })
    }
  }
  response.end("{}")
})

// ----------------------------------------------------------------------------
// the server, as a process
// ----------------------------------------------------------------------------

const port = await freePort()
const origin = `http://127.0.0.1:${port}`
const password = "correct horse battery staple"
const telemetry = `http://127.0.0.1:${await portOf(collector)}`

const children = new Set<ChildProcess>()

const run = (program: string): ChildProcess => {
  const child = spawn(process.execPath, [...process.execArgv, path.join(import.meta.dirname, program)], {
    env: {
      ...process.env,
      PORT: String(port),
      DATABASE: path.join(directory, "acme.db"),
      KEYS: path.join(directory, "keys.json"),
      STATE_KEY: stateKey,
      DOCKET_KEY: docketKey,
      OTLP_URL: telemetry,
      LEASE: "3 seconds",
      PASSWORD: password
    },
    stdio: ["ignore", "ignore", process.env.VERBOSE === undefined ? "ignore" : "inherit"]
  })
  children.add(child)
  return child
}

const [stateKey, docketKey] = [randomBytes(32).toString("hex"), randomBytes(32).toString("hex")]

const start = async (): Promise<ChildProcess> => {
  const server = run("server.ts")
  while (!await fetch(`${origin}/health`).then(({ ok }) => ok, () => false)) {
    assert.equal(server.exitCode, null, "the server has ended; VERBOSE=1 shows why")
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return server
}

// ----------------------------------------------------------------------------
// a browser and its user
// ----------------------------------------------------------------------------

const cookies = new Map<string, string>()

const get = async (url: string, body?: URLSearchParams): Promise<Response> => {
  const response = await fetch(url, {
    ...(body === undefined ? undefined : { method: "POST", body }),
    headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
    redirect: "manual"
  })
  for (const cookie of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!
    cookies.set(name!, value!)
  }
  return response
}

/** Follows where it is sent, and fills in the forms that come, until it is sent back to the application. */
const visit = async (url: string, application: string): Promise<URL> => {
  let response = await get(url)
  for (let page = 0; page < 10; page++) {
    const sent = response.headers.get("location") ?? response.headers.get("refresh")?.replace("0;url=", "")
    if (sent?.startsWith(application) === true) return new URL(sent)
    if (sent !== undefined) {
      response = await get(new URL(sent, origin).href)
      continue
    }
    const html = await response.text()
    const [, action] = /action="([^"]*)"/.exec(html) ?? assert.fail(`no form is on the page: ${html}`)
    const [, csrf] = /name="csrf" value="([^"]*)"/.exec(html)!
    const answer = html.includes(`name="password"`) ? { username: "ada", password } : { decision: "allow" }
    response = await get(
      new URL(action!.replaceAll("&#38;", "&"), origin).href,
      new URLSearchParams({ csrf: csrf!, ...answer })
    )
  }
  return assert.fail("no page leads back to the application")
}

/** The authorization code flow with PKCE, as an application goes through it; gives the access token. */
const logIn = async (): Promise<string> => {
  const options = { [oauth.allowInsecureRequests]: true }
  const client: oauth.Client = { client_id: "acme-cli" }
  const redirectUri = `http://127.0.0.1:${await freePort()}/callback`
  const issuer = new URL(origin)
  const provider = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options))
  const verifier = oauth.generateRandomCodeVerifier()
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
  const authorize = new URL(provider.authorization_endpoint!)
  authorize.search = String(
    new URLSearchParams({
      response_type: "code",
      client_id: client.client_id,
      redirect_uri: redirectUri,
      scope: "openid profile acme",
      resource: `${origin}/mcp`,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
      nonce
    })
  )
  const callback = oauth.validateAuthResponse(provider, client, await visit(authorize.href, redirectUri), state)
  const response = await oauth.authorizationCodeGrantRequest(
    provider,
    client,
    oauth.None(),
    callback,
    redirectUri,
    verifier,
    { ...options, additionalParameters: { resource: `${origin}/mcp` } }
  )
  const tokens = await oauth.processAuthorizationCodeResponse(provider, client, response, {
    expectedNonce: nonce,
    requireIdToken: true
  })
  await oauth.validateApplicationLevelSignature(provider, response, options)
  assert.equal(oauth.getValidatedIdTokenClaims(tokens)!.sub, "u-1")
  return tokens.access_token
}

// ----------------------------------------------------------------------------
// what the user does
// ----------------------------------------------------------------------------

const textOf = ({ content }: McpSchema.CallToolResult) =>
  content.map((block) => "text" in block ? block.text : "").join()

const User = ClientHandlers.elicitation({
  form: ({ message }) => Effect.succeed(ClientHandlers.accept({ count: message.includes("cakes") ? 3 : 0 }))
})

/** Whatever carries it, it is the same server. */
const listOver = (
  transport: Layer.Layer<ClientTransport.ClientTransport, TransportError.TransportError>,
  revision: "2024-11-05" | "2026-07-28"
) =>
  Effect.gen(function*() {
    const client = yield* McpClient.make({ revision })
    return (yield* client.listTools()).map(({ name }) => name)
  }).pipe(Effect.provide(transport), Effect.scoped)

const story = Effect.gen(function*() {
  const done = yield* Effect.promise(() => once(run("setup.ts"), "exit"))
  assert.deepEqual(done, [0, null])
  const first = yield* Effect.promise(start)

  assert.equal((yield* Effect.promise(() => fetch(`${origin}/mcp`, { method: "POST" }))).status, 401)
  const token = yield* Effect.promise(logIn)
  console.log("Ada has logged in, and the application knows that it was her")

  const headers = { authorization: Redacted.make(`Bearer ${token}`) }
  const transport = yield* Layer.build(NodeStreamableHttpClient.layer({ url: `${origin}/mcp`, headers }))
  const client = yield* McpClient.make({ revision: "2025-11-25", extensions: [TasksClient.extension()] }).pipe(
    Effect.provide([User, Layer.succeedContext(transport)])
  )
  const tools = (yield* client.listTools()).map(({ name }) => name)
  assert.deepEqual(tools, ["whoami", "order", "report", "price_of_tea", "warehouse_stock"])
  const overSse = NodeSseClient.layer({ url: `${origin}/sse`, headers })
  assert.deepEqual(yield* listOver(overSse, "2024-11-05"), tools)
  const overWebSocket = NodeWebSocketClient.layer({ url: `ws://127.0.0.1:${port}/ws`, headers })
  assert.deepEqual(yield* listOver(overWebSocket, "2026-07-28"), tools)
  console.log(`It has ${tools.join(", ")}, over each of its transports`)

  assert.equal(textOf(yield* client.callTool("whoami")), "u-1")
  assert.deepEqual((yield* client.callTool("price_of_tea", { count: 4 })).structuredContent, { cents: 1000 })
  assert.equal(textOf(yield* client.callTool("warehouse_stock", { article: "cakes" })), "5")
  assert.equal(textOf(yield* client.callTool("order", { article: "cakes" })), "3 cakes")
  console.log("It has told who she is, what tea costs and how many cakes there are, and asked how many she wants")

  const created = yield* TasksClient.make(client).create("report", { chapters: 8 })
  assert.ok(created._tag === "Task")
  const { task } = created
  // What is said of a task is now and then written down, so that the second chapter may go without a word.
  yield* Stream.runDrain(
    Stream.takeUntil(task.updates, ({ statusMessage = "" }) => !/^(chapter 1 .*)?$/.test(statusMessage))
  )
  first.kill("SIGKILL")
  yield* Effect.promise(() => once(first, "exit"))
  const second = yield* Effect.promise(start)
  const { structuredContent } = yield* task.result
  const { chapters } = structuredContent as { readonly chapters: ReadonlyArray<string> }
  assert.deepEqual(chapters.map((chapter) => Number.parseInt(chapter)), Array.from(Array(8), (_, index) => index + 1))
  assert.ok(chapters[1]!.endsWith(`process ${first.pid}`) && chapters[7]!.endsWith(`process ${second.pid}`))
  console.log("A report was begun by one process that was killed, and ended by another, each chapter once")

  assert.equal(textOf(yield* client.callTool("whoami")), "u-1")
  second.kill("SIGTERM")
  assert.deepEqual(yield* Effect.promise(() => once(second, "exit")), [0, null])
  console.log("The session went on after that, and a signal ends the server as it should")
})

// ----------------------------------------------------------------------------
// and what was seen of it
// ----------------------------------------------------------------------------

const Telemetry = Otlp.layerJson({ baseUrl: telemetry, resource: { serviceName: "acme-cli" } }).pipe(
  Layer.provide(FetchHttpClient.layer)
)

await story.pipe(
  Effect.scoped,
  Effect.provide(Telemetry),
  Effect.ensuring(Effect.sync(() => {
    for (const child of children) child.kill("SIGKILL")
    fs.rmSync(directory, { recursive: true })
  })),
  Effect.runPromise
)

/** The trace in which the server has answered this call. */
const traceOf = (name: string): string =>
  spans.find((span) => span.service === "acme" && span.name === name)?.traceId ?? assert.fail(`no span is of ${name}`)

for (const name of ["tools/call order", "tools/call report"]) {
  const trace = traceOf(name)
  assert.ok(spans.some((span) => span.service === "acme-cli" && span.traceId === trace), `the client began no ${name}`)
}
// Work in the background has a trace of its own, for it may take days, and a link to the one that it was added in.
const added = traceOf("tools/call report")
assert.ok(
  spans.some(({ links = [], name }) => name.startsWith("docket ") && links.some(({ traceId }) => traceId === added)),
  "no run of a worker leads back to the call that added it"
)
collector.close()
console.log("Client, server and worker have told of each call in one trace, or by a link to it")
