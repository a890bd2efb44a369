import { assert, describe, it } from "@effect/vitest"
import * as ProtectedResourceMetadata from "fastmcp-effect/oauth/ProtectedResourceMetadata"
import * as Scope from "fastmcp-effect/oauth/Scope"

describe("Scope", () => {
  it("reads each word once, however many spaces stand between", () =>
    assert.deepStrictEqual(Scope.parse("  a  b a c "), ["a", "b", "c"]))

  it("joins lists in the order in which they come", () => {
    assert.deepStrictEqual(Scope.union(["b"], ["a", "b"], []), ["b", "a"])
    assert.strictEqual(Scope.format(["b", "a", "b"]), "b a")
  })

  it("takes no scope for another that begins like it", () => {
    assert.isFalse(Scope.includes(["notes:read"], ["notes"]))
    assert.isTrue(Scope.includes(["notes", "more"], ["notes"]))
    assert.isTrue(Scope.includes([], []))
  })

  it("tells what can be a scope from what would break out of a header", () => {
    assert.isTrue(Scope.isScope("https://acme.example/notes:read"))
    for (const text of ["", "a b", "a\"b", "a\\b", "a\nb", "ä"]) assert.isFalse(Scope.isScope(text), text)
  })
})

describe("ProtectedResourceMetadata", () => {
  it.each([
    ["https://acme.example", "https://acme.example/.well-known/oauth-protected-resource"],
    ["https://acme.example/", "https://acme.example/.well-known/oauth-protected-resource"],
    ["https://acme.example:8443/a/mcp", "https://acme.example:8443/.well-known/oauth-protected-resource/a/mcp"],
    ["https://acme.example/mcp/", "https://acme.example/.well-known/oauth-protected-resource/mcp/"],
    ["https://acme.example/mcp?t=1", "https://acme.example/.well-known/oauth-protected-resource/mcp?t=1"]
  ])(
    "of %s is at %s",
    (resource, location) => assert.strictEqual(ProtectedResourceMetadata.location(resource), location)
  )
})
