/** What tools of an API need of a program: its handlers, what its callers are known by, and nothing that is not said. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import type * as RpcClient from "effect/rpc/RpcClient"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Workflow from "effect/workflow/Workflow"
import type * as WorkflowEngine from "effect/workflow/WorkflowEngine"
import * as Identity from "fastmcp-effect/context/Identity"
import type * as McpRequest from "fastmcp-effect/context/McpRequest"
import type * as RequestContext from "fastmcp-effect/context/RequestContext"
import type * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import type * as Provider from "fastmcp-effect/definition/Provider"
import * as HttpApiTools from "fastmcp-effect/provider/HttpApiTools"
import * as RpcTools from "fastmcp-effect/provider/RpcTools"
import * as WorkflowTools from "fastmcp-effect/provider/WorkflowTools"
import * as McpServer from "fastmcp-effect/server/McpServer"
import { describe, expectTypeOf, it } from "vitest"

const Api = HttpApi.make("api").add(
  HttpApiGroup.make("books").add(HttpApiEndpoint.get("get", "/books", { success: Schema.String })),
  HttpApiGroup.make("loans").add(HttpApiEndpoint.get("get", "/loans", { success: Schema.String }))
)

class Db extends Context.Service<Db, string>()("test/Db") {}

const Books = HttpApiBuilder.group(Api, "books", (handlers) => handlers.handle("get", () => Effect.succeed("")))

const Loans = HttpApiBuilder.group(Api, "loans", (handlers) => handlers.handle("get", () => Effect.service(Db)))

const Group = RpcGroup.make(Rpc.make("get", { success: Schema.String }))

const Job = Workflow.make("job", { payload: { id: Schema.String }, idempotencyKey: ({ id }) => id })

const knowing = Effect.map(Identity.Required, ({ subject }) => ({ subject }))

describe("tools of an API", () => {
  it("need a layer of handlers for each of its groups", () => {
    expectTypeOf(HttpApiTools.make(Api)).toEqualTypeOf<
      Provider.Provider<
        never,
        | HttpApiGroup.Service<"api", "books">
        | HttpApiGroup.Service<"api", "loans">
        | RequestContext.RequestContext
      >
    >()
    const served = McpServer.register(HttpApiTools.make(Api)).pipe(Layer.provide(Books))
    expectTypeOf(served).toEqualTypeOf<
      Layer.Layer<
        never,
        DefinitionError.DefinitionError,
        McpServer.McpServer | HttpApiGroup.Service<"api", "loans">
      >
    >()
  })

  it("give handlers what they need of each request as over HTTP", () => {
    const served = McpServer.register(HttpApiTools.make(Api)).pipe(
      Layer.provide([Books, Loans]),
      HttpRouter.provideRequest(Layer.succeed(Db, "db"))
    )
    expectTypeOf<Layer.Services<typeof served>>().toEqualTypeOf<McpServer.McpServer>()
  })

  it("need to be told who calls where their headers say it", () => {
    const served = McpServer.register(HttpApiTools.make(Api, { headers: knowing })).pipe(Layer.provide(Books))
    expectTypeOf<Extract<Layer.Services<typeof served>, McpRequest.McpRequest<any, any>>>().toEqualTypeOf<
      McpRequest.McpRequest<"Requires", Identity.Required>
    >()
  })

  it("need a client and no handlers where the API is elsewhere", () => {
    expectTypeOf(HttpApiTools.remote(Api, { baseUrl: "https://example.com" })).toEqualTypeOf<
      Provider.Provider<never, HttpClient.HttpClient | RequestContext.RequestContext>
    >()
    // @ts-expect-error: where is it?
    HttpApiTools.remote(Api)
  })
})

describe("tools of a group of Rpcs", () => {
  it("need its handlers, or a protocol to it", () => {
    expectTypeOf(RpcTools.make(Group)).toEqualTypeOf<
      Provider.Provider<never, Rpc.Handler<"get"> | RequestContext.RequestContext>
    >()
    expectTypeOf(RpcTools.remote(Group)).toEqualTypeOf<
      Provider.Provider<never, RpcClient.Protocol | RequestContext.RequestContext>
    >()
    expectTypeOf<Provider.Services<ReturnType<typeof RpcTools.make<never, Identity.Required>>>>().toExtend<
      Identity.Required | RequestContext.RequestContext
    >()
  })
})

describe("tools of a workflow", () => {
  it("need its engine", () => {
    expectTypeOf(WorkflowTools.make([Job])).toEqualTypeOf<Provider.Provider<never, WorkflowEngine.WorkflowEngine>>()
  })
})
