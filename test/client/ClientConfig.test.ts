import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Inspectable from "effect/Inspectable"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as PlatformError from "effect/PlatformError"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as ClientConfig from "fastmcp-effect/client/ClientConfig"
import type * as ClientConfigError from "fastmcp-effect/client/ClientConfigError"
import * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import * as languages from "../../src/client/internal/languages.ts"
import * as samples from "./samples.ts"

const node = Layer.merge(NodeFileSystem.layer, NodePath.layer)

const test = <E>(name: string, run: Effect.Effect<void, E, FileSystem.FileSystem | Path.Path | Scope.Scope>) =>
  it.effect(name, () => Effect.scoped(Effect.provide(run, node)))

const reasonOf = <A, E extends { readonly reason: ClientConfigError.Reason }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

/** What a server is, without where it stands. */
const model = ({ source: _, ...server }: ClientConfig.Server) => server

const modelsOf = (text: string, options?: ClientConfig.Options) =>
  Effect.map(ClientConfig.parse(text, options), ({ problems, servers }) => {
    assert.deepStrictEqual(problems, [])
    return servers.map(model)
  })

const problemsOf = (text: string, options?: ClientConfig.Options) =>
  Effect.map(ClientConfig.parse(text, options), ({ problems, servers }) => ({
    names: servers.map(({ name }) => name),
    problems: problems.map(({ line, path, text }) => `${line} ${path.join(".")}: ${text}`)
  }))

type Model = ReturnType<typeof model>

const stdio = (name: string, command: string, rest: Partial<Omit<ClientConfig.Stdio, "source">> = {}): Model => ({
  type: "stdio",
  name,
  command,
  args: [],
  env: {},
  disabled: false,
  rest: {},
  ...rest
})

const remote = (
  name: string,
  type: ClientConfig.Remote["type"],
  url: string,
  rest: Partial<Omit<ClientConfig.Remote, "source">> = {}
): Model => ({ type, name, url, headers: {}, disabled: false, rest: {}, ...rest })

describe("a host's file", () => {
  test(
    "of Claude Desktop",
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* modelsOf(samples.claudeDesktop, { host: "claude-desktop" }), [
        stdio("filesystem", "npx", {
          args: ["-y", "@modelcontextprotocol/server-filesystem", "C:\\Users\\ada\\Desktop"],
          env: { APPDATA: "C:\\Users\\ada\\AppData\\Roaming\\" }
        })
      ])
    })
  )

  test(
    "of Claude Code, whose user's file has a section for each project besides",
    Effect.gen(function*() {
      const { problems, servers } = yield* ClientConfig.parse(samples.claudeCodeUser, { host: "claude-code" })
      assert.deepStrictEqual(problems, [])
      assert.deepStrictEqual(servers.map(({ name, source }) => [name, source.scope, source.project, source.line]), [
        ["sentry", undefined, undefined, 4],
        ["stripe", "local", "/home/ada/shop", 11],
        ["sentry", "local", "/home/ada/shop", 12]
      ])
      assert.deepStrictEqual(yield* modelsOf(samples.claudeCodeProject, { host: "claude-code" }), [
        remote("api", "sse", "${API_BASE_URL:-https://api.example.com}/mcp", {
          headers: { Authorization: "Bearer ${API_KEY}" }
        }),
        remote("paypal", "http", "https://mcp.paypal.com/mcp", {
          rest: { oauth: { clientId: "c", callbackPort: 8080 } }
        }),
        remote("events", "websocket", "wss://mcp.example.com/socket"),
        stdio("db", "npx", { args: ["-y", "@bytebase/dbhub"], env: { DB: "${DB}" } })
      ])
    })
  )

  test(
    "of Cursor",
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* modelsOf(samples.cursor, { host: "cursor" }), [
        stdio("local", "python", {
          args: ["${workspaceFolder}/tools/mcp_server.py"],
          env: { API_KEY: "${env:API_KEY}" },
          rest: { envFile: "${workspaceFolder}/.env" }
        }),
        remote("remote", "http", "https://api.example.com/mcp", { headers: { Authorization: "Bearer ${env:TOKEN}" } }),
        remote("old", "sse", "https://api.example.com/sse")
      ])
    })
  )

  test(
    "of Windsurf",
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* modelsOf(samples.windsurf, { host: "windsurf" }), [
        remote("figma", "http", "https://figma.example/mcp", { headers: { "API_KEY": "Bearer ${env:AUTH_TOKEN}" } }),
        stdio("github", "docker", { args: ["run", "-i"], disabled: true, rest: { disabledTools: ["a"] } })
      ])
    })
  )

  test(
    "of VS Code, with its inputs",
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* modelsOf(samples.vscode), [
        stdio("perplexity", "npx", {
          args: ["-y", "server-perplexity-ask"],
          env: { KEY: "${input:perplexity-key}" },
          rest: { dev: { watch: "src/**/*.ts" } }
        }),
        remote("context7", "http", "https://mcp.context7.com/mcp")
      ])
      const { form, inputs, servers } = yield* ClientConfig.parse(samples.vscode)
      assert.strictEqual(form, "servers")
      assert.deepStrictEqual(inputs, [{
        id: "perplexity-key",
        type: "promptString",
        description: "Perplexity API Key",
        password: true,
        default: undefined,
        options: []
      }])
      assert.strictEqual(servers[0]!.source.inputs, inputs)
    })
  )

  test(
    "of Codex",
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* modelsOf(samples.codex), [
        stdio("docs", "npx", {
          args: ["-y", "docs-server"],
          env: { LOG: "info" },
          cwd: "/srv",
          rest: { env_vars: ["TOKEN", { name: "HOME", source: "local" }], startup_timeout_sec: 20 }
        }),
        remote("figma", "http", "https://mcp.figma.com/mcp", {
          headers: { "X-Region": "eu" },
          disabled: true,
          rest: { bearer_token_env_var: "FIGMA_TOKEN", env_http_headers: { "X-User": "FIGMA_USER" } }
        })
      ])
    })
  )

  test(
    "of Gemini CLI, where url is HTTP+SSE and httpUrl is Streamable HTTP",
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* modelsOf(samples.gemini, { host: "gemini" }), [
        remote("github", "http", "https://api.githubcopilot.com/mcp/", {
          headers: { Authorization: "$TOKEN" },
          rest: { timeout: 5000 }
        }),
        remote("older", "sse", "http://localhost:8080/events"),
        stdio("python", "python", { args: ["-m", "my_server"], cwd: "./server", rest: { trust: false } })
      ])
    })
  )

  test(
    "of Cline, where a url alone is HTTP+SSE",
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* modelsOf(samples.cline, { host: "cline" }), [
        stdio("local", "node", { args: ["/x.js"], disabled: true, rest: { alwaysAllow: ["a"] } }),
        remote("older", "sse", "https://example.com/events"),
        remote("newer", "http", "https://example.com/mcp")
      ])
    })
  )
})

