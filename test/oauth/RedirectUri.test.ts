import { assert, it } from "@effect/vitest"
import * as ClientMetadata from "fastmcp-effect/oauth/ClientMetadata"
import * as RedirectUri from "fastmcp-effect/oauth/RedirectUri"

for (
  const [registered, given, expected] of [
    ["https://a.example/cb", "https://a.example/cb", true],
    ["https://a.example/cb", "https://a.example/cb/", false],
    ["https://a.example/cb", "https://a.example/cb?x=1", false],
    ["https://a.example/cb", "https://A.example/cb", false],
    ["https://a.example/cb", "https://a.example:443/cb", false],
    ["https://a.example:8443/cb", "https://a.example:9443/cb", false],
    ["http://127.0.0.1/cb", "http://127.0.0.1:4711/cb", true],
    ["http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb", true],
    ["http://[::1]:1/cb", "http://[::1]:2/cb", true],
    ["http://127.0.0.1/cb", "http://[::1]/cb", false],
    ["http://127.0.0.1/cb", "http://127.0.0.1:4711/other", false],
    ["http://127.0.0.1/cb", "http://127.0.0.1:99999/cb", false],
    ["http://127.0.0.1/cb", "https://127.0.0.1:4711/cb", false],
    ["http://localhost/cb", "http://localhost:4711/cb", false],
    // What fastmcp_rust takes: a browser goes to evil.example with all of these.
    ["http://localhost/cb", "http://localhost:x@evil.example/cb", false],
    ["http://127.0.0.1/cb", "http://127.0.0.1:1@evil.example/cb", false],
    ["http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb", false],
    ["http://localhost.a.example/cb", "http://localhost.b.example/cb", false],
    ["http://localhost/cb", "http://127.0.0.1/cb", false]
  ] as const
) {
  it(`${given} is ${expected ? "" : "not "}the registered ${registered}`, () => {
    assert.strictEqual(RedirectUri.matches(registered, given), expected)
  })
}

it("nobody registers where a code could be read on its way, or would run something", () => {
  for (const uri of ["https://a.example/cb", "http://localhost:1/cb", "http://127.0.0.1/cb", "com.acme.app:/cb"]) {
    assert.isUndefined(RedirectUri.problem(uri), uri)
  }
  for (
    const uri of [
      "http://a.example/cb",
      "javascript:alert(1)",
      "data:text/html,x",
      "file:///tmp/x",
      "vbscript:x",
      "https://me:pw@a.example/cb",
      "https://a.example/cb#x",
      // A redirect has it in a header, as it stands.
      "https://a.example/cb\r\nset-cookie: x=y",
      " https://a.example/cb",
      "https://a.example/\u0142",
      "/cb",
      "http://127.0.0.1.evil.example/cb"
    ]
  ) assert.isString(RedirectUri.problem(uri), uri)
})

it("a client is native where all its codes come back to the user's machine", () => {
  assert.strictEqual(ClientMetadata.applicationType(["http://127.0.0.1:1/cb", "com.acme.app:/cb"]), "native")
  assert.strictEqual(ClientMetadata.applicationType(["http://127.0.0.1:1/cb", "https://a.example/cb"]), "web")
})
