import { assert, it } from "@effect/vitest"
import * as WwwAuthenticate from "fastmcp-effect/oauth/WwwAuthenticate"

const parse = (header: string) =>
  WwwAuthenticate.parse(header).map(({ parameters, scheme }) => [scheme, { ...parameters }] as const)

for (
  const [header, expected] of [
    ["", []],
    ["Bearer", [["bearer", {}]]],
    ["Bearer realm=\"a, b\", scope=\"x y\"", [["bearer", { realm: "a, b", scope: "x y" }]]],
    ["bearer SCOPE=x", [["bearer", { scope: "x" }]]],
    ["Bearer error = \"invalid_token\" ,scope=\"\"", [["bearer", { error: "invalid_token", scope: "" }]]],
    ["Bearer scope=\"say \\\"hi\\\" \\\\\"", [["bearer", { scope: "say \"hi\" \\" }]]],
    ["Bearer resource_metadata=https://h/x?a=b, scope=y", [["bearer", {
      resource_metadata: "https://h/x?a=b",
      scope: "y"
    }]]],
    ["Basic, Bearer", [["basic", {}], ["bearer", {}]]],
    ["Basic abc==, Bearer scope=a", [["basic", {}], ["bearer", { scope: "a" }]]],
    ["DPoP error=\"use_dpop_nonce\", Bearer scope=a", [["dpop", { error: "use_dpop_nonce" }], ["bearer", {
      scope: "a"
    }]]],
    ["Bearer scope=a, scope=b", [["bearer", { scope: "a" }]]],
    ["Bearer scope=\"open", [["bearer", {}]]],
    ["=, Bearer", []],
    ["Bearer __proto__=x, constructor=y", [["bearer", { ["__proto__"]: "x", constructor: "y" }]]],
    [", ,Bearer", [["bearer", {}]]]
  ] as const
) {
  it(`reads ${JSON.stringify(header)}`, () => {
    assert.deepStrictEqual(parse(header), expected as unknown as ReturnType<typeof parse>)
  })
}

it("takes no longer for a header that is meant to take long", () => {
  for (const header of [`Bearer a="${"\\".repeat(16_000)}`, `Bearer ${"a ".repeat(8000)}`, `${",".repeat(16_000)}`]) {
    const began = performance.now()
    WwwAuthenticate.parse(header)
    assert.isBelow(performance.now() - began, 200)
  }
})
