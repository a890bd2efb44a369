/** The handlers of the shop, served over HTTP and as tools; the one and the other have the very same layers. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiError from "effect/http-api/HttpApiError"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as WorkflowEngine from "effect/workflow/WorkflowEngine"
import { Identity, McpServer } from "fastmcp-effect"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as HttpApiTools from "fastmcp-effect/provider/HttpApiTools"
import * as RpcTools from "fastmcp-effect/provider/RpcTools"
import * as WorkflowTools from "fastmcp-effect/provider/WorkflowTools"
import { Book, Card, NoSuchBook, Order, Reader, Shop, Stock } from "./api.ts"

const books = new Map([
  ["1", new Book({ isbn: "1", title: "One", published: new Date("2001-01-01") })]
])

const find = (isbn: string) =>
  Effect.suspend(() => {
    const book = books.get(isbn)
    return book === undefined ? Effect.fail(new NoSuchBook({ isbn })) : Effect.succeed(book)
  })

const Cards = Layer.succeed(Card, {
  card: (effect, { credential }) => {
    const name = Redacted.value(credential)
    return name === "" ? Effect.fail(new HttpApiError.Unauthorized()) : Effect.provideService(effect, Reader, { name })
  }
})

const Books = HttpApiBuilder.group(Shop, "books", (handlers) =>
  handlers.handleAll({
    get: ({ params }) => find(params.isbn),
    add: ({ payload }) => Effect.sync(() => books.set(payload.isbn, payload) && payload),
    mine: () => Effect.map(Reader, ({ name }) => ({ reader: name }))
  })).pipe(Layer.provide(Cards))

const Counts = Stock.toLayer({ count: ({ isbn }) => Effect.map(find(isbn), ({ title }) => title.length) })

const Orders = Layer.unwrap(
  Effect.map(
    Ref.make(0),
    (last) =>
      Order.toLayer(({ isbn }) =>
        Effect.map(Effect.andThen(find(isbn), Ref.updateAndGet(last, (number) => number + 1)), (number) => ({ number }))
      )
  )
).pipe(Layer.provideMerge(WorkflowEngine.layerMemory))

/** The shop as tools. Its middleware knows of a caller what is said here, and never sees what the client has sent. */
export const Mcp = McpServer.register(
  HttpApiTools.make(Shop, {
    headers: Effect.map(
      Effect.service(Identity.CurrentIdentity),
      ({ subject }) => subject === undefined ? {} : { "x-card": subject }
    )
  }),
  RpcTools.make(Stock),
  WorkflowTools.make([Order], { also: ["start", "poll"] })
).pipe(
  Layer.provideMerge(McpServer.layer({ name: "shop", version: "1.0.0" })),
  Layer.provide([Books, Counts, Orders])
)

/** The shop over HTTP, and its tools beside it at `/mcp`. */
export const Both = NodeHttp.layer({
  port: 0,
  routes: HttpApiBuilder.layer(Shop).pipe(Layer.provide(Books), Layer.provide(NodeHttpServer.layerHttpServices))
}).pipe(Layer.provide(Mcp))