describe("a file of no host", () => {
  it.effect("may hold mcpServers in TOML, and is written as it is", () =>
    Effect.gen(function*() {
      const text = `[mcpServers.a]\ncommand = "x"\ndisabled = true\n`
      assert.deepStrictEqual(yield* modelsOf(text), [stdio("a", "x", { disabled: true })])
      assert.strictEqual(
        yield* ClientConfig.set(text, "b", { type: "sse", url: "https://b.example", headers: { A: "1" } }),
        `${text}\n[mcpServers.b]\ntype = "sse"\nurl = "https://b.example"\nheaders = { A = "1" }\n`
      )
    }))
})

describe("the kind of a server", () => {
  for (
    const [type, expected] of Object.entries({
      stdio: "stdio",
      local: "stdio",
      http: "http",
      "streamable-http": "http",
      streamableHttp: "http",
      streamable_http: "http",
      sse: "sse",
      ws: "websocket",
      websocket: "websocket"
    })
  ) {
    it.effect(`is ${expected} by the type ${type}`, () =>
      Effect.gen(function*() {
        const url = expected === "websocket" ? "wss://example.com" : "https://example.com"
        for (const key of ["type", "transport"]) {
          const [server] = yield* modelsOf(JSON.stringify({ mcpServers: { a: { [key]: type, command: "x", url } } }))
          assert.strictEqual(server!.type, expected)
        }
      }))
  }

  it.effect("is seen by the address where there is no type", () =>
    Effect.gen(function*() {
      const typeOf = (entry: object) =>
        Effect.map(modelsOf(JSON.stringify({ mcpServers: { a: entry } })), ([server]) => server!.type)
      assert.strictEqual(yield* typeOf({ url: "https://example.com/mcp" }), "http")
      assert.strictEqual(yield* typeOf({ serverUrl: "https://example.com/sse/?x=1" }), "sse")
      assert.strictEqual(yield* typeOf({ httpUrl: "https://example.com/sse" }), "http")
      assert.strictEqual(yield* typeOf({ url: "https://example.com/assets" }), "http")
      assert.strictEqual(yield* typeOf({ url: "WSS://example.com" }), "websocket")
    }))
})

describe("a problem", () => {
  it.effect("is of one server, says what to do, and leaves the others", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* problemsOf(samples.broken), {
        names: ["good", "last"],
        problems: [
          `4 mcpServers.text: it must be an object, such as { "command": "npx", "args": ["-y", "some-server"] }`,
          `5 mcpServers.empty: it has neither a command nor a url; it must be an object, such as { "command": "npx", "args": ["-y", "some-server"] }`,
          `6 mcpServers.blank.command: command is empty; give the program to start, such as "npx"`,
          `7 mcpServers.list.command: command must be a text in quotes; put the program into command and the rest into args`,
          `8 mcpServers.args.args.1: args[1] must be a text in quotes; write "3000"`,
          `9 mcpServers.args2.args: args must be a list of texts: ["a", "b"]`,
          `10 mcpServers.env.env.PORT: env.PORT must be a text in quotes; write "3000"`,
          `10 mcpServers.env.env.DEBUG: env.DEBUG must be a text in quotes; write "true"`,
          `11 mcpServers.env2.env.A=B: env.A=B: this is no name of a variable; rename it`,
          `12 mcpServers.env3.env.__proto__: env.__proto__: this name is not safe to use; rename it`,
          `13 mcpServers.scheme.url: url is "example.com/mcp", which has no scheme; write "https://example.com/mcp"`,
          `14 mcpServers.ftp.url: url is "ftp://example.com", which cannot be reached over http; write an address that begins with https://`,
          `15 mcpServers.host.url: url is "https://", which is no address; look for a mistake in it`,
          `16 mcpServers.header.headers.X Y: headers.X Y: this is no name of a header; rename it`,
          `17 mcpServers.inject.headers.X: headers.X must be one line`,
          `18 mcpServers.kind.type: type is "grpc"; write "stdio", "http", "sse" or "ws"`,
          `19 mcpServers.both: it has a command and a url; remove one of them, or say which by "type"`,
          `20 mcpServers.no-url: it has no url; give it the server's address, such as "https://example.com/mcp"`,
          `21 mcpServers.no-command: it has no command; give the program to start, such as "npx"`,
          `22 mcpServers.disabled.disabled: disabled must be true or false, without quotes`,
          `23 mcpServers.twice-in.command: command is there twice; remove one`,
          `24 mcpServers.__proto__: this name is not safe to use; rename it`,
          `25 mcpServers.: a server needs a name; give it one`,
          `26 mcpServers.last: this name is there again in line 27, which is used; remove one`
        ]
      })
      assert.isUndefined(({} as { command?: unknown }).command)
    }))

  it.effect("of Codex is told in its own terms", () =>
    Effect.gen(function*() {
      const { names, problems } = yield* problemsOf(
        `[mcp_servers.a]\nurl = "https://x.example"\nbearer_token = "t"\nheaders = { A = "1" }\n[mcp_servers.b]\ncommand = "x"\nenv_vars = "A"\n`
      )
      assert.deepStrictEqual(names, [])
      assert.deepStrictEqual(problems, [
        `3 mcp_servers.a.bearer_token: Codex does not read bearer_token; put the token into an environment variable and name that in bearer_token_env_var`,
        `4 mcp_servers.a.headers: Codex does not read headers; rename it to http_headers`,
        `7 mcp_servers.b.env_vars: env_vars must be a list of names of variables: ["TOKEN"]`
      ])
    }))

  it.effect("is that no host would find the servers under this key", () =>
    Effect.gen(function*() {
      const misplaced = (text: string, options?: ClientConfig.Options) =>
        Effect.map(problemsOf(text, options), ({ problems }) => problems)
      assert.deepStrictEqual(yield* misplaced(`{ "mcpServers": { "a": { "command": "x" } } }`, { host: "vscode" }), [
        "1 mcpServers: servers are read from servers; rename this key"
      ])
      assert.deepStrictEqual(yield* misplaced(`{ "a": { "command": "x" } }`), [
        "1 a: this looks like a server; put it under mcpServers"
      ])
      assert.deepStrictEqual(yield* misplaced(`{ "mcpServers": [] }`), [
        `1 mcpServers: mcpServers must hold names and servers: { "name": { ... } }`
      ])
      assert.deepStrictEqual(yield* misplaced(`{ "inputs": [{ "id": 1 }], "servers": {} }`), [
        `1 inputs.0: an input must have an id, and as its type "promptString", "pickString" or "command"`
      ])
      assert.deepStrictEqual(
        yield* problemsOf(`{ "mcpServers": { "a": { "command": "x" } },\n"mcpServers": { "b": { "command": "x" } } }`),
        {
          names: ["b"],
          problems: ["1 mcpServers: this name is there again in line 2, which is used; remove one"]
        }
      )
      assert.deepStrictEqual(yield* misplaced(`{ "theme": "dark" }`), [])
      assert.deepStrictEqual(yield* misplaced(`{ "mcpServers": null }`), [])
      assert.deepStrictEqual(yield* misplaced(""), [])
    }))

  it("is one line for people", () => {
    const problem = { name: "a", file: "/x/mcp.json", path: [], line: 3, column: 5, text: "it is wrong" }
    assert.strictEqual(ClientConfig.formatProblem(problem), "/x/mcp.json:3:5: a: it is wrong")
    assert.strictEqual(
      ClientConfig.formatProblem({ ...problem, name: undefined, file: undefined }),
      "line 3:5: it is wrong"
    )
  })
})

