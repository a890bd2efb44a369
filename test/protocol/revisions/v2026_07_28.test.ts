import { assert, describe, it } from "@effect/vitest"
import * as Meta from "fastmcp-effect/protocol/Meta"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as models from "./models.ts"

const revision = Revisions.v2026_07_28
const projected = (method: string, result: object) => models.projected(revision, method, result)

const _meta = { [Meta.serverInfo]: models.projection.serverInfo }
const question = {
  resultType: "input_required",
  inputRequests: { dirs: { method: "roots/list", params: {} } },
  requestState: "sealed"
}

describe("a peer of 2026-07-28", () => {
  it("reads on every result that it is complete and who answered", () => {
    for (const method of ["tools/call", "prompts/get", "completion/complete", "subscriptions/listen"]) {
      assert.deepStrictEqual(projected(method, { a: 1, _meta: { b: 2 } }), {
        resultType: "complete",
        a: 1,
        _meta: { b: 2, ..._meta }
      })
    }
  })

  it("reads how long lists, resources and discovery stay fresh", () => {
    const methods = [
      "server/discover",
      "tools/list",
      "prompts/list",
      "resources/list",
      "resources/templates/list",
      "resources/read"
    ]
    for (const method of methods) {
      assert.deepStrictEqual(projected(method, { a: 1 }), {
        resultType: "complete",
        a: 1,
        ...models.projection.cacheHints,
        _meta
      })
    }
  })

  it("reads what a resource says of its own freshness", () =>
    assert.deepStrictEqual(
      projected("resources/read", { contents: [], cacheHints: { ttlMs: 9, cacheScope: "public" } }),
      { resultType: "complete", contents: [], ttlMs: 9, cacheScope: "public", _meta }
    ))

  it("reads a question in place of a result, and no freshness on it", () => {
    for (const method of ["tools/call", "prompts/get", "resources/read"]) {
      assert.deepStrictEqual(projected(method, question), { ...question, _meta })
    }
  })

  it("reads structured content of any kind, and booleans for schemas", () => {
    assert.deepStrictEqual(projected("tools/call", { content: [], structuredContent: null }).structuredContent, null)
    const tool = { name: "a", inputSchema: { type: "object", properties: { b: true } }, outputSchema: {} }
    assert.strictEqual(projected("tools/list", { tools: [tool] }).tools[0], tool)
  })

  it("is sent no requests; the same three are questions, and a URL has no id of its own", () => {
    assert.deepStrictEqual(revision.serverRequests, {})
    assert.deepStrictEqual(Object.keys(revision.inputRequests).sort(), [
      "elicitation/create",
      "roots/list",
      "sampling/createMessage"
    ])
    const { project } = revision.inputRequests["elicitation/create"]!
    const url = { mode: "url", message: "Pay", url: "https://acme.example/pay" }
    assert.deepStrictEqual(project({ ...url, elicitationId: "1" }), url)
    assert.strictEqual(revision.inputRequests["sampling/createMessage"]!.project(models.sampling), models.sampling)
  })
})
