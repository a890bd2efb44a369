import { assert, describe, it } from "@effect/vitest"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import { createHash } from "node:crypto"
import * as cookies from "../../../src/oauth/server/internal/cookies.ts"
import * as html from "../../../src/oauth/server/internal/html.ts"
import * as page from "../../../src/oauth/server/internal/page.ts"
import { hostile, pages } from "./pages.ts"

const layer = Pages.layer({ name: "Acme <Notes>" })

const all = Effect.map(Pages.Pages, (service) => (text: string) => pages(service, text))

/** What a browser takes for tags, with their attributes; text between them is not looked at. */
const tags = (markup: string) => markup.replace(/<style>[^<]*<\/style>|<wbr>/g, "").match(/<[^>]*>/g) ?? []

describe("Pages", () => {
  it.effect("have the same tags whatever they are told", () =>
    Effect.gen(function*() {
      const render = yield* all
      const shape = (text: string) =>
        Object.values(render(text)).map((markup) => tags(markup).map((tag) => tag.replace(/"[^"]*"/g, "\"\"")))
      const expected = shape("Notes")
      for (const text of hostile) assert.deepStrictEqual(shape(text), expected, JSON.stringify(text))
    }).pipe(Effect.provide(layer)))

  it.effect("run and load nothing", () =>
    Effect.gen(function*() {
      const render = yield* all
      for (const text of hostile) {
        for (const [name, markup] of Object.entries(render(text))) {
          for (const tag of tags(markup)) {
            assert.notMatch(tag, /^<(script|img|link|iframe|object|embed|base|svg)/i, name)
            assert.notMatch(tag.replace(/"[^"]*"/g, ""), /\s(on\w+|src|style|srcset|background|ping)\b/i, name)
          }
        }
      }
    }).pipe(Effect.provide(layer)))

  it.effect("show nothing that hides, turns or covers what is beside it", () =>
    Effect.gen(function*() {
      const render = yield* all
      for (const text of hostile) {
        for (const [name, markup] of Object.entries(render(text))) {
          assert.notMatch(
            markup.replaceAll("\n", ""),
            /[\p{Cc}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u,
            name
          )
          assert.notMatch(markup, /\p{M}{5}/u, name)
        }
      }
      const { consent } = render("Acme\u202egpj.exe")
      assert.include(consent, "<bdi>Acme\ufffdgpj.exe</bdi>")
      // Joined emoji, and letters of Persian, are what they are.
      const family = "\u{1f469}\u200d\u{1f469}\u200d\u{1f467} می\u200cخواهم"
      assert.include(render(family).consent, family)
    }).pipe(Effect.provide(layer)))

  it.effect("are found by those who cannot see them, and by their password managers", () =>
    Effect.gen(function*() {
      const render = yield* all
      for (const [name, markup] of Object.entries(render("Notes"))) {
        assert.match(markup, /^<!doctype html>\n<html lang="en">/, name)
        assert.strictEqual(markup.match(/<h1>/g)?.length, 1, name)
        assert.match(markup, /<title>[^<]+ – Acme &#60;Notes&#62;<\/title>/, name)
        assert.include(markup, "<main>", name)
        for (const [, id] of markup.matchAll(/<input id="([^"]+)"/g)) {
          assert.include(markup, `<label for="${id}">`, name)
        }
      }
      const { login, wrongLogin } = render("Notes")
      assert.match(login, /name="username"[^>]* autocomplete="username"/)
      assert.match(login, /name="password" type="password" autocomplete="current-password"/)
      assert.match(wrongLogin, /id="problem" role="alert"/)
      assert.match(wrongLogin, /aria-describedby="problem"/)
    }).pipe(Effect.provide(layer)))

  it.effect("say who asks for consent, where they are, and what nobody has checked", () =>
    Effect.gen(function*() {
      const { consent } = yield* Pages.Pages
      const asked: Pages.Consent = {
        action: "/consent",
        csrf: "c",
        client: "Notes",
        clientId: "notes-1",
        origin: "configured",
        clientUri: undefined,
        redirectHost: "notes.acme.example",
        isLoopback: false,
        resource: "https://mcp.acme.example/mcp",
        scopes: [{ name: "read", description: "Read your notes" }, { name: "write", description: undefined }],
        user: "anna"
      }
      const known = consent(asked)
      for (const text of ["Notes", "notes-1", "notes.acme.example", "https://mcp.acme.example/mcp", "anna"]) {
        assert.include(known.replaceAll("<wbr>", ""), `<bdi>${text}</bdi>`)
      }
      assert.include(known, "Read your notes")
      assert.include(known, "<code>write</code>")
      assert.notInclude(known, "Not verified")
      assert.notInclude(known, "class=\"note\"")
      // What Enter presses is the first button of a form.
      assert.isBelow(known.indexOf("value=\"deny\""), known.indexOf("value=\"allow\""))

      const stranger = consent({ ...asked, origin: "registered", user: undefined, scopes: [] })
      assert.include(stranger, "Not verified")
      assert.include(stranger, "Go by the address")
      assert.notInclude(stranger, "As the user")

      for (const redirectHost of ["127.0.0.1:4711", "com.acme.notes:"]) {
        const local = consent({ ...asked, isLoopback: redirectHost.startsWith("127"), redirectHost })
        assert.include(local, "Any program on this device could be asking.")
      }
    }).pipe(Effect.provide(layer)))

  it("cut a name that would push everything else away", () => {
    assert.strictEqual(html.shorten("Notes", 5), "Notes")
    assert.strictEqual(html.shorten("Notes!", 5), "Note…")
    assert.strictEqual(html.shorten("\u{1f469}".repeat(6), 5), `${"\u{1f469}".repeat(4)}…`)
  })
})

describe("page", () => {
  const headersOf = (response: HttpServerResponse.HttpServerResponse) => HttpServerResponse.toWeb(response).headers

  it.effect("comes with headers that let a browser do nothing else with it", () =>
    Effect.gen(function*() {
      const pages = yield* Pages.Pages
      const { show } = yield* page.make
      const markup = pages.message({ title: "Hello", text: "World" })
      const response = show(markup, 400)
      assert.strictEqual(response.status, 400)
      const style = /<style>([^<]*)<\/style>/.exec(markup)![1]!
      const hash = createHash("sha256").update(style).digest("base64")
      assert.deepStrictEqual(Object.fromEntries(headersOf(response)), {
        "cache-control": "no-store",
        "content-length": String(new TextEncoder().encode(markup).length),
        "content-security-policy":
          `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
        "content-type": "text/html; charset=utf-8",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY"
      })
    }).pipe(Effect.provide([layer, Digest.layerWebCrypto])))

  it.effect("leaves for where it is told, and nothing in the address gets out of the header", () =>
    Effect.gen(function*() {
      const { leave } = yield* page.make
      const to = (uri: string) => headersOf(leave(uri)).get("refresh")
      assert.strictEqual(
        to("https://notes.acme.example/cb?a=b;c,d&e='x'"),
        "0;url=https://notes.acme.example/cb?a=b;c,d&e=%27x%27"
      )
      assert.strictEqual(
        to("https://notes.acme.example/cb\r\nset-cookie: a=b"),
        "0;url=https://notes.acme.example/cbset-cookie:%20a=b"
      )
      assert.strictEqual(to("com.acme.notes:/cb?code=ü"), "0;url=com.acme.notes:/cb?code=%C3%BC")
      const body = leave("https://münchen.example/cb?a=\"&b=<").body
      const markup = body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""
      assert.include(markup, "href=\"https://xn--mnchen-3ya.example/cb?a=%22&#38;b=%3C\"")
      assert.include(markup, "<bdi>xn--mnchen-3ya.<wbr>example</bdi>")
    }).pipe(Effect.provide([layer, Digest.layerWebCrypto])))

  it("names a place for people", () => {
    assert.strictEqual(page.placeOf("https://notes.acme.example:8443/cb"), "notes.acme.example:8443")
    assert.strictEqual(page.placeOf("http://[::1]:4711/cb"), "[::1]:4711")
    assert.strictEqual(page.placeOf("com.acme.notes:/cb"), "com.acme.notes:")
    assert.strictEqual(page.placeOf("https://good.example@evil.example/"), "evil.example")
  })
})

describe("cookies", () => {
  const setBy = (issuer: string) => {
    const { set } = cookies.make(issuer)
    return HttpServerResponse.toWeb(set(HttpServerResponse.empty(), "session", "a-b_c", "1 hour")).headers
      .getSetCookie()
  }

  it("are bound to the host where there is TLS", () => {
    assert.deepStrictEqual(setBy("https://login.acme.example/tenant"), [
      "__Host-session=a-b_c; Max-Age=3600; Path=/; HttpOnly; Secure; SameSite=Lax"
    ])
    assert.deepStrictEqual(setBy("http://127.0.0.1:9000"), [
      "session=a-b_c; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax"
    ])
  })

  it("are read back by the name they were given, and removed", () => {
    const { get, remove } = cookies.make("https://login.acme.example")
    const request = { cookies: { session: "planted", "__Host-session": "own" } }
    assert.strictEqual(get(request, "session"), "own")
    assert.isUndefined(get(request, "other"))
    assert.deepStrictEqual(
      HttpServerResponse.toWeb(remove(HttpServerResponse.empty(), "session")).headers.getSetCookie(),
      [
        "__Host-session=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax"
      ]
    )
  })
})
