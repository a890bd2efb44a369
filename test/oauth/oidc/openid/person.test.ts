/** A person logs in and says yes or no. */
import { afterAll, assert, beforeAll, it } from "vitest"
import * as flow from "./flow.ts"
import { type Clocked, jsonOf } from "./module.ts"
import { engine } from "./oidcProviderEngine.ts"
import { start } from "./run.ts"

let running: Clocked
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
  assert.match(error.message, /^it ends on a page \(400\)/)
})
