/** A shop in one definition each: its books as an `HttpApi`, its stock as an `RpcGroup`, its orders as a `Workflow`. */
import * as Context from "effect/Context"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiError from "effect/http-api/HttpApiError"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Workflow from "effect/workflow/Workflow"

export class Book extends Schema.Class<Book>("Book")({
  isbn: Schema.String,
  title: Schema.String,
  published: Schema.Date
}) {}

export class NoSuchBook extends Schema.TaggedError<NoSuchBook>()("NoSuchBook", { isbn: Schema.String }, {
  httpApiStatus: 404
}) {
  override get message(): string {
    return `There is no book ${this.isbn}`
  }
}

export class Reader extends Context.Service<Reader, { readonly name: string }>()("examples/http-api/Reader") {}

/** Who has a card is let in. */
export class Card extends HttpApiMiddleware.Service<Card, { provides: Reader }>()("examples/http-api/Card", {
  error: HttpApiError.Unauthorized,
  security: { card: HttpApiSecurity.apiKey({ key: "x-card" }) }
}) {}

export class Shop extends HttpApi.make("shop").add(
  HttpApiGroup.make("books").add(
    HttpApiEndpoint.get("get", "/books/:isbn", {
      params: { isbn: Schema.String },
      success: Book,
      error: NoSuchBook
    }).annotate(OpenApi.Description, "A book by its number"),
    HttpApiEndpoint.post("add", "/books", {
      payload: Book,
      success: Book.pipe(HttpApiSchema.status(201))
    }),
    HttpApiEndpoint.get("mine", "/reader", { success: Schema.Struct({ reader: Schema.String }) }).middleware(Card)
  )
) {}

export class Stock extends RpcGroup.make(
  Rpc.make("count", { payload: { isbn: Schema.String }, success: Schema.Int, error: NoSuchBook })
) {}

export const Order = Workflow.make("order", {
  payload: { isbn: Schema.String, reader: Schema.String },
  success: Schema.Struct({ number: Schema.Int }),
  error: NoSuchBook,
  idempotencyKey: ({ isbn, reader }) => `${reader} ${isbn}`
})
