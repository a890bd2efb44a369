/**
 * An HTTP API of every kind of endpoint, and its handlers. What they answer depends on what they get and on nothing
 * else, so that two ways to them can be compared.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiError from "effect/http-api/HttpApiError"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import { HttpServerRequest as HttpServerRequests } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { unhandled } from "effect/Types"

// ----------------------------------------------------------------------------
// schemas
// ----------------------------------------------------------------------------

export class Book extends Schema.Class<Book>("Book")({
  isbn: Schema.String,
  title: Schema.String.annotate({ description: "As it is on the cover" }),
  published: Schema.Date,
  pages: Schema.optionalKey(Schema.Int)
}) {}

export class NewBook extends Schema.Class<NewBook>("NewBook")({
  title: Schema.String,
  published: Schema.Date,
  pages: Schema.optional(Schema.Int)
}) {}

export class NoSuchBook extends Schema.TaggedError<NoSuchBook>()("NoSuchBook", { isbn: Schema.String }, {
  httpApiStatus: 404
}) {}

export class TitleTaken extends Schema.TaggedError<TitleTaken>()("TitleTaken", { title: Schema.String, by: Book }, {
  httpApiStatus: 409
}) {}

export class TooLong extends Schema.TaggedError<TooLong>()("TooLong", { limit: Schema.Int }, { httpApiStatus: 422 }) {}

export class Broke extends Schema.TaggedError<Broke>()("Broke", { missing: Schema.BigInt }, { httpApiStatus: 402 }) {}

export class NotNow extends Schema.TaggedError<NotNow>()("NotNow", { trace: Schema.String }, { httpApiStatus: 503 }) {}

const Loan = Schema.Struct({ id: Schema.Int, due: Schema.Date })

const Queued = Schema.Struct({ place: Schema.Int })

const Change = Schema.Union([
  Schema.TaggedStruct("Retitle", { title: Schema.String }),
  Schema.TaggedStruct("Repaginate", { pages: Schema.Int, at: Schema.Date })
])

export interface Shelf {
  readonly name: string
  readonly shelves: ReadonlyArray<Shelf>
}

export const Shelf: Schema.Codec<Shelf> = Schema.Struct({
  name: Schema.String,
  shelves: Schema.Array(Schema.suspend((): Schema.Codec<Shelf> => Shelf))
}).annotate({ identifier: "Shelf" })

export const Values = Schema.Struct({
  date: Schema.Date,
  big: Schema.BigInt,
  decimal: Schema.BigDecimal,
  option: Schema.Option(Schema.String),
  secret: Schema.Redacted(Schema.String),
  duration: Schema.Duration,
  set: Schema.ReadonlySet(Schema.Int),
  map: Schema.ReadonlyMap(Schema.String, Schema.Date),
  nothing: Schema.Null,
  perhaps: Schema.NullOr(Schema.String),
  maybe: Schema.UndefinedOr(Schema.Int),
  tuple: Schema.Tuple([Schema.String, Schema.Boolean])
})

// ----------------------------------------------------------------------------
// middleware
// ----------------------------------------------------------------------------

export class Member extends Context.Service<Member, { readonly name: string }>()("test/library/Member") {}

/** Whoever has a card that is called like them. */
export class Cards extends HttpApiMiddleware.Service<Cards, { provides: Member }>()("test/library/Cards", {
  error: HttpApiError.Unauthorized,
  security: { card: HttpApiSecurity.bearer }
}) {}

export class Opening extends Context.Service<Opening, { readonly hour: number }>()("test/library/Opening") {}

/** Says when it is, and that it is closed to some. */
export class Doors extends HttpApiMiddleware.Service<Doors, { provides: Opening }>()("test/library/Doors", {
  error: NotNow
}) {}

/** Answers by itself, with what no endpoint declares. */
export class Crowd extends HttpApiMiddleware.Service<Crowd>()("test/library/Crowd") {}

