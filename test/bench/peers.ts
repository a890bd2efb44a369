/** Who takes part, and how each is started. */
import { execFile } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { join } from "node:path"
import { promisify } from "node:util"
import * as bearer from "./bearer.ts"
import type { Command } from "./drive/child.ts"
import type { Contest } from "./drive/clients.ts"
import type { Large } from "./drive/large.ts"
import { type Era, legacy, modern } from "./drive/wire.ts"

export const root = join(import.meta.dirname, "..", "..")

export type Kind = "floor" | "peer" | "ours"

export type Push = "progress" | "changes"

export interface Peer {
  readonly id: string
  readonly name: string
  readonly kind: Kind
  readonly stdio?: (era: Era) => Command
  readonly http?: (port: number, era: Era) => Command
  /** The revisions it speaks. */
  readonly eras: ReadonlyArray<Era>
  /** With progress before each reply, or with resources that change. */
  readonly push?: (what: Push, port: number, era: Era) => Command
  /** Headers of every request it gets. */
  readonly headers?: string
  /** As a client, and what it makes its calls of. */
  readonly contest?: Contest
  /** What must exist for it to take part, relative to the repository. */
  readonly needs: ReadonlyArray<string>
  /** Done once before its first start. */
  readonly prepare?: () => Promise<void>
}

const both = [legacy, modern]
export const entry = "test/bench/server.ts"
const fromSource = ["--conditions=fastmcp-effect/source", join(root, entry)]

let isBuilt = false

/** Writes a module as the JavaScript its users would start: types off, and imports to match. */
const strip = (from: string, to: string): void => {
  const code = stripTypeScriptTypes(readFileSync(from, "utf8"))
  writeFileSync(to, code.replaceAll(/"(\.\/[^"]+)\.ts"/g, `"$1.mjs"`))
}

/** Ours as its users run it: the built package, and a server whose types are off. */
export const build = (work: string) => async (): Promise<void> => {
  if (isBuilt) return
  await promisify(execFile)(process.execPath, [join(root, ".ci/build.ts")], { cwd: root, timeout: 120_000 })
  strip(join(root, entry), join(work, "server.mjs"))
  isBuilt = true
}

/** Strips the servers of `peers/` into `work`, and those of the other folders into folders of their own there. */
export const stripPeers = (work: string): void => {
  for (const folder of ["peers", "large", "push", "mounts", "clients", "oauth"]) {
    const to = folder === "peers" ? work : join(work, folder)
    mkdirSync(to, { recursive: true })
    const from = join(import.meta.dirname, folder)
    for (const file of readdirSync(from)) strip(join(from, file), join(to, file.replace(/\.ts$/, ".mjs")))
  }
  for (const file of ["probe", "bearer", "composed"]) {
    strip(join(import.meta.dirname, `${file}.ts`), join(work, `${file}.mjs`))
  }
}

/** Ours over either carrier, with this in its environment. `work` is where `stripPeers` left its files. */
export const serverOf = (work: string, env: NonNullable<Command["env"]>): Pick<Peer, "stdio" | "http"> => ({
  stdio: () => ({ args: [join(work, "server.mjs"), "stdio"], env }),
  http: (port) => ({ args: [join(work, "server.mjs"), "http", String(port)], env })
})

const bundle = async (from: string, to: string, ...options: ReadonlyArray<string>): Promise<void> => {
  const shape = ["--bundle", "--platform=node", "--format=esm", "--log-level=error"]
  const esbuild = join(root, "node_modules/.bin/esbuild")
  await promisify(execFile)(esbuild, [from, ...shape, ...options, `--outfile=${to}`], { cwd: root, timeout: 120_000 })
}

