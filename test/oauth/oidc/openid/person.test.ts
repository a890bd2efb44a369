/** A person logs in and says yes or no. */
import { afterAll, assert, beforeAll, it } from "vitest"
import type { Running } from "../../server/engine.ts"
import * as flow from "./flow.ts"
import { jsonOf } from "./module.ts"
import { engine } from "./oidcProviderEngine.ts"
import { start } from "./run.ts"
import { walk } from "./walk.ts"

let running: Running
let url: string

beforeAll(async () => {
  running = await start(engine)
  const metadata = await jsonOf(await fetch(`${running.issuer}/.well-known/openid-configuration`))
  url = flow.urlOf({ metadata }, flow.ask().params)
})

afterAll(() => running?.close())

it("comes back with a code who says yes", async () => {
  const { searchParams } = await running.person().visit(url)
  assert.isTrue(searchParams.has("code"))
  assert.isFalse(searchParams.has("error"))
})

it("comes back with an error who says no", async () => {
  const { searchParams } = await running.person().refuse(url)
  assert.isFalse(searchParams.has("code"))
  assert.strictEqual(searchParams.get("error"), "access_denied")
})

it("is not asked again who has said yes", async () => {
  const person = running.person()
  await person.visit(url)
  const response = await person.fetch(url)
  assert.strictEqual(new URL(response.headers.get("location")!).origin, "https://client.example")
})

it("does not come back from a page that asks nothing", async () => {
  const other = new URL(url)
  other.searchParams.set("client_id", "nobody")
  const error = await running.person().visit(other.href).catch((error) => error)
  assert.match(error.message, /is an error \(400\)/)
})

it("is sent on by a page that goes on of its own accord", async () => {
  const { left, pages } = await walk(
    () =>
      Promise.resolve(new Response("Going on", { headers: { refresh: "0;url=https://client.example/callback?a=b" } })),
    url
  )
  assert.strictEqual(left?.href, "https://client.example/callback?a=b")
  assert.isEmpty(pages)
})

it("finds the button among others, outside of its form too", async () => {
  const sent: Array<string> = []
  const shown = [
    `<form id="f" method=post action="/go"><input type='hidden' name=csrf value="a&amp;b"></form>
<button form="f" name="decision" value="stay">Stay</button><button form="f" name="decision" value="leave">Leave</button>`,
    "Done"
  ]
  const { pages } = await walk((url, { body = "" } = {}) => {
    sent.push(`${new URL(url).pathname} ${body}`)
    return Promise.resolve(new Response(shown.shift()))
  }, "https://server.example/logout")
  assert.deepStrictEqual(sent, ["/logout ", "/go csrf=a%26b&decision=leave"])
  assert.lengthOf(pages, 2)
})