// ----------------------------------------------------------------------------
// the API
// ----------------------------------------------------------------------------

const isbn = { isbn: Schema.String.check(Schema.isMinLength(1)).annotate({ description: "The number of the book" }) }

export class Library extends HttpApi.make("library").add(
  HttpApiGroup.make("books").add(
    HttpApiEndpoint.get("get", "/books/:isbn", { params: isbn, success: Book, error: NoSuchBook }).annotateMerge(
      OpenApi.annotations({ summary: "A book", description: "A book by its number" })
    ),
    HttpApiEndpoint.get("list", "/books", {
      query: {
        tags: Schema.optionalKey(Schema.Array(Schema.String)),
        page: Schema.optional(Schema.Int),
        sort: Schema.optionalKey(Schema.Literals(["title", "date"])),
        after: Schema.optional(Schema.Date)
      },
      success: Schema.Array(Book)
    }),
    HttpApiEndpoint.post("add", "/books", {
      payload: NewBook,
      success: Book.pipe(HttpApiSchema.status(201)),
      error: [TitleTaken, TooLong]
    }),
    HttpApiEndpoint.put("replace", "/books/:isbn", {
      params: isbn,
      payload: Schema.Struct({ isbn: Schema.String, title: Schema.String }),
      success: Book
    }).annotate(OpenApi.Deprecated, true),
    HttpApiEndpoint.patch("change", "/books/:isbn", {
      params: isbn,
      payload: Change,
      success: Schema.Struct({ isbn: Schema.String, change: Change })
    }),
    HttpApiEndpoint.delete("remove", "/books/:isbn", {
      params: isbn,
      error: [HttpApiError.NotFoundNoContent, HttpApiError.ForbiddenNoContent, HttpApiError.Conflict]
    }),
    HttpApiEndpoint.post("addAll", "/books/all", {
      payload: Schema.Array(Schema.Struct({ title: Schema.String, pages: Schema.Int })),
      success: Schema.Int
    }),
    HttpApiEndpoint.post("search", "/books/search", {
      payload: Schema.Struct({ words: Schema.String, pages: Schema.Int, deep: Schema.Boolean }).pipe(
        HttpApiSchema.asFormUrlEncoded()
      ),
      success: Schema.Record(Schema.String, Schema.Int)
    }),
    HttpApiEndpoint.get("blurb", "/books/:isbn/blurb", {
      params: isbn,
      success: Schema.String.pipe(HttpApiSchema.asText())
    }),
    HttpApiEndpoint.put("setBlurb", "/books/:isbn/blurb", {
      params: isbn,
      payload: Schema.String.pipe(HttpApiSchema.asText()),
      success: Schema.Int
    }),
    HttpApiEndpoint.post("cover", "/books/cover", {
      payload: Schema.Uint8Array.pipe(HttpApiSchema.asUint8Array()),
      success: Schema.Uint8Array.pipe(HttpApiSchema.asUint8Array())
    }),
    HttpApiEndpoint.post("scan", "/books/scan", {
      payload: Schema.Struct({ name: Schema.String }).pipe(HttpApiSchema.asMultipart())
    }),
    HttpApiEndpoint.get("audit", "/books/audit", { success: Schema.String }).annotate(OpenApi.Exclude, true)
  ),
  HttpApiGroup.make("loans").add(
    HttpApiEndpoint.post("borrow", "/loans", {
      headers: {
        "x-trace": Schema.String.check(Schema.isPattern(/^[a-z]{1,8}$/)),
        "x-hour": Schema.optional(Schema.Int)
      },
      payload: Schema.Struct({ isbn: Schema.String, days: Schema.Int }),
      success: [Loan.pipe(HttpApiSchema.status(201)), Queued.pipe(HttpApiSchema.status(202))],
      error: Broke
    }).middleware(Doors),
    HttpApiEndpoint.get("get", "/loans/:id", {
      params: { id: Schema.Int },
      query: { id: Schema.Boolean },
      success: HttpApiSchema.WithHeaders(Loan, { "x-left": Schema.Int })
    }),
    HttpApiEndpoint.get("mine", "/loans/mine/all", {
      success: Schema.Struct({ member: Schema.String })
    }).middleware(Cards),
    HttpApiEndpoint.post("extend", "/loans/:id/extend", {
      params: { id: Schema.Int },
      success: [Loan, HttpApiSchema.NoContent],
      error: Broke
    }).middleware(Cards).middleware(Doors)
  ),
  HttpApiGroup.make("odds", { topLevel: true }).add(
    HttpApiEndpoint.post("shelf", "/shelf", { payload: Shelf, success: Shelf }),
    HttpApiEndpoint.post("values", "/values", { payload: Values, success: Values }),
    HttpApiEndpoint.get("feed", "/feed/:count", {
      params: { count: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 })) },
      success: HttpApiSchema.StreamNdjson({ schema: Loan })
    }),
    HttpApiEndpoint.get("events", "/events/:count", {
      params: { count: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 })) },
      success: HttpApiSchema.StreamSse({ data: Schema.toCodecJson(Loan), error: Broke })
    }),
    HttpApiEndpoint.get("crowded", "/crowded/:status", {
      params: { status: Schema.Literals([418, 429, 500]) },
      success: Schema.String
    }).middleware(Crowd),
    HttpApiEndpoint.post("ping", "/ping"),
    HttpApiEndpoint.get("download", "/download", { success: HttpApiSchema.StreamUint8Array() }),
    HttpApiEndpoint.get("broken", "/broken", { success: Schema.String })
  )
) {}