/** Throughput, latency and memory. `work` is where `stripPeers` left its files. */
export const peers = (work: string): ReadonlyArray<Peer> => {
  const own = (file: string, ...args: ReadonlyArray<string>): Command => ({
    args: [join(work, `${file}.mjs`), ...args]
  })
  const server = (file: string): Pick<Peer, "stdio" | "http"> => ({
    stdio: (era) => own(file, "stdio", "-", era),
    http: (port, era) => own(file, "http", String(port), era)
  })
  const ours = (features: string) => serverOf(work, features === "" ? {} : { FASTMCP_BENCH_FEATURES: features })
  return [
    { id: "floor", name: "floor: bare JSON echo", kind: "floor", eras: both, needs: [], ...server("floor") },
    {
      id: "sdk-v1",
      name: "@modelcontextprotocol/sdk",
      kind: "peer",
      eras: [legacy],
      needs: ["node_modules/@modelcontextprotocol/sdk"],
      ...server("sdk-v1")
    },
    {
      id: "sdk-v2",
      name: "@modelcontextprotocol/server",
      kind: "peer",
      eras: both,
      needs: ["node_modules/@modelcontextprotocol/server", "node_modules/@modelcontextprotocol/node"],
      ...server("sdk-v2")
    },
    {
      id: "effect-ai",
      name: "effect/ai McpServer",
      kind: "peer",
      eras: both,
      needs: ["node_modules/effect", "node_modules/@effect/platform-node"],
      ...server("effect-ai")
    },
    {
      id: "fastmcp",
      name: "fastmcp (punkpeye)",
      kind: "peer",
      eras: [legacy],
      needs: ["node_modules/fastmcp"],
      ...server("fastmcp")
    },
    { id: "ours", name: "fastmcp-effect", kind: "ours", eras: both, needs: [entry], prepare: build(work), ...ours("") },
    {
      id: "ours-notrace",
      name: "fastmcp-effect, tracing off",
      kind: "ours",
      eras: both,
      needs: [entry],
      prepare: build(work),
      stdio: ours("notrace").stdio!
    }
  ]
}

/** The price of each feature: ours over stdio, everything on, then one thing off (or, for middleware, one more on). */
export const features = (work: string): ReadonlyArray<Peer> => {
  const variant = (name: string, list: string): Peer => ({
    id: "ours",
    name,
    kind: "ours",
    eras: both,
    needs: [entry],
    prepare: build(work),
    stdio: () => ({
      args: [join(work, "server.mjs"), "stdio"],
      env: list === "" ? {} : { FASTMCP_BENCH_FEATURES: list }
    })
  })
  return [
    peers(work)[0]!,
    variant("all on", ""),
    variant("no span", "notrace"),
    variant("no budget", "nobudget"),
    variant("arguments not validated", "noschema"),
    variant("none of the three", "notrace,nobudget,noschema"),
    variant("all on, and a middleware", "middleware")
  ]
}

/** The large loads, over stdio: whoever has a server in `large/`, and for lists ours once more, with smaller pages. */
export const largePeers = (work: string, large: Large): ReadonlyArray<Peer> => {
  const ours = (features: string): Pick<Peer, "stdio"> => ({
    stdio: () => ({
      args: [join(work, "server.mjs"), "stdio"],
      env: { FASTMCP_BENCH_LOAD: large, FASTMCP_BENCH_FEATURES: features }
    })
  })
  const all = peers(work).flatMap((peer): ReadonlyArray<Peer> => {
    const server = join(work, "large", `${peer.id}.mjs`)
    if (peer.kind !== "ours") {
      return existsSync(server) ? [{ ...peer, stdio: () => ({ args: [server, large] }) }] : []
    }
    return peer.id === "ours" ? [{ ...peer, ...ours("") }] : []
  })
  return large === "report" ? all : [...all, {
    id: "ours-paged",
    name: "fastmcp-effect, 100 on a page",
    kind: "ours",
    eras: both,
    needs: [entry],
    prepare: build(work),
    ...ours("pages")
  }]
}

/** Servers that say more than a reply: whoever has one in `push/`. */
export const pushPeers = (work: string): ReadonlyArray<Peer> =>
  peers(work).flatMap((peer) => {
    const server = join(work, "push", `${peer.id}.mjs`)
    return existsSync(server)
      ? [{ ...peer, push: (what: Push, port: number, era: Era) => ({ args: [server, what, String(port), era] }) }]
      : []
  })

