import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Content from "fastmcp-effect/definition/Content"
import * as Media from "fastmcp-effect/definition/Media"

const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1])

/** A web of these pages; it notes who asked. */
const web = (pages: Record<string, () => Response>) => {
  const asked: Array<string> = []
  const client = HttpClient.make((request) =>
    Effect.sync(() => {
      asked.push(request.url)
      return HttpClientResponse.fromWeb(request, pages[request.url]?.() ?? new Response("", { status: 404 }))
    })
  )
  return { asked, run: Effect.provideService(HttpClient.HttpClient, client) }
}

const typed = (type: string) => () => new Response(png, { headers: { "content-type": type } })

describe("an image from a URL", () => {
  it.effect("has the type its server says, or its name, or its bytes", () =>
    Effect.gen(function*() {
      const { run } = web({
        "https://example.com/a": typed("image/webp; q=1"),
        "https://example.com/b.gif": typed("application/octet-stream"),
        "https://example.com/c": () => new Response(png)
      })
      const at = (path: string) => Media.imageFromUrl(`https://example.com/${path}`).pipe(run)
      assert.deepStrictEqual(yield* at("a"), Content.image(png, "image/webp"))
      assert.strictEqual((yield* at("b.gif")).mimeType, "image/gif")
      assert.strictEqual((yield* at("c")).mimeType, "image/png")
    }))

  it.effect("is read from a data URL without a request, and from no URL but https", () =>
    Effect.gen(function*() {
      const { asked, run } = web({})
      const data = yield* Media.imageFromUrl("data:image/png;base64,AQ==").pipe(run)
      assert.deepStrictEqual(data, Content.image("AQ==", "image/png"))
      for (const url of ["http://example.com/a", "file:///etc/passwd", "not a url"]) {
        const error = yield* Effect.flip(Media.imageFromUrl(url).pipe(run))
        assert.strictEqual(error.reason._tag, "ForbiddenUrl", url)
      }
      assert.deepStrictEqual(asked, [])
    }))

  it.effect("never takes more than allowed, whatever its server says", () =>
    Effect.gen(function*() {
      let sent = 0
      const endless = () =>
        new Response(
          new ReadableStream({
            pull: (controller) => {
              sent++
              controller.enqueue(new Uint8Array(100))
            }
          }),
          { headers: { "content-type": "image/png" } }
        )
      const { run } = web({
        "https://example.com/endless": endless,
        "https://example.com/said": () =>
          new Response(null, { headers: { "content-length": "1001", "content-type": "image/png" } })
      })
      for (const path of ["endless", "said"]) {
        const error = yield* Effect.flip(
          Media.imageFromUrl(`https://example.com/${path}`, { maxBytes: 1000 }).pipe(run)
        )
        assert.strictEqual(error.reason._tag, "TooLarge", path)
      }
      assert.isBelow(sent, 50)
    }))

  it.effect("that is not there, or is something else, is refused", () =>
    Effect.gen(function*() {
      const { run } = web({ "https://example.com/page": typed("text/html") })
      const gone = yield* Effect.flip(Media.imageFromUrl("https://example.com/gone").pipe(run))
      assert.strictEqual(gone.message, "https://example.com/gone could not be read: the server answered 404")
      const page = yield* Effect.flip(Media.imageFromUrl("https://example.com/page").pipe(run))
      assert.strictEqual(page.message, "https://example.com/page is text/html, not an image")
      const silent = yield* Effect.flip(Media.audioFromUrl("https://example.com/page").pipe(run))
      assert.strictEqual(silent.reason._tag, "WrongType")
    }))

  it.effect("is refused where a redirect left https", () =>
    Effect.gen(function*() {
      const redirected = () => {
        const response = typed("image/png")()
        Object.defineProperty(response, "url", { value: "http://10.0.0.1/a" })
        return response
      }
      const { run } = web({ "https://example.com/a": redirected })
      const error = yield* Effect.flip(Media.imageFromUrl("https://example.com/a").pipe(run))
      assert.strictEqual(error.message, "http://10.0.0.1/a is neither an https nor a data URL")
    }))
})