// ----------------------------------------------------------------------------
// its handlers
// ----------------------------------------------------------------------------

const sizeOf = (text: string): number => Array.from(text).reduce((size, char) => size + char.codePointAt(0)!, 0)

const bookOf = (isbn: string, title: string) =>
  new Book({ isbn, title, published: new Date(sizeOf(isbn) * 1000), ...(sizeOf(title) % 2 === 0 ? { pages: 1 } : {}) })

const loanOf = (id: number) => ({ id, due: new Date(Math.abs(id % 1000)) })

export const Books = HttpApiBuilder.group(Library, "books", (handlers) =>
  handlers.handleAll({
    get: ({ params: { isbn } }) =>
      sizeOf(isbn) % 3 === 0 ? Effect.fail(new NoSuchBook({ isbn })) : Effect.succeed(bookOf(isbn, `About ${isbn}`)),
    list: ({ query: { after, page = 0, sort = "none", tags = [] } }) =>
      Effect.succeed([...tags, String(page), sort, String(after?.getTime())].map((text) => bookOf(text, text))),
    add: ({ payload }) => {
      if (!(payload instanceof NewBook)) return Effect.die("not an instance")
      const { pages = 0, title } = payload
      return title.length % 3 === 2
        ? Effect.fail(new TooLong({ limit: pages }))
        : title.length % 3 === 1
        ? Effect.fail(new TitleTaken({ title, by: bookOf("1", title) }))
        : Effect.succeed(bookOf(String(pages), title))
    },
    replace: ({ params, payload }) => Effect.succeed(bookOf(`${params.isbn} ${payload.isbn}`, payload.title)),
    change: ({ params: { isbn }, payload: change }) => Effect.succeed({ isbn, change }),
    remove: ({ params: { isbn } }) => {
      switch (sizeOf(isbn) % 4) {
        case 0:
          return Effect.fail(new HttpApiError.NotFound())
        case 1:
          return Effect.fail(new HttpApiError.Forbidden())
        case 2:
          return Effect.fail(new HttpApiError.Conflict())
        default:
          return Effect.void
      }
    },
    addAll: ({ payload }) => Effect.succeed(payload.length),
    search: ({ payload: { deep, pages, words } }) => Effect.succeed({ [words]: pages, deep: Number(deep) }),
    blurb: ({ params: { isbn } }) => Effect.succeed(`${isbn}: a book`),
    setBlurb: ({ payload }) => Effect.succeed(payload.length),
    cover: ({ payload }) => Effect.succeed(payload.slice().reverse()),
    scan: () => Effect.void,
    audit: () => Effect.succeed("nobody is to see this")
  }))

