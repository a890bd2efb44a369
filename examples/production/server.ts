/**
 * A server as it runs in production, in one file that reads from top to bottom: what it is told from outside, what it
 * keeps, who gets in, what it can do, and how it is reached. Each part is a Layer, and one that is missing is an error of
 * the compiler. `setup.ts` prepares what is there before it first starts.
 */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Otlp from "effect/observability/Otlp"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Ask, Elicitation, Identity, McpServer, Progress, RequestState, Tool } from "fastmcp-effect"
import * as BearerAuth from "fastmcp-effect/auth/BearerAuth"
import * as LocalVerifier from "fastmcp-effect/auth/LocalVerifier"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as Logging from "fastmcp-effect/middleware/Logging"
import * as RateLimit from "fastmcp-effect/middleware/RateLimit"
import * as RateLimitStoreSql from "fastmcp-effect/middleware/RateLimitStoreSql"
import * as ResponseLimit from "fastmcp-effect/middleware/ResponseLimit"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeOAuth from "fastmcp-effect/node/NodeOAuth"
import * as NodePasswordHash from "fastmcp-effect/node/NodePasswordHash"
import * as NodeSigningKeys from "fastmcp-effect/node/NodeSigningKeys"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
import * as OidcProvider from "fastmcp-effect/oauth/oidc/OidcProvider"
import * as UserClaims from "fastmcp-effect/oauth/oidc/UserClaims"
import * as Consent from "fastmcp-effect/oauth/server/Consent"
import * as OAuthStoreSql from "fastmcp-effect/oauth/server/OAuthStoreSql"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import * as PasswordLogin from "fastmcp-effect/oauth/server/PasswordLogin"
import * as UserStore from "fastmcp-effect/oauth/server/UserStore"
import * as UserStoreSql from "fastmcp-effect/oauth/server/UserStoreSql"
import { Catalogue, CatalogueHandler, CatalogueStoreSql, Mount } from "fastmcp-effect/provider"
import { EventStoreSql, SessionMailboxSql, SessionStoreSql } from "fastmcp-effect/session"
import * as McpTasks from "fastmcp-effect/tasks/McpTasks"
import * as ServerLog from "fastmcp-effect/telemetry/ServerLog"
import * as Namespace from "fastmcp-effect/transform/Namespace"

// ----------------------------------------------------------------------------
// what it is told from outside
// ----------------------------------------------------------------------------

/** Read before anything starts; a secret is `Redacted` from here on, so that no log has it. */
const Settings = Config.all({
  port: Config.withDefault(Config.Port("PORT"), 8000),
  /** How it is reached from outside, where it is not by this machine alone: `https://acme.example`. */
  origin: Config.option(Config.URL("ORIGIN")),
  database: Config.withDefault(Config.String("DATABASE"), "acme.db"),
  keys: Config.withDefault(Config.String("KEYS"), "keys.json"),
  stateKey: Config.Redacted("STATE_KEY"),
  docketKey: Config.Redacted("DOCKET_KEY"),
  /** For how long nobody else goes on with what a process does that has disappeared. */
  lease: Config.withDefault(Config.Duration("LEASE"), Duration.seconds(30)),
  /** Where traces, metrics and logs go: a collector that speaks OTLP. */
  telemetry: Config.option(Config.URL("OTLP_URL"))
})

const settings = await Effect.runPromise(Effect.gen(function*() {
  return yield* Settings
}))

const issuer = Option.match(settings.origin, {
  onNone: () => `http://127.0.0.1:${settings.port}`,
  onSome: ({ origin }) => origin
})
const resource = `${issuer}/mcp`

// ----------------------------------------------------------------------------
// what it keeps, all in one file
// ----------------------------------------------------------------------------

const Database = SqliteClient.layer({ filename: settings.database })

/** Sessions and their streams outlive the process; clients come back to them. */
const Sessions = Layer.mergeAll(SessionStoreSql.layer(), SessionMailboxSql.layer(), EventStoreSql.layer())

/** Background work: who is killed in the middle of it is followed by another after a lease. Payloads are sealed. */
const Background = Docket.layerSql({ lease: settings.lease, encryption: [settings.docketKey] })

const Stores = Layer.mergeAll(Sessions, Background, RateLimitStoreSql.layer(), CatalogueStoreSql.layer())

// ----------------------------------------------------------------------------
// who gets in
// ----------------------------------------------------------------------------

/** What an application may get to know of a user, from the table of users. */
const Profiles = Layer.effect(
  UserClaims.UserClaims,
  Effect.map(UserStore.UserStore, ({ get }) => ({
    of: (subject) => Effect.map(get(subject), (user) => ({ ...user?.claims, ...user?.name && { name: user.name } }))
  }))
)

