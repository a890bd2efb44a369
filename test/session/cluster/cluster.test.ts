/**
 * Two processes behind an address that alternates between them, on each store they can share: a whole session in which
 * each thing that follows another lands on the other process.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import { needing, postgres, redis } from "../../support/services.ts"
import * as client from "./client.ts"
import { type Node, startNode, startProxy, stopNode } from "./cluster.ts"

const progressOf = (frames: ReadonlyArray<client.Frame>) =>
  frames.filter(({ method }) => method === "notifications/progress").map(({ params }) => params.progress as number)

const wholeSession = async (nodes: ReadonlyArray<Node>) => {
  const proxy = await startProxy(nodes)
  const nodeOfLast = () => proxy.routed.at(-1)!.node
  const session = await client.open(proxy.url)
  assert.strictEqual((await session.post({ method: "notifications/initialized" })).status, 202)
  assert.deepStrictEqual(proxy.routed.map(({ node }) => node), [0, 1])

  const changes = await session.get()
  assert.strictEqual(changes.status, 200)

  // A question: asked by one process, answered at the other.
  const asking = await session.call("ask")
  const asker = nodeOfLast()
  await client.until(() => asking.frames.length === 1, "the question")
  const [question] = asking.frames
  assert.strictEqual(question!.method, "elicitation/create")
  const answered = await session.post({ id: question!.id, result: { action: "accept", content: { name: "Ada" } } })
  assert.strictEqual(answered.status, 202)
  assert.notStrictEqual(nodeOfLast(), asker)
  await asking.ended
  assert.strictEqual(asking.frames.at(-1)!.result.content[0].text, "Hello, Ada!")

  // A cancel.
  const cancelled = await session.call("never")
  const runner = nodeOfLast()
  await client.until(() => cancelled.frames.length === 1, "its progress")
  await session.post({ method: "notifications/cancelled", params: { requestId: cancelled.id } })
  assert.notStrictEqual(nodeOfLast(), runner)
  await cancelled.ended
  assert.lengthOf(cancelled.frames, 1)
  assert.deepStrictEqual(nodes[runner]!.said, ["never User"])

  // A connection that is lost while one process works, and a stream that goes on at the other.
  const worked = await session.call("steps", { count: 40, millis: 10 })
  const worker = nodeOfLast()
  await client.until(() => worked.frames.length >= 5, "some progress")
  worked.cut()
  await worked.ended
  const resumed = await session.get(worked.lastEventId())
  assert.strictEqual(resumed.status, 200)
  assert.notStrictEqual(nodeOfLast(), worker)
  await resumed.ended
  assert.deepStrictEqual(
    progressOf([...worked.frames, ...resumed.frames]),
    Array.from({ length: 40 }, (_, index) => index + 1)
  )
  assert.strictEqual(resumed.frames.at(-1)!.id, worked.id)
  assert.strictEqual(
    resumed.frames.at(-1)!.result.structuredContent?.value ?? resumed.frames.at(-1)!.result.content[0].text,
    "40"
  )

  // What handlers keep, also when both change it at once.
  const counts = await Promise.all(
    Array.from({ length: 10 }, () => session.request("tools/call", { name: "increment" }))
  )
  assert.deepStrictEqual(
    counts.map(({ result }) => Number(result.content[0].text)).sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
  )

  // A subscription made at one process, and a change at the other; the stream is where it was opened.
  await session.request("resources/subscribe", { uri: "test://watched" })
  const subscriber = nodeOfLast()
  await session.request("tools/call", { name: "touch" })
  assert.notStrictEqual(nodeOfLast(), subscriber)
  await client.until(() => changes.frames.length > 0, "the change")
  assert.deepStrictEqual(changes.frames.map(({ method, params }) => [method, params.uri]), [
    ["notifications/resources/updated", "test://watched"]
  ])

  // An event of the other process that nobody has.
  assert.strictEqual((await session.get("nowhere.3")).status, 400)

  // The end.
  const last = await session.call("never")
  const lastRunner = nodeOfLast()
  await client.until(() => last.frames.length === 1, "its progress")
  assert.strictEqual((await session.delete()).status, 204)
  assert.notStrictEqual(nodeOfLast(), lastRunner)
  await Promise.all([last.ended, changes.ended])
  await client.until(
    () => nodes[lastRunner]!.said.filter((line) => line === "never User").length >= (lastRunner === runner ? 2 : 1),
    "the end of what ran"
  )
  for (let request = 0; request < nodes.length; request++) {
    assert.strictEqual((await session.post({ id: 99, method: "ping" })).status, 404)
  }
  await proxy.close()
}

const onTwo = (backend: string, file?: string) =>
  it("serve a whole session, whichever of them a request reaches", async () => {
    const prefix = backend === "redis" ? `cluster-${process.pid}:` : `cluster_${process.pid}_`
    const args = [backend, prefix, ...file === undefined ? [] : [file]]
    const nodes = await Promise.all([startNode(args), startNode(args)])
    await wholeSession(nodes).catch(async (error: unknown) => {
      await Promise.all(nodes.map(stopNode))
      throw error
    })
    assert.deepStrictEqual(await Promise.all(nodes.map(stopNode)), [0, 0])
  }, 60_000)

describe("two processes on Redis", () => needing(redis, () => onTwo("redis")))

describe("two processes on Postgres", () => needing(postgres, () => onTwo("postgres")))

describe("two processes on one SQLite file", () => {
  const folder = mkdtempSync(join(tmpdir(), "cluster-"))
  onTwo("sqlite", join(folder, "sessions.db"))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
})
