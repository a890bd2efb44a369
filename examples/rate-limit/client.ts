/** Two callers ask for too much, and wait as long as they are told; exits with 1 if a limit does not hold. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Identity } from "fastmcp-effect/context"
import * as RateLimitStore from "fastmcp-effect/middleware/RateLimitStore"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { render, Search, search } from "./server.ts"

/** Milliseconds until it is worth trying again. */
const retryAfter = ({ reason }: McpError.McpError): number => {
  assert.equal(reason._tag, "RateLimited")
  assert.ok(reason._tag === "RateLimited" && reason.retryAfter !== undefined)
  return reason.retryAfter
}

await Effect.gen(function*() {
  const server = Layer.succeedContext(yield* Layer.build(Search.pipe(Layer.provide(RateLimitStore.layerMemory()))))
  const connect = (subject: string) => McpTest.client(server, { identity: Identity.make({ subject }) })
  const [ada, bob] = [yield* connect("ada"), yield* connect("bob")]

  const asks = (client: typeof ada) => client.callTool(search.name, { text: "chairs" })
  for (let n = 0; n < 4; n++) yield* asks(ada)
  const pause = retryAfter(yield* Effect.flip(asks(ada)))
  assert.ok(pause > 0 && pause <= 1200)
  // Bob has a limit of his own, and lists are for free.
  yield* asks(bob)
  yield* ada.listTools
  yield* Effect.sleep(pause)
  yield* asks(ada)
  console.log(`a fifth search within a second was refused, and let in ${pause} ms later`)

  const renders = (pages: number) => bob.callTool(render.name, { pages })
  yield* renders(9)
  const refill = retryAfter(yield* Effect.flip(renders(5)))
  // Four pages are missing, at 5 in a second.
  assert.ok(refill > 0 && refill <= 800, `${refill}`)
  yield* Effect.sleep(refill)
  yield* renders(5)
  console.log(`five more pages were refused, and rendered ${refill} ms later`)
}).pipe(Effect.scoped, Effect.runPromise)
