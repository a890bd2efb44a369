/** A client as a process: TOKEN CROWD GRACE. It connects to its servers, says so, and stays until a signal comes. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as servers from "./servers.ts"

const [token, crowd, grace] = process.argv.slice(2)

servers.connect(JSON.parse(crowd!), token!, Number(grace)).pipe(
  Effect.andThen(Effect.sync(() => process.stdout.write("connected\n"))),
  Effect.andThen(Effect.never),
  Effect.scoped,
  NodeRuntime.runMain
)
