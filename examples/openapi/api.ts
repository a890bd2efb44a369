/** An HTTP API as there are many, with a description of itself: it knows nothing of MCP. */
import * as Http from "node:http"

const at = { name: "id", in: "path", required: true, schema: { type: "integer" } }

const Book = {
  type: "object",
  required: ["title"],
  properties: {
    id: { type: "integer", readOnly: true },
    title: { type: "string", description: "As it stands on the cover" },
    tags: { type: "array", items: { type: "string" } }
  }
}

const book = { $ref: "#/components/schemas/Book" }

const json = (schema: object) => ({ content: { "application/json": { schema } } })

/** What a framework would make of the API's code. */
export const document = {
  openapi: "3.0.3",
  info: { title: "Books", version: "1.0.0" },
  servers: [{ url: "/" }],
  components: { schemas: { Book }, securitySchemes: { key: { type: "apiKey", in: "header", name: "X-Key" } } },
  security: [{ key: [] }],
  paths: {
    "/books": {
      get: {
        operationId: "listBooks",
        summary: "Lists books",
        parameters: [{
          name: "tag",
          in: "query",
          explode: false,
          schema: { type: "array", items: { type: "string" } }
        }],
        responses: { 200: { description: "The books", ...json({ type: "array", items: book }) } }
      },
      post: {
        operationId: "addBook",
        summary: "Adds a book",
        requestBody: { required: true, ...json(book) },
        responses: { 201: { description: "The book", ...json(book) } }
      }
    },
    "/books/{id}": {
      parameters: [at],
      get: {
        operationId: "getBook",
        summary: "A book",
        responses: { 200: { description: "The book", ...json(book) } }
      },
      delete: { operationId: "dropBook", summary: "Drops a book", responses: { 204: { description: "It is gone" } } }
    },
    "/admin/reset": { post: { operationId: "reset", responses: { 204: { description: "All are gone" } } } }
  }
}

interface Kept {
  readonly id: number
  readonly title: string
  readonly tags: ReadonlyArray<string>
}

/** Answers to whoever has the key, until it is closed. */
export const start = async (key: string) => {
  const books: Array<Kept> = [{ id: 1, title: "Emma", tags: ["novel"] }, { id: 2, title: "Walden", tags: ["essay"] }]
  const server = Http.createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url!, "http://localhost")
    const answer = (status: number, body?: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
    if (pathname === "/openapi.json") return answer(200, document)
    if (request.headers["x-key"] !== key) return answer(401, { error: "No key" })
    const id = Number(pathname.split("/")[2])
    const found = books.find((book) => book.id === id)
    switch (`${request.method} ${pathname.replace(/\d+/u, "{id}")}`) {
      case "GET /books": {
        const tags = searchParams.get("tag")?.split(",")
        return answer(200, books.filter((book) => tags === undefined || tags.some((tag) => book.tags.includes(tag))))
      }
      case "POST /books": {
        const chunks: Array<Buffer> = []
        for await (const chunk of request) chunks.push(chunk)
        const added = { tags: [], ...JSON.parse(Buffer.concat(chunks).toString()), id: books.length + 1 }
        books.push(added)
        return answer(201, added)
      }
      case "GET /books/{id}":
        return found === undefined ? answer(404, { error: `No book ${id}` }) : answer(200, found)
      case "DELETE /books/{id}":
        return answer(204)
      default:
        return answer(404, { error: "Nothing here" })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as { readonly port: number }
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() }
}
