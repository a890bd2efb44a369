/** The company's identity provider: its people log in there, and it says who of them may go where with what. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as RedactedUrls from "fastmcp-effect/oauth/RedactedUrls"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as ExchangePolicy from "fastmcp-effect/oauth/server/ExchangePolicy"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import { createServer } from "node:http"
import { services } from "./services.ts"

/** What the agent is here; at the authorization server of the payroll it is somebody else. */
export const agent = { clientId: "agent", clientSecret: "a secret of the agent's at the identity provider" }

/** Who may read the payroll through the agent. */
const accountants = ["anna"]

const Policy = (payroll: string) =>
  Layer.succeed(ExchangePolicy.ExchangePolicy, {
    decide: ({ audience, client, subject }) =>
      Effect.succeed(
        audience === payroll && client.id === agent.clientId && accountants.includes(subject)
          ? { clientId: "agent-of-acme", scopes: ["payroll:read"] }
          : undefined
      )
  })

/** Stands for a login with the agent: OpenID Connect on top of this server gives out such a token. */
export const login = (issuer: string, user: string) =>
  Effect.gen(function*() {
    const { sign } = yield* SigningKeys.SigningKeys
    const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    const claims = { iss: issuer, sub: user, aud: agent.clientId, iat: now, exp: now + 300, auth_time: now }
    return Redacted.make(yield* sign({ typ: "JWT" }, claims))
  })

/** Listens for as long as the layer lives, and keeps its keys at hand for `login`. */
export const Provider = (port: number, payroll: string) => {
  const issuer = `http://127.0.0.1:${port}`
  return HttpRouter.serve(AuthorizationServer.routes, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provide(AuthorizationServer.layer({
      issuer,
      resources: [{ uri: `${issuer}/directory` }],
      clients: [{
        id: agent.clientId,
        secret: Redacted.make(agent.clientSecret),
        grantTypes: ["urn:ietf:params:oauth:grant-type:token-exchange"]
      }]
    })),
    Layer.provide(Policy(payroll)),
    Layer.provideMerge(services),
    Layer.provide(RedactedUrls.layer),
    Layer.provide(NodeHttpServer.layer(createServer, { port, host: "127.0.0.1", disablePreemptiveShutdown: true }))
  )
}