describe("a text that is no JSON or TOML", () => {
  it.effect("fails with its line and column", () =>
    Effect.gen(function*() {
      const messageOf = (text: string, options?: ClientConfig.Options) =>
        Effect.map(Effect.flip(ClientConfig.parse(text, options)), ({ message }) => message)
      assert.strictEqual(yield* messageOf(`{\r\n  "a": 1\r\n  "b": 2\r\n}`), "line 3:3: a comma is expected here")
      assert.strictEqual(yield* messageOf(`\uFEFF{ "mcpServers": `), "line 1:17: a value is expected here")
      assert.strictEqual(
        yield* messageOf(`[mcp_servers.a]\ncommand = \n`),
        "line 3:1: this is no TOML: Unspecified values are invalid"
      )
      assert.strictEqual(yield* messageOf(`[]`, { host: "vscode" }), "line 1:1: the file must hold an object: { ... }")
    }))

  it.effect("and TOML without its library says what to install", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(languages.tomlWith(() => Promise.reject(new Error("absent"))))
      assert.strictEqual(
        error.message,
        "TOML is read with toml-eslint-parser, which is not installed; run: npm install toml-eslint-parser"
      )
    }))
})

describe("set", () => {
  const entries: { readonly [name: string]: ClientConfig.Entry } = {
    program: { type: "stdio", command: "npx", args: ["-y", "x"], env: { A: "1" }, cwd: "/srv", rest: { timeout: 5 } },
    bare: { type: "stdio", command: "x" },
    http: { type: "http", url: "https://example.com/mcp", headers: { Authorization: "Bearer ${T}" } },
    "http at /sse": { type: "http", url: "https://example.com/sse" },
    off: { type: "http", url: "https://example.com/mcp", disabled: true },
    sse: { type: "sse", url: "https://example.com/events" },
    websocket: { type: "websocket", url: "wss://example.com" }
  }
  const hosts: ReadonlyArray<ClientConfig.Host> = [
    "claude-code",
    "claude-desktop",
    "cline",
    "codex",
    "copilot",
    "cursor",
    "gemini",
    "mcp",
    "vscode",
    "windsurf"
  ]

  /** The entry alone. */
  const flat = (text: string) => {
    if (text.startsWith("[")) return text
    const { mcpServers, servers = mcpServers } = JSON.parse(text)
    return JSON.stringify(Object.values(servers)[0])
  }

  for (const host of hosts) {
    it.effect(`writes for ${host} what ${host} reads, or says why not`, () =>
      Effect.gen(function*() {
        const written: Record<string, unknown> = {}
        for (const [name, entry] of Object.entries(entries)) {
          const text = yield* Effect.result(ClientConfig.set("", name, entry, { host }))
          if (text._tag === "Failure") {
            written[name] = text.failure.message
            continue
          }
          const [server] = yield* modelsOf(text.success, { host })
          const defaults = entry.type === "stdio" ? { args: [], env: {} } : { headers: {} }
          assert.deepStrictEqual<unknown>(server, { ...defaults, disabled: false, rest: {}, ...entry, name })
          written[name] = flat(text.success)
          assert.strictEqual(yield* ClientConfig.set(text.success, name, server!, { host }), text.success)
          // To another kind and back: nothing of the other kind is left.
          for (const other of Object.values(entries)) {
            const changed = yield* Effect.result(ClientConfig.set(text.success, name, other, { host }))
            if (changed._tag === "Failure") continue
            const back = yield* ClientConfig.set(changed.success, name, { rest: {}, ...entry }, { host })
            const [again] = yield* modelsOf(back, { host })
            assert.deepStrictEqual({ ...again, rest: {} }, { ...server, rest: {} } as never)
          }
        }
        assert.deepStrictEqual(written, samples.written[host])
      }))
  }

  it.effect("leaves all else as it is: other keys, comments, spellings, the mark at the beginning", () =>
    Effect.gen(function*() {
      const text =
        `\uFEFF{\r\n\t// mine\r\n\t"theme": "dark",\r\n\t"mcpServers": {\r\n\t\t"a": {\r\n\t\t\t"type": "streamable-http", // long\r\n\t\t\t"serverUrl": "https://a.example/mcp",\r\n\t\t\t"disabledTools": ["x"],\r\n\t\t\t"headers": { "A": "1" /* one */ },\r\n\t\t},\r\n\t},\r\n}\r\n`
      const { servers: [a] } = yield* ClientConfig.parse(text)
      assert.strictEqual(yield* ClientConfig.set(text, "a", a!), text)
      assert.strictEqual(
        yield* ClientConfig.set(text, "a", {
          ...a as ClientConfig.Remote,
          url: "https://b.example/mcp",
          headers: { A: "2" }
        }),
        text.replace("a.example", "b.example").replace(`"A": "1"`, `"A": "2"`)
      )
      const off = yield* ClientConfig.set(text, "a", { ...a!, disabled: true })
      assert.strictEqual(off, text.replace("*/ },\r\n", `*/ },\r\n\t\t\t"disabled": true,\r\n`))
      assert.strictEqual(yield* ClientConfig.set(off, "a", a!), text)
      const added = yield* ClientConfig.set(text, "b", entries["bare"]!)
      assert.strictEqual(yield* ClientConfig.remove(added, "b"), text)
      assert.strictEqual(yield* ClientConfig.rename(yield* ClientConfig.rename(text, "a", "z"), "z", "a"), text)
    }))

  it.effect("writes into the section of a project, which need not be there", () =>
    Effect.gen(function*() {
      const options = { host: "claude-code", local: "/home/ada/new" } as const
      const text = yield* ClientConfig.set(samples.claudeCodeUser, "x", entries["bare"]!, options)
      const { servers } = yield* ClientConfig.parse(text, options)
      assert.deepStrictEqual(servers.filter(({ source }) => source.project === options.local).map(model), [
        stdio("x", "x")
      ])
      assert.isTrue(text.startsWith(samples.claudeCodeUser.slice(0, samples.claudeCodeUser.indexOf(`"stripe"`))))
      const removed = yield* ClientConfig.remove(samples.claudeCodeUser, "sentry", {
        ...options,
        local: "/home/ada/shop"
      })
      assert.deepStrictEqual((yield* ClientConfig.parse(removed)).servers.map(({ name }) => name), ["sentry", "stripe"])
    }))

  it.effect("makes a server of what was none, and writes the one that counts", () =>
    Effect.gen(function*() {
      const text = `{"mcpServers":{"a":"x","b":{"command":1,"k":2},"c":{"command":"x"},"c":{"command":"y"}}}`
      const set = (name: string) => ClientConfig.set(text, name, entries["bare"]!)
      assert.strictEqual(yield* set("a"), text.replace(`"x"`, `{"command":"x"}`))
      assert.strictEqual(yield* set("b"), text.replace(`"command":1`, `"command":"x"`))
      assert.strictEqual(yield* set("c"), text.replace(`"y"`, `"x"`))
      assert.strictEqual(yield* ClientConfig.remove(text, "c"), `{"mcpServers":{"a":"x","b":{"command":1,"k":2}}}`)
    }))

  it.effect("refuses what could not be read again", () =>
    Effect.gen(function*() {
      const messageOf = (name: string, entry: ClientConfig.Entry, text = "", options?: ClientConfig.EditOptions) =>
        Effect.map(Effect.flip(ClientConfig.set(text, name, entry, options)), ({ message }) => message)
      const bare = entries["bare"]!
      assert.match(yield* messageOf("__proto__", bare), /this name is not safe to use; rename it$/)
      assert.match(yield* messageOf("", bare), /a server needs a name; give it one$/)
      assert.match(yield* messageOf("a", { type: "stdio", command: " " }), /command is empty/)
      assert.match(yield* messageOf("a", { type: "http", url: "example.com" }), /write "https:\/\/example.com"$/)
      assert.match(
        yield* messageOf("a", bare, `{"mcpServers":[]}`),
        /mcpServers is no object; remove it, or make it \{\}$/
      )
      assert.match(yield* messageOf("a", { ...bare, rest: { x: null } }, "", { host: "codex" }), /TOML has no null/)
      assert.match(yield* messageOf("a", { type: "stdio", command: "\ud800" }), /half a character/)
      assert.match(yield* messageOf("a", bare, `{`), /^line 1:2: /)
      const renamed = (from: string, to: string) =>
        Effect.map(
          reasonOf(ClientConfig.rename(`{"mcpServers":{"a":{},"b":{}}}`, from, to)),
          ({ _tag, message }) => `${_tag}: ${message}`
        )
      assert.strictEqual(yield* renamed("c", "d"), `UnknownServer: No server is called "c"`)
      assert.match(yield* renamed("a", "b"), /^NameTaken: A server is called "b" already/)
      assert.match(yield* renamed("a", "__proto__"), /^InvalidServer: .* rename it$/)
    }))
})