/** Servers with sessions, each with the probe in it; those of ours end after `idle` milliseconds. */
export const sessionPeers = (work: string, idle: number): ReadonlyArray<Peer & { readonly expires: boolean }> =>
  peers(work).flatMap((peer) => {
    const { http } = peer
    if (http === undefined || peer.kind === "floor") return []
    const probed = (port: number, era: Era): Command => {
      const { args, env } = http(port, era)
      return {
        args: ["--expose-gc", "--import", join(work, "probe.mjs"), ...args],
        env: { ...env, FASTMCP_BENCH_SESSION_IDLE: String(idle) }
      }
    }
    return [{ ...peer, http: probed, expires: peer.kind === "ours" }]
  })

/** Ours behind each of its mounts, beside the floor. */
export const mounts = (work: string): ReadonlyArray<Peer> => {
  const [floor, ours] = peers(work).filter(({ id }) => id === "floor" || id === "ours")
  const mounted = (id: string, name: string, needs: string): Peer => ({
    id: "ours",
    name,
    kind: "ours",
    eras: both,
    needs: [needs],
    prepare: build(work),
    http: (port) => ({ args: [join(work, "mounts", "ours.mjs"), id, String(port)] })
  })
  return [
    floor!,
    { ...ours!, name: "NodeHttp" },
    mounted("router", "HttpRouterMount on NodeHttpServer", "node_modules/@effect/platform-node"),
    mounted("fetch", "FetchMount on @hono/node-server", "node_modules/@hono/node-server")
  ]
}

/** Ours as it is, and where each request brings the same signed token. */
export const protectedPeers = async (work: string): Promise<ReadonlyArray<Peer>> => {
  const [floor, ours] = peers(work).filter(({ id }) => id === "floor" || id === "ours")
  const { jwk, tokens } = await bearer.make(1)
  return [
    floor!,
    { ...ours!, name: "anybody may call" },
    {
      ...ours!,
      name: "who has a token may call",
      headers: `Authorization: Bearer ${tokens[0]}\r\n`,
      http: (port) => ({
        args: [join(work, "server.mjs"), "http", String(port)],
        env: { FASTMCP_BENCH_JWK: JSON.stringify(jwk) }
      })
    }
  ]
}

let files = 0

/** Authorization servers, each on a file of its own at every start. */
export const oauthPeers = (work: string): ReadonlyArray<Peer> => {
  const server = (peer: Pick<Peer, "id" | "name" | "kind" | "needs" | "prepare">): Peer => ({
    ...peer,
    eras: both,
    http: (port) => ({
      args: [join(work, "oauth", `${peer.id}.mjs`), String(port), join(work, `oauth-${++files}.db`)]
    })
  })
  return [
    server({ id: "floor", name: "floor: signs a token", kind: "floor", needs: [] }),
    server({ id: "oidc-provider", name: "oidc-provider", kind: "peer", needs: ["node_modules/oidc-provider"] }),
    server({ id: "ours", name: "fastmcp-effect", kind: "ours", needs: [entry], prepare: build(work) })
  ]
}

/** A docket, and the bare engine it has on this. */
export const docketPeers = (kind: string): ReadonlyArray<Peer> => [
  { id: "floor", name: kind === "Redis" ? "BullMQ" : "PersistedQueue", kind: "floor", eras: both, needs: [] },
  { id: "ours", name: "fastmcp-effect", kind: "ours", eras: both, needs: [] }
]

/** Cold starts and memory: every peer as it is, the newest SDK and ours also bundled. */
export const coldStarters = (work: string): ReadonlyArray<Peer> => {
  const cold = (peer: Pick<Peer, "id" | "name" | "kind" | "needs" | "prepare">, args: ReadonlyArray<string>): Peer => ({
    ...peer,
    eras: [legacy],
    stdio: () => ({ args: [...args, "stdio"] })
  })
  const file = (name: string) => join(work, name)
  return [
    ...peers(work).filter(({ kind }) => kind !== "ours"),
    cold({
      id: "sdk-v2",
      name: "@modelcontextprotocol/server, bundled",
      kind: "peer",
      needs: ["node_modules/@modelcontextprotocol/server"],
      // Its HTTP adapter is imported on demand and never by stdio, so it may stay out of the bundle.
      prepare: () =>
        bundle("test/bench/peers/sdk-v2.ts", file("sdk-v2-bundled.mjs"), "--external:@modelcontextprotocol/node")
    }, [file("sdk-v2-bundled.mjs")]),
    cold({
      id: "ours",
      name: "fastmcp-effect, built",
      kind: "ours",
      needs: [entry],
      prepare: build(work)
    }, [file("server.mjs")]),
    cold({ id: "ours", name: "fastmcp-effect, from source", kind: "ours", needs: [entry] }, fromSource),
    cold({
      id: "ours",
      name: "fastmcp-effect, bundled",
      kind: "ours",
      needs: [entry],
      // Nobody needs a token there, so it may stay out of the bundle.
      prepare: () =>
        bundle(
          entry,
          file("server-bundled.mjs"),
          "--conditions=fastmcp-effect/source",
          "--external:./bearer.ts"
        )
    }, [file("server-bundled.mjs")])
  ]
}

