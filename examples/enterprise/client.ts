/** Reads the payroll for people of the company, as far as the company lets them; exits with 1 if anything is not so. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeClientAuth from "fastmcp-effect/node/NodeClientAuth"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import assert from "node:assert/strict"
import { createServer } from "node:net"
import * as provider from "./provider.ts"
import * as payroll from "./server.ts"

const freePort = Effect.callback<number>((resume) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address() as { readonly port: number }
    probe.close(() => resume(Effect.succeed(port)))
  })
})

await Effect.gen(function*() {
  const [there, here] = [yield* freePort, yield* freePort]
  const [issuer, company] = [`http://127.0.0.1:${there}`, `http://127.0.0.1:${here}`]
  yield* Layer.build(payroll.Payroll(there, company))
  const atCompany = yield* Layer.build(provider.Provider(here, issuer))

  /** Nobody opens a browser, and nobody is asked: the login at the company is all there is. */
  const read = (user: string) =>
    Effect.gen(function*() {
      const client = yield* McpClient.McpClient
      return (yield* client.callTool("salaries")).structuredContent
    }).pipe(Effect.provide(
      McpClient.layer({ info: { name: "agent", version: "1.0.0" } }).pipe(
        Layer.provide(NodeStreamableHttpClient.layer({ url: `${issuer}/mcp` })),
        Layer.provide(NodeClientAuth.enterpriseManaged({
          credentials: {
            clientId: payroll.agent.clientId,
            clientSecret: Redacted.make(payroll.agent.clientSecret),
            issuer
          },
          identityProvider: {
            issuer: company,
            credentials: {
              clientId: provider.agent.clientId,
              clientSecret: Redacted.make(provider.agent.clientSecret)
            },
            idToken: Effect.provide(provider.login(company, user), atCompany)
          },
          fetch: { allowLoopback: true }
        }))
      ),
      { local: true }
    ))

  assert.deepEqual(yield* read("anna"), { reader: `${company}|anna`, total: 250_000 })
  console.log("anna has read the payroll")

  const { message } = yield* Effect.flip(read("bob"))
  assert.match(message, /invalid_target/)
  console.log(`bob has not: ${message}`)
}).pipe(Effect.scoped, Effect.runPromise)