// ----------------------------------------------------------------------------
// files
// ----------------------------------------------------------------------------

type Tree = { readonly [path: string]: string }

/** A machine of its own: a home and a project in a folder that goes with the test. */
const machine = Effect.fnUntraced(function*(tree: Tree) {
  const fs = yield* FileSystem.FileSystem
  const { dirname, join } = yield* Path.Path
  const root = yield* fs.realPath(yield* fs.makeTempDirectoryScoped({ prefix: "config" }))
  for (const [path, contents] of Object.entries({ "home/.keep": "", "project/.keep": "", ...tree })) {
    yield* fs.makeDirectory(dirname(join(root, path)), { recursive: true })
    yield* fs.writeFileString(join(root, path), contents.replaceAll("PROJECT", join(root, "project")))
  }
  const home = join(root, "home")
  const folder = join(root, "project")
  const layer = Layer.merge(
    Layer.succeed(ClientConfig.Machine, { platform: "linux", home, folder }),
    ConfigProvider.layer(ConfigProvider.fromEnvRecord({ EMPTY: "", TOKEN: "s3cret", TOKEN_FILE: "x" }))
  )
  return { fs, layer, folder, home, at: (path: string) => join(root, path) }
})

const program = (command: string) => JSON.stringify({ mcpServers: { [command]: { command } } })