export const Loans = HttpApiBuilder.group(Library, "loans", (handlers) =>
  handlers.handleAll({
    borrow: ({ headers, payload: { days, isbn } }) =>
      Effect.map(Opening, ({ hour }) => {
        if (sizeOf(isbn) % 3 === 0) return { place: hour + (headers["x-hour"] ?? 0) }
        return loanOf(days + headers["x-trace"].length)
      }).pipe(Effect.filterOrFail(() => days % 4 !== 0, () => new Broke({ missing: BigInt(days) }))),
    get: ({ params, query }) =>
      Effect.succeed(HttpApiSchema.withHeaders({ body: loanOf(params.id), headers: { "x-left": query.id ? 1 : 0 } })),
    mine: () => Effect.map(Member, ({ name }) => ({ member: name })),
    extend: ({ params: { id } }) =>
      id % 3 === 0
        ? Effect.fail(new Broke({ missing: BigInt(id) }))
        : Effect.succeed(id % 2 === 0 ? loanOf(id) : undefined)
  }))

export const Odds = HttpApiBuilder.group(Library, "odds", (handlers) =>
  handlers.handleAll({
    shelf: ({ payload }) => Effect.succeed({ name: "above", shelves: [payload] }),
    values: ({ payload }) =>
      Effect.succeed({
        ...payload,
        big: payload.big + 1n,
        decimal: BigDecimal.negate(payload.decimal),
        option: Option.map(payload.option, (text) => `${text}!`),
        secret: Redacted.make(`${Redacted.value(payload.secret)}?`)
      }),
    feed: ({ params: { count } }) => Effect.succeed(Stream.map(Stream.range(1, count), loanOf)),
    events: ({ params: { count } }) =>
      Effect.succeed(
        Stream.concat(
          Stream.map(Stream.range(1, count), loanOf),
          count % 4 === 3 ? Stream.fail(new Broke({ missing: BigInt(count) })) : Stream.empty
        )
      ),
    crowded: () => Effect.succeed("nobody here"),
    ping: () => Effect.void,
    download: () => Effect.succeed(Stream.empty),
    broken: () => Effect.die(new Error("a secret of the server"))
  }))

export const Guards = Layer.mergeAll(
  Layer.succeed(Cards, {
    card: (effect, { credential }) => {
      const name = Redacted.value(credential)
      return name === ""
        ? Effect.fail(new HttpApiError.Unauthorized())
        : Effect.provideService(effect, Member, { name })
    }
  }),
  Layer.succeed(Doors, (effect, { endpoint }) =>
    Effect.flatMap(
      Effect.service(HttpServerRequests),
      ({ headers }): Effect.Effect<HttpServerResponse.HttpServerResponse, unhandled | NotNow> =>
        (headers["x-trace"] ?? "").startsWith("b")
          ? Effect.fail(new NotNow({ trace: `${endpoint.identifier} ${headers["x-trace"]}` }))
          : Effect.provideService(effect, Opening, { hour: 9 })
    )),
  Layer.succeed(Crowd, (_effect, _options) =>
    Effect.flatMap(
      Effect.service(HttpServerRequests),
      ({ url }) => {
        const status = Number(/\d+$/u.exec(url)![0])
        return Effect.succeed(HttpServerResponse.text(`status ${status}`, { status }))
      }
    ))
)

export const Handlers = Layer.mergeAll(Books, Loans, Odds).pipe(Layer.provide(Guards))
