/** Servers of others as processes, over each transport they have, and our client connected to one. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeSseClient from "fastmcp-effect/node/NodeSseClient"
import * as NodeStdioClient from "fastmcp-effect/node/NodeStdioClient"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import type * as Revisions from "fastmcp-effect/protocol/Revisions"
import { type ChildProcess, spawn } from "node:child_process"
import { createServer } from "node:net"
import { afterAll } from "vitest"
import * as harness from "./harness.ts"

export interface Wire {
  readonly transport: "stdio" | "http" | "sse"
  readonly revision: Revisions.Version
  /** The server would be spoken to in a newer one. */
  readonly isPinned?: boolean
}

/** How the program of a server is started. */
export interface Program {
  /** Behind the name of Node. */
  readonly args: (transport: Wire["transport"], port: number) => ReadonlyArray<string>
  readonly env?: (port: number) => Record<string, string>
  /** The path of its endpoint. */
  readonly path: (transport: Wire["transport"]) => string
}

/** What the server asked or told, as the handlers got it. */
export interface Heard {
  readonly logs: Array<ClientHandlers.LogMessage>
  readonly forms: Array<unknown>
  readonly pages: Array<unknown>
  readonly samples: Array<unknown>
}

export interface Connected {
  readonly run: <A, E>(effect: Effect.Effect<A, E, McpClient.McpClient>) => Promise<A>
  readonly heard: Heard
  /** Tells that the client's roots have changed. */
  readonly changeRoots: () => void
  /** What happened inside the server. */
  readonly events: () => ReadonlyArray<string>
  readonly close: () => Promise<void>
}

const endsWithStdin = new URL("endsWithStdin.ts", import.meta.url).href

const children = new Set<ChildProcess>()
afterAll(() => {
  for (const child of children) child.kill("SIGKILL")
})

const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer().once("error", reject).listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => resolve(port))
    })
  })

interface Served extends Pick<Connected, "events"> {
  readonly port: number
}

/** Undefined when the program has ended instead: somebody else may have taken the port meanwhile. */
const serveAt = async (program: Program, transport: Wire["transport"], port: number): Promise<Served | undefined> => {
  const events = harness.eventsFile()
  const args = ["--import", endsWithStdin, ...program.args(transport, port)]
  const child = spawn(process.execPath, args, {
    env: {
      PATH: process.env.PATH,
      ...harness.compiled,
      INTEROP_EVENTS: events.path,
      ...program.env?.(port)
    }
  })
  children.add(child)
  child.stdout.resume()
  child.stderr.resume()
  while (child.exitCode === null) {
    if (await fetch(`http://127.0.0.1:${port}/nothing`).then(() => true, () => false)) {
      return { port, events: events.events }
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return undefined
}

/** One process for all that a server speaks HTTP with, but for a program that has one for each. */
const serve = async (program: Program, transport: Wire["transport"]): Promise<Served> => {
  for (let attempt = 0; attempt < 3; attempt++) {
    const served = await serveAt(program, transport, await freePort())
    if (served !== undefined) return served
  }
  throw new Error(`it does not listen: ${program.args(transport, 0).join(" ")}`)
}

/** The servers of a program that were started already, by their arguments. */
const served = new Map<string, Promise<Served>>()

const serveOnce = (program: Program, transport: Wire["transport"]): Promise<Served> => {
  const key = program.args(transport, 0).join(" ")
  const found = served.get(key) ?? serve(program, transport)
  served.set(key, found)
  return found
}

export const connect = async (
  program: Program,
  { isPinned = false, revision, transport }: Wire,
  options: McpClient.Options = {}
): Promise<Connected> => {
  const heard: Heard = { logs: [], forms: [], pages: [], samples: [] }
  const changes = Effect.runSync(Queue.unbounded<void>())
  const handlers = Layer.mergeAll(
    ClientHandlers.elicitation({
      form: (params) =>
        Effect.sync(() => {
          heard.forms.push(params)
          return ClientHandlers.accept(params.requestedSchema.required?.includes("name") ? { name: "Ada" } : {})
        }),
      url: (params) =>
        Effect.sync(() => {
          heard.pages.push(params)
          return ClientHandlers.accept()
        })
    }),
    ClientHandlers.sampling({
      createMessage: (params) =>
        Effect.sync(() => {
          heard.samples.push(params)
          return { role: "assistant", model: "interop-model", content: { type: "text", text: "5" } }
        })
    }),
    ClientHandlers.roots({
      list: Effect.succeed([{ uri: "file:///home/ada", name: "Ada's" }]),
      changes: Stream.fromQueue(changes)
    }),
    ClientHandlers.log({ level: "info", receive: (message) => Effect.sync(() => void heard.logs.push(message)) })
  )
  const { events, transport: reached } = await reach(program, transport)
  const runtime = ManagedRuntime.make(
    McpClient.layer({
      ...options,
      info: { name: "interop-client", version: "9.8.7" },
      ...(isPinned ? { revision } : undefined)
    }).pipe(Layer.provide([reached, handlers]))
  )
  await runtime.context()
  return {
    run: runtime.runPromise,
    heard,
    changeRoots: () => {
      Queue.offerUnsafe(changes, undefined)
    },
    events,
    close: runtime.dispose
  }
}

const reach = async (program: Program, transport: Wire["transport"]) => {
  if (transport === "stdio") {
    const { events, path } = harness.eventsFile()
    return {
      events,
      transport: NodeStdioClient.layer({
        command: process.execPath,
        args: program.args(transport, 0),
        env: { ...harness.compiled, INTEROP_EVENTS: path }
      })
    }
  }
  const { events, port } = await serveOnce(program, transport)
  const url = new URL(program.path(transport), `http://127.0.0.1:${port}`)
  return {
    events,
    transport: transport === "sse" ? NodeSseClient.layer({ url }) : NodeStreamableHttpClient.layer({ url })
  }
}