describe("locations", () => {
  const pathsOn = (
    machine: ClientConfig.Machine["Service"],
    variables: Record<string, string>,
    path: Layer.Layer<Path.Path>
  ) =>
    ClientConfig.pathsOf(ClientConfig.locations).pipe(
      Effect.map((found) => found.map(({ host, path, scope }) => `${scope} ${host} ${path}`)),
      Effect.provideService(ClientConfig.Machine, machine),
      Effect.provide([path, ConfigProvider.layer(ConfigProvider.fromEnvRecord(variables))])
    )

  it.effect("are those of Linux", () =>
    Effect.gen(function*() {
      const machine = { platform: "linux", home: "/home/ada", folder: "/home/ada/shop" } as const
      assert.deepStrictEqual(yield* pathsOn(machine, {}, NodePath.layerPosix), [
        "local claude-code /home/ada/.claude.json",
        "project claude-code /home/ada/shop/.mcp.json",
        "project cursor /home/ada/shop/.cursor/mcp.json",
        "project vscode /home/ada/shop/.vscode/mcp.json",
        "project codex /home/ada/shop/.codex/config.toml",
        "project gemini /home/ada/shop/.gemini/settings.json",
        "project mcp /home/ada/shop/.mcp/config.json",
        "user claude-code /home/ada/.claude.json",
        "user claude-desktop /home/ada/.config/Claude/claude_desktop_config.json",
        "user cursor /home/ada/.cursor/mcp.json",
        "user windsurf /home/ada/.codeium/windsurf/mcp_config.json",
        "user vscode /home/ada/.config/Code/User/mcp.json",
        "user codex /home/ada/.codex/config.toml",
        "user gemini /home/ada/.gemini/settings.json",
        "user copilot /home/ada/.copilot/mcp-config.json",
        "user cline /home/ada/.cline/data/settings/cline_mcp_settings.json",
        "user cline /home/ada/.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
        "user mcp /home/ada/.config/mcp/config.json"
      ])
      const variables = { CLAUDE_CONFIG_DIR: "/c", CODEX_HOME: "/x", COPILOT_HOME: "/p", XDG_CONFIG_HOME: "/g" }
      const moved = yield* pathsOn(machine, variables, NodePath.layerPosix)
      assert.includeMembers(moved.slice(), [
        "local claude-code /c/.claude.json",
        "user claude-desktop /g/Claude/claude_desktop_config.json",
        "user codex /x/config.toml",
        "user copilot /p/mcp-config.json",
        "user mcp /g/mcp/config.json"
      ])
    }))

  it.effect("are those of macOS and Windows, where they differ", () =>
    Effect.gen(function*() {
      const mac = yield* pathsOn({ platform: "darwin", home: "/Users/ada", folder: "/w" }, {}, NodePath.layerPosix)
      assert.includeMembers(mac.slice(), [
        "user claude-desktop /Users/ada/Library/Application Support/Claude/claude_desktop_config.json",
        "user vscode /Users/ada/Library/Application Support/Code/User/mcp.json",
        "user mcp /Users/ada/.config/mcp/config.json"
      ])
      const machine = { platform: "win32", home: "C:\\Users\\ada", folder: "D:\\shop" } as const
      const windows = yield* pathsOn(machine, { APPDATA: "E:\\Roaming" }, NodePath.layerWin32)
      assert.includeMembers(windows.slice(), [
        "project cursor D:\\shop\\.cursor\\mcp.json",
        "user claude-desktop C:\\Users\\ada\\AppData\\Local\\Packages\\Claude_pzs8sxrjxfjjc\\LocalCache\\Roaming\\Claude\\claude_desktop_config.json",
        "user claude-desktop E:\\Roaming\\Claude\\claude_desktop_config.json",
        "user vscode E:\\Roaming\\Code\\User\\mcp.json",
        "user windsurf C:\\Users\\ada\\.codeium\\windsurf\\mcp_config.json"
      ])
    }))
})

describe("load", () => {
  test(
    "sees by the path whose file it is, and whose project",
    Effect.gen(function*() {
      const { at, folder, layer } = yield* machine({
        "project/.vscode/mcp.json": samples.vscode,
        "project/.cursor/mcp.json": samples.cursor,
        "home/.cursor/mcp.json": samples.cursor,
        "home/.codex/config.toml": samples.codex,
        "home/any.json": program("x")
      })
      const seen = (path: string) =>
        Effect.map(ClientConfig.load(at(path)), ({ form, host, project, scope }) => [form, host, scope, project])
      const known = (path: string) => Effect.provide(seen(path), layer)
      assert.deepStrictEqual(yield* seen("project/.vscode/mcp.json"), ["servers", "vscode", "project", folder])
      assert.deepStrictEqual(yield* seen("project/.cursor/mcp.json"), ["mcpServers", "cursor", undefined, undefined])
      assert.deepStrictEqual(yield* known("project/.cursor/mcp.json"), ["mcpServers", "cursor", "project", folder])
      assert.deepStrictEqual(yield* known("home/.cursor/mcp.json"), ["mcpServers", "cursor", "user", undefined])
      assert.deepStrictEqual(yield* known("home/.codex/config.toml"), ["mcp_servers", "codex", "user", undefined])
      assert.deepStrictEqual(yield* seen("home/any.json"), ["mcpServers", undefined, undefined, undefined])
    })
  )

  test(
    "fails where there is no file, or none that is UTF-8, or the file system says no",
    Effect.gen(function*() {
      const { at, fs } = yield* machine({ "home/dir/.keep": "" })
      yield* fs.writeFile(at("home/utf16.json"), new Uint8Array([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]))
      const tagOf = (path: string) =>
        Effect.map(reasonOf(ClientConfig.load(at(path))), ({ _tag, message }) => `${_tag} ${message}`)
      assert.match(yield* tagOf("home/none.json"), /^NotFound There is no .*none\.json$/)
      assert.match(yield* tagOf("home/utf16.json"), /^Unreadable .* it is not UTF-8; save it as UTF-8$/)
      assert.match(yield* tagOf("home/dir"), /^Unreadable /)
    })
  )
})

describe("discover", () => {
  test(
    "finds all files, a project's before the user's, and tells what is shadowed and what is wrong",
    Effect.gen(function*() {
      const { at, layer } = yield* machine({
        "project/.mcp.json": `{ "mcpServers": { "a": { "command": "project" }, "p": { "command": "p" } } }`,
        "project/.vscode/mcp.json": `{ "servers": { "a": { "command": "code" }, "broken": {} } }`,
        "project/.cursor/mcp.json": `{ "mcpServers": `,
        "home/.claude.json":
          `{ "mcpServers": { "a": { "command": "user" }, "u": { "command": "u" } }, "projects": { "PROJECT": { "mcpServers": { "p": { "command": "local" } } }, "/elsewhere": { "mcpServers": { "e": { "command": "e" } } } } }`,
        "home/.codex/config.toml": `[mcp_servers.c]\ncommand = "c"\n`
      })
      const found = yield* Effect.provide(ClientConfig.discover(), layer)
      const shown = (server: ClientConfig.Server) =>
        `${server.name} ${(server as ClientConfig.Stdio).command} ${server.source.scope} ${server.source.host}`
      assert.deepStrictEqual(found.servers.map(shown), [
        "p local local claude-code",
        "a project project claude-code",
        "u u user claude-code",
        "c c user codex"
      ])
      assert.deepStrictEqual(found.shadowed.map(({ by, server }) => `${shown(server)} < ${shown(by)}`), [
        "p p project claude-code < p local local claude-code",
        "a code project vscode < a project project claude-code",
        "a user user claude-code < a project project claude-code"
      ])
      assert.deepStrictEqual(found.problems.map(({ file, line, name, text }) => `${file} ${line} ${name}: ${text}`), [
        `${at("project/.cursor/mcp.json")} 1 undefined: a value is expected here`,
        `${
          at("project/.vscode/mcp.json")
        } 1 broken: it has neither a command nor a url; it must be an object, such as { "command": "npx", "args": ["-y", "some-server"] }`
      ])
      assert.deepStrictEqual(found.files.map(({ path }) => path), [
        at("home/.claude.json"),
        at("project/.mcp.json"),
        at("project/.vscode/mcp.json"),
        at("home/.codex/config.toml")
      ])
      const some = yield* Effect.provide(ClientConfig.discover({ hosts: ["codex", "cline"] }), layer)
      assert.deepStrictEqual(some.servers.map(shown), ["c c user codex"])
    })
  )
})