/** Users log in here with a password; an application gets an ID token, and access tokens for the server below. */
const Login = OidcProvider.layer({
  issuer,
  resources: [{ uri: resource, name: "Acme", scopes: { acme: "Work with Acme in your name" } }],
  clients: [{ id: "acme-cli", name: "Acme on the command line", redirectUris: ["http://127.0.0.1/callback"] }]
}).pipe(
  Layer.provide([PasswordLogin.layer(), Consent.layer(), Profiles]),
  Layer.provide([OAuthStoreSql.layer(), UserStoreSql.layer()]),
  Layer.provide([Pages.layer({ name: "Acme" }), NodePasswordHash.layer(), NodeSigningKeys.layerFile(settings.keys)]),
  Layer.provide([NodeOAuth.layer(), Database])
)

const Guard = BearerAuth.layer({ resource, authorizationServers: [issuer], scopes: ["acme"] }).pipe(
  Layer.provide(LocalVerifier.layer()),
  Layer.provide(Login)
)

// ----------------------------------------------------------------------------
// what it can do
// ----------------------------------------------------------------------------

const whoami = Tool.make("whoami", {
  description: "Who you are here",
  success: Schema.String,
  handler: () => Effect.map(Identity.Required, ({ subject }) => subject)
})

const order = Tool.make("order", {
  description: "Orders an article, after you have said how many",
  parameters: { article: Schema.String },
  success: Schema.String,
  handler: Effect.fnUntraced(function*({ article }) {
    const { count } = yield* Ask.one(
      "count",
      Elicitation.form({ count: Schema.Int }, { message: `How many ${article}?` })
    )
    return `${count} ${article}`
  })
})

const report = Tool.make("report", {
  description: "Writes a report, a chapter at a time, which outlives whatever becomes of this process",
  parameters: { chapters: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 20 })) },
  success: Schema.Struct({ chapters: Schema.Array(Schema.String) }),
  task: { support: "required", recovery: "resume" },
  handler: Effect.fnUntraced(function*({ chapters }) {
    const written: Array<string> = []
    for (let chapter = 1; chapter <= chapters; chapter++) {
      // What is recorded is not written again, by whichever process goes on.
      written.push(yield* Ask.once(`chapter ${chapter}`, Effect.succeed(`${chapter}, by process ${process.pid}`)))
      yield* Progress.report(chapter, { total: chapters, message: `chapter ${chapter} of ${chapters}` })
      yield* Effect.sleep("300 millis")
    }
    return { chapters: written }
  })
})

/** Rows of the database: what is in them may change at any time, on any node. */
const articles = Catalogue.make({
  handlers: {
    price: CatalogueHandler.tool({
      settings: Schema.Struct({ cents: Schema.Int }),
      handler: ({ cents }, { count }) => Effect.succeed({ cents: cents * Number(count) })
    })
  }
})

/** A server of its own, as somebody else may have written it, with its names under `warehouse_`. */
const Warehouse = McpServer.layer({
  name: "warehouse",
  version: "1.0.0",
  tools: [
    Tool.make("stock", {
      parameters: { article: Schema.String },
      success: Schema.Finite,
      handler: ({ article }) => Effect.succeed(article.length)
    })
  ]
})

const Acme = McpServer.register(articles, Mount.make(Warehouse).pipe(Namespace.make("warehouse"))).pipe(
  Layer.provideMerge(McpServer.layer({
    name: "acme",
    version: "1.0.0",
    tools: [whoami, order, report],
    // Around every request, the first outermost.
    middleware: [
      Logging.make(),
      RateLimit.make({ limit: 600, window: "1 minute" }),
      ResponseLimit.make({ maxBytes: 1 << 20 })
    ],
    extensions: [
      McpTasks.extension({ pollInterval: "200 millis", worker: { lease: settings.lease, sweepInterval: "1 second" } })
    ]
  }))
)

// ----------------------------------------------------------------------------
// how it is seen, and reached
// ----------------------------------------------------------------------------

const Telemetry = Option.match(settings.telemetry, {
  onNone: () => Layer.empty,
  onSome: ({ href }) =>
    Otlp.layerJson({ baseUrl: href, resource: { serviceName: "acme" }, tracerExportInterval: "500 millis" }).pipe(
      Layer.provide(FetchHttpClient.layer)
    )
})

Acme.pipe(
  Layer.merge(Sessions),
  Layer.provide([Guard, Stores, RequestState.layer({ key: settings.stateKey })]),
  Layer.provide(Database),
  Layer.provide([Telemetry, ServerLog.layer({ format: "json" })]),
  // A signal ends it gracefully, and `/health` says so to whoever sends requests here.
  NodeHttp.serve({
    port: settings.port,
    authorizationServer: Login,
    sse: true,
    webSocket: true,
    health: "/health",
    grace: "5 seconds",
    ...Option.match(settings.origin, {
      onNone: () => ({}),
      onSome: ({ hostname }) => ({ host: "0.0.0.0", allowedHosts: [hostname] })
    })
  })
)
