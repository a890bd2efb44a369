import { assert, describe, it } from "@effect/vitest"
import * as HostGuard from "fastmcp-effect/transport/HostGuard"

const check = (options: HostGuard.Options, headers: { readonly [name: string]: string }) =>
  HostGuard.make(options)((name) => headers[name]) === undefined

describe("HostGuard", () => {
  const local: ReadonlyArray<readonly [host: string, passes: boolean]> = [
    ["localhost", true],
    ["localhost:8000", true],
    ["LOCALHOST:8000", true],
    ["127.0.0.1:1", true],
    ["[::1]:8000", true],
    ["[::1]", true],
    ["evil.example", false],
    ["evil.example:8000", false],
    ["localhost.evil.example", false],
    ["evil.localhost", false],
    ["127.0.0.1.evil.example", false],
    ["127.0.0.2", false],
    ["localhost:8000:80", false],
    ["localhost:", false],
    ["localhost@evil.example", false],
    ["localhost/", false],
    [" localhost", false],
    ["", false]
  ]
  for (const [host, passes] of local) {
    it(`${passes ? "serves" : "refuses"} the host ${JSON.stringify(host)} by default`, () => {
      assert.strictEqual(check({}, { host }), passes)
    })
  }

  it("refuses a request without a host", () => {
    assert.isFalse(check({}, {}))
  })

  it("serves the hosts it is given and no other, on any port and in any case", () => {
    const options = { allowedHosts: ["Api.Example"] }
    assert.isTrue(check(options, { host: "api.example" }))
    assert.isTrue(check(options, { host: "API.example:443" }))
    assert.isFalse(check(options, { host: "localhost" }))
    assert.isFalse(check(options, { host: "example" }))
  })

  it("leaves hosts to the proxy when told so, and still looks at origins", () => {
    assert.isTrue(check({ allowedHosts: "any" }, { host: "evil.example" }))
    assert.isTrue(check({ allowedHosts: "any" }, {}))
    assert.isFalse(check({ allowedHosts: "any" }, { origin: "https://evil.example" }))
  })

  const origins: ReadonlyArray<readonly [origin: string, passes: boolean]> = [
    ["http://localhost", true],
    ["http://localhost:3000", true],
    ["https://127.0.0.1:3000", true],
    ["http://[::1]:3000", true],
    ["HTTP://LOCALHOST:3000", true],
    ["http://evil.example", false],
    ["https://localhost.evil.example", false],
    ["http://localhost@evil.example", false],
    ["http://localhost:80@evil.example:80", false],
    ["http://evil.example/http://localhost", false],
    ["http://evil.example#localhost", false],
    ["file://localhost", false],
    ["chrome-extension://localhost", false],
    ["null", false],
    ["", false],
    ["http://localhost, http://evil.example", false]
  ]
  for (const [origin, passes] of origins) {
    it(`${passes ? "lets" : "does not let"} a page of ${JSON.stringify(origin)} call by default`, () => {
      assert.strictEqual(check({}, { host: "localhost", origin }), passes)
    })
  }

  it("lets pages of the origins it is given call", () => {
    const options = { allowedHosts: ["api.example"], allowedOrigins: ["https://app.example"] }
    assert.isTrue(check(options, { host: "api.example", origin: "https://app.example" }))
    assert.isTrue(check(options, { host: "api.example", origin: "https://APP.example" }))
    assert.isFalse(check(options, { host: "api.example", origin: "http://app.example" }))
    assert.isFalse(check(options, { host: "api.example", origin: "https://app.example:444" }))
  })

  it("says what is wrong and where to allow it", () => {
    const guard = HostGuard.make()
    assert.match(guard((name) => name === "host" ? "evil.example" : undefined)!, /"evil\.example".*allowedHosts/u)
    const headers: Record<string, string> = { host: "localhost", origin: "http://evil.example" }
    assert.match(guard((name) => headers[name])!, /"http:\/\/evil\.example".*allowedOrigins/u)
  })
})