describe("save", () => {
  test(
    "writes the file in one step, with its mode, behind a link, and leaves nothing else",
    Effect.gen(function*() {
      const { at, fs } = yield* machine({ "home/real/mcp.json": program("x") })
      yield* fs.chmod(at("home/real/mcp.json"), 0o640)
      yield* fs.symlink(at("home/real/mcp.json"), at("home/link.json"))
      const before = yield* fs.stat(at("home/real/mcp.json"))
      const file = yield* ClientConfig.load(at("home/link.json"))
      const text = yield* ClientConfig.set(file.text!, "y", { type: "stdio", command: "y" }, file)
      const saved = yield* ClientConfig.save(file, text)
      assert.deepStrictEqual(saved.servers.map(({ name }) => name), ["x", "y"])
      assert.strictEqual(yield* fs.readFileString(at("home/real/mcp.json")), text)
      assert.strictEqual(yield* fs.readLink(at("home/link.json")), at("home/real/mcp.json"))
      const after = yield* fs.stat(at("home/real/mcp.json"))
      assert.strictEqual(after.mode & 0o7777, 0o640)
      assert.notDeepEqual(after.ino, before.ino)
      assert.deepStrictEqual(yield* fs.readDirectory(at("home/real")), ["mcp.json"])
      // What it gives can be edited on, and says how.
      const removed = yield* ClientConfig.save(saved, yield* ClientConfig.remove(saved.text!, "y", saved))
      assert.strictEqual(removed.text, program("x"))
    })
  )

  test(
    "takes a file as the options of its edits: its form, its host",
    Effect.gen(function*() {
      const { at, layer } = yield* machine({ "project/.vscode/mcp.json": `{}`, "home/.codex/config.toml": "" })
      const edited = Effect.fnUntraced(function*(path: string) {
        const file = yield* ClientConfig.load(at(path))
        const text = yield* ClientConfig.set(file.text!, "a", { type: "stdio", command: "x" }, file)
        return [text, (yield* ClientConfig.save(file, text)).servers.map(model)]
      })
      const code = `{\n  "servers": {\n    "a": {\n      "type": "stdio",\n      "command": "x"\n    }\n  }\n}`
      const given = Effect.provide(layer)
      assert.deepStrictEqual(yield* given(edited("project/.vscode/mcp.json")), [code, [stdio("a", "x")]])
      const codex = `[mcp_servers.a]\ncommand = "x"\n`
      assert.deepStrictEqual(yield* given(edited("home/.codex/config.toml")), [codex, [stdio("a", "x")]])
    })
  )

  test(
    "refuses a file that has changed since, one that is there though it was not, and a text that cannot be read",
    Effect.gen(function*() {
      const { at, fs } = yield* machine({ "home/mcp.json": program("x") })
      const file = yield* ClientConfig.load(at("home/mcp.json"))
      assert.strictEqual((yield* reasonOf(ClientConfig.save(file, "{")))._tag, "Syntax")
      yield* fs.writeFileString(at("home/mcp.json"), program("theirs"))
      assert.strictEqual((yield* reasonOf(ClientConfig.save(file, program("mine"))))._tag, "Changed")
      assert.strictEqual(yield* fs.readFileString(at("home/mcp.json")), program("theirs"))
      const missing = yield* ClientConfig.load(at("home/new/mcp.json"), { create: true })
      assert.isUndefined(missing.text)
      const created = yield* ClientConfig.save(missing, program("mine"))
      assert.strictEqual((yield* fs.stat(at("home/new/mcp.json"))).mode & 0o777, 0o600)
      assert.strictEqual((yield* reasonOf(ClientConfig.save(missing, program("again"))))._tag, "Changed")
      yield* fs.remove(at("home/new/mcp.json"))
      assert.strictEqual((yield* reasonOf(ClientConfig.save(created, program("again"))))._tag, "Changed")
    })
  )

  test(
    "leaves the old file and no other where writing fails half way, or is interrupted",
    Effect.gen(function*() {
      const { at, fs } = yield* machine({ "home/mcp.json": program("x") })
      const file = yield* ClientConfig.load(at("home/mcp.json"))
      const failing = (rename: FileSystem.FileSystem["rename"]) =>
        Effect.provideService(ClientConfig.save(file, program("y")), FileSystem.FileSystem, { ...fs, rename })
      const full = PlatformError.systemError({
        _tag: "Unknown",
        module: "FileSystem",
        method: "rename",
        description: "disk full"
      })
      assert.match(
        (yield* Effect.flip(failing(() => Effect.fail(full)))).message,
        /could not be written and is as it was: .*disk full/
      )
      const reached = yield* Deferred.make<void>()
      const saving = yield* Effect.forkChild(
        failing(() => Effect.andThen(Deferred.succeed(reached, undefined), Effect.never))
      )
      yield* Deferred.await(reached)
      assert.lengthOf(yield* fs.readDirectory(at("home")), 3)
      yield* Fiber.interrupt(saving)
      assert.deepStrictEqual((yield* fs.readDirectory(at("home"))).slice().sort(), [".keep", "mcp.json"])
      assert.strictEqual(yield* fs.readFileString(at("home/mcp.json")), program("x"))
    })
  )
})

// ----------------------------------------------------------------------------
// placeholders
// ----------------------------------------------------------------------------