/** The clients, each a process of its own: all as they are published, ours built; the newest SDK and ours also bundled. */
export const clients = (work: string): ReadonlyArray<Peer> => {
  const file = (name: string) => join(work, "clients", `${name}.mjs`)
  const client = (
    peer: Pick<Peer, "id" | "name" | "kind" | "eras" | "needs" | "prepare">,
    program: string = peer.id
  ): Peer => ({
    ...peer,
    contest: {
      client: (transport, target, era) => ({ args: [file(program), transport, target, era] }),
      server: file("server")
    }
  })
  return [
    client({ id: "floor", name: "floor: bare JSON", kind: "floor", eras: both, needs: [] }),
    client({
      id: "sdk-v1",
      name: "@modelcontextprotocol/sdk",
      kind: "peer",
      eras: [legacy],
      needs: ["node_modules/@modelcontextprotocol/sdk"]
    }),
    client({
      id: "sdk-v2",
      name: "@modelcontextprotocol/client",
      kind: "peer",
      eras: both,
      needs: ["node_modules/@modelcontextprotocol/client"]
    }),
    client({
      id: "effect-ai",
      name: "effect/ai McpClient",
      kind: "peer",
      eras: both,
      needs: ["node_modules/effect", "node_modules/@effect/platform-node"]
    }),
    client({
      id: "ours",
      name: "fastmcp-effect",
      kind: "ours",
      eras: both,
      needs: [entry],
      prepare: build(work)
    }),
    client({
      id: "sdk-v2",
      name: "@modelcontextprotocol/client, bundled",
      kind: "peer",
      eras: both,
      needs: ["node_modules/@modelcontextprotocol/client"],
      prepare: () => bundle("test/bench/clients/sdk-v2.ts", file("sdk-v2-bundled"), requires)
    }, "sdk-v2-bundled"),
    client({
      id: "ours",
      name: "fastmcp-effect, bundled",
      kind: "ours",
      eras: both,
      needs: [entry],
      prepare: () =>
        bundle(
          "test/bench/clients/ours.ts",
          file("ours-bundled"),
          "--conditions=fastmcp-effect/source",
          requires
        )
    }, "ours-bundled")
  ]
}

/** Parts of both are written for `require`, which a bundle of modules lacks. */
const requires =
  `--banner:js=import { createRequire as _createRequire } from "node:module"; const require = _createRequire(import.meta.url);`

/** Why a peer cannot take part, if it cannot. */
export const missing = (peer: Peer): string | undefined => {
  const gone = peer.needs.find((path) => !existsSync(join(root, path)))
  return gone === undefined ? undefined : `no ${gone}`
}

/** Versions of everything compared, from what is installed. */
export const versions = (): Readonly<Record<string, string>> => {
  const names = [
    "@modelcontextprotocol/sdk",
    "@modelcontextprotocol/server",
    "@modelcontextprotocol/client",
    "@modelcontextprotocol/node",
    "@hono/node-server",
    "effect",
    "fastmcp",
    "oidc-provider",
    "zod"
  ]
  return Object.fromEntries(names.flatMap((name) => {
    const file = join(root, "node_modules", name, "package.json")
    return existsSync(file) ? [[name, JSON.parse(readFileSync(file, "utf8")).version as string]] : []
  }))
}
