import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as NodeStdioClient from "fastmcp-effect/node/NodeStdioClient"
import * as Leaks from "fastmcp-effect/testing/Leaks"
import * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import * as processes from "../proof/processes.ts"
import * as servers from "../proof/servers.ts"
import * as wires from "../server/wires.ts"
import * as hearing from "../transport/hearing.ts"

describe("NodeStdioClient", () => {
  it.live("starts our own server, and speaks to it", () =>
    Leaks.check(
      Effect.gen(function*() {
        const { address, connect, kind, origin } = yield* ClientTransport.ClientTransport
        assert.deepStrictEqual([kind, origin], ["stdio", undefined])
        assert.match(address, /node .*examples\/hello\/server\.ts it$/u)
        const heard = hearing.make()
        const connection = yield* connect(heard.listener)
        assert.deepStrictEqual([connection.hasStreams, connection.hasHeaders], [false, false])
        connection.send({
          frame: JSON.stringify(wires.call("Stateless", 1, "greet", { name: "Ada" })),
          id: 1,
          method: "tools/call",
          version: "2026-07-28"
        })
        yield* hearing.until(() => heard.messages.length === 1, () => "an answer")
        assert.strictEqual(heard.messages[0].result.content[0].text, "Hello, Ada!")
      }).pipe(Effect.provide(NodeStdioClient.layer({ ...servers.kinds.ours("it"), stderr: "inherit" })))
    ))

  // `npm run proof:client` does the same with a hundred.
  it("leaves no server behind, whatever ends the client, but a stubborn one of a client that is killed", async () => {
    const { failures, report } = await processes.prove({
      crowd: { ours: 1, "SDK 1": 1, bare: 1, "behind a shell": 1, stubborn: 1 },
      grace: 200,
      interrupts: [3, 100]
    })
    assert.deepStrictEqual(failures, [], report.join("\n"))
    assert.lengthOf(report, 5)
  })
})