describe("resolve", () => {
  const serverOf = (entry: object, options: ClientConfig.Options = {}, rest: object = {}) => {
    const form = options.host === "vscode" ? "servers" : "mcpServers"
    return Effect.map(
      ClientConfig.parse(JSON.stringify({ ...rest, [form]: { a: entry } }), options),
      ({ servers }) => servers[0]!
    )
  }
  const variables = { TOKEN: "s3cret", EMPTY: "", "with-dash": "d", HOST: "example.com" }
  const places = { userHome: "/home/ada", workspaceFolder: "/home/ada/shop/", variables }

  /** An argument, filled in. */
  const argument = (text: string, host?: ClientConfig.Host, options: ClientConfig.ResolveOptions = places) =>
    Effect.gen(function*() {
      const server = yield* serverOf({ command: "x", args: [text] }, { host })
      const resolved = yield* Effect.result(ClientConfig.resolve(server, options))
      if (resolved._tag === "Failure") return { problem: resolved.failure.message.replace(/^[^:]*: /, "") }
      return (Redacted.value(resolved.success.filled) as ClientConfig.Stdio).args[0]
    })

  it.effect("reads variables as each host writes them, and leaves what a host does not know", () =>
    Effect.gen(function*() {
      const table: Record<string, Record<string, unknown>> = {}
      const texts = [
        "${TOKEN}",
        "${NONE:-d}",
        "${EMPTY:-d}",
        "${env:TOKEN}",
        "$TOKEN",
        "${userHome}",
        "$",
        "${1}",
        "a${TOKEN}b${TOKEN}"
      ]
      for (const host of [undefined, "claude-code", "claude-desktop", "cursor", "gemini"] as const) {
        table[String(host)] = {}
        for (const text of texts) table[String(host)]![text] = yield* argument(text, host)
      }
      const same = Object.fromEntries(texts.map((text) => [text, text]))
      const userHome = "${userHome} needs the environment variable userHome, which is not set or empty; set it"
      assert.deepStrictEqual(table, {
        undefined: {
          ...same,
          "${TOKEN}": "s3cret",
          "${NONE:-d}": "d",
          "${EMPTY:-d}": "d",
          "${env:TOKEN}": "s3cret",
          "${userHome}": "/home/ada",
          "a${TOKEN}b${TOKEN}": "as3cretbs3cret"
        },
        "claude-code": {
          ...same,
          "${TOKEN}": "s3cret",
          "${NONE:-d}": "d",
          "${EMPTY:-d}": "d",
          "${env:TOKEN}": { problem: "${env:TOKEN} is how other hosts write a variable; Claude Code reads ${TOKEN}" },
          "${userHome}": { problem: userHome },
          "a${TOKEN}b${TOKEN}": "as3cretbs3cret"
        },
        "claude-desktop": same,
        cursor: { ...same, "${env:TOKEN}": "s3cret", "${userHome}": "/home/ada" },
        gemini: {
          ...same,
          "${TOKEN}": "s3cret",
          "${NONE:-d}": "d",
          "${EMPTY:-d}": "d",
          "${env:TOKEN}": { problem: "${env:TOKEN} is how other hosts write a variable; Gemini CLI reads ${TOKEN}" },
          "$TOKEN": "s3cret",
          "${userHome}": { problem: userHome },
          "a${TOKEN}b${TOKEN}": "as3cretbs3cret"
        }
      })
    }))

  it.effect("has a problem with what has no value, and no value of another", () =>
    Effect.gen(function*() {
      const set = "which is not set or empty; set it"
      assert.deepStrictEqual(yield* argument("${NONE}"), {
        problem: "${NONE} needs the environment variable NONE, " + set
      })
      assert.deepStrictEqual(yield* argument("${EMPTY}"), {
        problem: "${EMPTY} needs the environment variable EMPTY, " + set
      })
      assert.deepStrictEqual(yield* argument("${constructor}"), {
        problem: "${constructor} needs the environment variable constructor, " + set
      })
      assert.deepStrictEqual(yield* argument("${NONE:-${TOKEN}}"), {
        problem:
          "${NONE:-${TOKEN} has a variable inside another one, which a file with mcpServers does not read; use one"
      })
      assert.deepStrictEqual(yield* argument("${workspaceFolder}", "vscode", { variables }), {
        problem: "${workspaceFolder} is not known here; give it as an option"
      })
      assert.deepStrictEqual(yield* argument("${command:x.pick}", "vscode"), {
        problem: "${command:x.pick} can be filled in by VS Code alone; write the value, or ${env:NAME}"
      })
      assert.deepStrictEqual(yield* argument("${workspaceFolderBasename}${/}${pathSeparator}", "vscode"), "shop//")
      assert.deepStrictEqual(yield* argument("${env:with-dash}", "vscode"), "d")
    }))

  it.effect("is not for a server that is disabled", () =>
    Effect.gen(function*() {
      const server = yield* serverOf({ command: "x", disabled: true })
      assert.strictEqual(
        (yield* reasonOf(ClientConfig.resolve(server))).message,
        `The server "a" is disabled; enable it first`
      )
      yield* ClientConfig.resolve({ ...server, disabled: false })
    }))

  it.effect("fills every field, and shows none of it", () =>
    Effect.gen(function*() {
      const server = yield* serverOf({
        type: "http",
        url: "https://${HOST}/mcp?key=${TOKEN}",
        headers: { Authorization: "Bearer ${TOKEN}" }
      })
      const resolved = yield* ClientConfig.resolve(server, places)
      assert.deepInclude(Redacted.value(resolved.filled), {
        url: "https://example.com/mcp?key=s3cret",
        headers: { Authorization: "Bearer s3cret" }
      })
      assert.notInclude(Inspectable.toStringUnknown(resolved), "s3cret")
      assert.notInclude(JSON.stringify(resolved), "s3cret")
      // The server is still what the file says, so that this is what is written.
      const text = yield* ClientConfig.set("", "a", resolved.server)
      assert.include(text, "Bearer ${TOKEN}")
      const program = yield* serverOf({
        command: "${HOST}",
        args: ["${TOKEN}"],
        env: { A: "${TOKEN}" },
        cwd: "${userHome}"
      })
      assert.deepInclude(Redacted.value((yield* ClientConfig.resolve(program, places)).filled), {
        command: "example.com",
        args: ["s3cret"],
        env: { A: "s3cret" },
        cwd: "/home/ada"
      })
    }))

  it.effect("asks Effect's ConfigProvider without variables of its own", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* argument("${TOKEN}", "claude-code", {}), "from the provider")
      // There is a TOKEN_FILE, but no PREFIX of it.
      assert.strictEqual(yield* argument("${PREFIX:-none}", "claude-code", {}), "none")
    }).pipe(
      Effect.provide(
        ConfigProvider.layer(
          ConfigProvider.fromEnvRecord({ TOKEN: "from the provider", TOKEN_FILE: "f", PREFIX_A: "a" })
        )
      )
    ))

  it.effect("looks at addresses and headers again once they are filled in", () =>
    Effect.gen(function*() {
      const problemOf = (entry: object, variables: Record<string, string>) =>
        Effect.flatMap(serverOf(entry), (server) =>
          Effect.map(Effect.flip(ClientConfig.resolve(server, { variables })), ({ message }) => message))
      const at = { url: "${URL}/mcp", headers: { A: "${A:-x}" } }
      // What was filled in is not told: it may be secret.
      assert.match(
        yield* problemOf(at, { URL: "example.com" }),
        /: its url is "\$\{URL\}\/mcp", which, filled in, has no scheme; write "https:\/\/\$\{URL\}\/mcp"$/
      )
      assert.match(yield* problemOf(at, { URL: "file://x" }), /which, filled in, cannot be reached over http; write/)
      assert.match(yield* problemOf(at, { URL: "https://x", A: "t\n" }), /its header A has a line break/)
      assert.match(yield* problemOf({ command: "${C}" }, { C: " " }), /its command is empty/)
    }))

  it.effect("asks for inputs once, and has a problem where nobody answers", () =>
    Effect.gen(function*() {
      const text = JSON.stringify({
        inputs: [{ type: "promptString", id: "key", password: true }],
        servers: {
          a: { command: "x", env: { K: "${input:key}", L: "${input:key}" } },
          b: { command: "x", env: { K: "${input:key}" } },
          off: { command: "x", env: { K: "${input:none}" }, disabled: true },
          c: { command: "x", env: { K: "${input:none}" } }
        }
      })
      const { servers } = yield* ClientConfig.parse(text)
      const asked: Array<string> = []
      const answered = yield* ClientConfig.resolveAll(servers, {
        input: ({ id, password }) => Effect.sync(() => `${id} ${password} ${asked.push(id)}`)
      })
      assert.deepStrictEqual(asked, ["key"])
      assert.deepStrictEqual(answered.servers.map(({ filled }) => (Redacted.value(filled) as ClientConfig.Stdio).env), [
        { K: "key true 1", L: "key true 1" },
        { K: "key true 1" }
      ])
      assert.deepStrictEqual(answered.problems, [{
        name: "c",
        file: undefined,
        path: ["servers", "c"],
        line: 1,
        column: 1,
        text: `no input of the file is called "none"; add it to inputs`
      }])
      const alone = yield* ClientConfig.resolveAll(servers)
      assert.deepStrictEqual(alone.problems.map(({ name, text }) => `${name} ${text}`), [
        `a it asks for the input "key", and nobody can be asked here`,
        `a it asks for the input "key", and nobody can be asked here`,
        `b it asks for the input "key", and nobody can be asked here`,
        `c no input of the file is called "none"; add it to inputs`
      ])
      const silent = yield* reasonOf(ClientConfig.resolve(servers[0]!, { input: () => Effect.succeed(undefined) }))
      assert.match(silent.message, /the input "key" was not answered/)
      const failed = yield* Effect.flip(
        ClientConfig.resolveAll(servers, { input: () => Effect.fail("cancelled" as const) })
      )
      assert.strictEqual(failed, "cancelled")
    }))

  it.effect("makes headers and variables of what Codex names", () =>
    Effect.gen(function*() {
      const { servers: [docs, figma] } = yield* ClientConfig.parse(samples.codex)
      const filled = (server: ClientConfig.Server, variables: Record<string, string>) =>
        Effect.map(ClientConfig.resolve(server, { variables }), ({ filled }) => Redacted.value(filled))
      assert.deepInclude(yield* filled(docs!, { TOKEN: "t", LOG: "no" }), { env: { TOKEN: "t", LOG: "info" } })
      assert.deepInclude(yield* filled({ ...figma!, disabled: false }, { FIGMA_TOKEN: "f", FIGMA_USER: "ada" }), {
        headers: { "X-Region": "eu", "X-User": "ada", Authorization: "Bearer f" }
      })
      assert.deepStrictEqual(
        (yield* reasonOf(filled({ ...figma!, disabled: false }, {}))).message,
        samples.codexProblem
      )
    }))

  test(
    "reads envFile, which env counts before, and fills in where the file lies",
    Effect.gen(function*() {
      const { at, folder, fs, home, layer } = yield* machine({
        "project/.env": `# mine\nA=1\nexport B="two\nlines"\nC = 'x' # c\nD_2=\nNUMBERS_4000000000=n\n`,
        "project/.vscode/mcp.json":
          `{ "servers": { "a": { "command": "\${userHome}/x", "cwd": "\${workspaceFolder}", "envFile": "\${workspaceFolder}/.env", "env": { "A": "\${env:TOKEN}" } } } }`
      })
      const { servers: [a] } = yield* ClientConfig.load(at("project/.vscode/mcp.json"))
      const { filled } = yield* Effect.provide(ClientConfig.resolve(a!), layer)
      assert.deepInclude(Redacted.value(filled), {
        command: `${home}/x`,
        cwd: folder,
        env: { A: "s3cret", B: "two\nlines", C: "x", D_2: "", NUMBERS_4000000000: "n" }
      })
      yield* fs.remove(at("project/.env"))
      const problem = yield* reasonOf(Effect.provide(ClientConfig.resolve(a!), layer))
      assert.include(problem.message, `its envFile cannot be read: there is no ${at("project/.env")}`)
    })
  )

  it.effect("has a problem with an envFile where there is no file system", () =>
    Effect.gen(function*() {
      const server = yield* serverOf({ command: "x", envFile: "/x/.env" }, { host: "vscode" })
      assert.match((yield* reasonOf(ClientConfig.resolve(server, places))).message, /there is no FileSystem/)
    }))
})

describe("transport", () => {
  it.effect("is the layer for the kind of server, with what it needs filled in", () =>
    Effect.gen(function*() {
      const calls: Array<unknown> = []
      const layerOf = (kind: ClientTransport.ClientTransport["Service"]["kind"]) => (options: unknown) => {
        calls.push([kind, options])
        return Layer.succeed(ClientTransport.ClientTransport, {
          kind,
          address: kind,
          origin: undefined,
          connect: () => Effect.never
        })
      }
      const { servers } = yield* ClientConfig.parse(JSON.stringify({
        mcpServers: {
          a: { command: "x", args: ["${T}"], cwd: "/w", timeout: 5 },
          b: { command: "x" },
          c: { type: "http", url: "https://c.example", headers: { A: "${T}" } },
          d: { type: "sse", url: "https://d.example" },
          e: { type: "ws", url: "wss://e.example" }
        }
      }))
      const resolved = yield* ClientConfig.resolveAll(servers, { variables: { T: "t" } })
      for (const server of resolved.servers) {
        const layer = ClientConfig.transport(server, {
          stdio: layerOf("stdio"),
          http: layerOf("http"),
          sse: layerOf("sse"),
          websocket: layerOf("websocket")
        })
        const { kind } = yield* Effect.provide(ClientTransport.ClientTransport, layer)
        calls.push(kind)
      }
      assert.deepStrictEqual(calls, [
        ["stdio", { command: "x", args: ["t"], env: {}, cwd: "/w" }],
        "stdio",
        ["stdio", { command: "x", args: [], env: {} }],
        "stdio",
        ["http", { url: "https://c.example", headers: { A: "t" } }],
        "http",
        ["sse", { url: "https://d.example", headers: {} }],
        "sse",
        ["websocket", { url: "wss://e.example", headers: {} }],
        "websocket"
      ])
    }))
})
