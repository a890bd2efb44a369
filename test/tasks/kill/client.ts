/** A client that begins a task on the server at a URL, writes its id, and waits for a user who never answers. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import type * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as TasksClient from "fastmcp-effect/tasks/TasksClient"

const [url, revision] = process.argv.slice(2) as [string, Revisions.Version]

const onCreated: TasksClient.Options["onCreated"] = ({ taskId }) =>
  Effect.sync(() => process.stdout.write(`${taskId}\n`))

McpClient.McpClient.use((client) => client.callTool("questions", { n: 7 })).pipe(
  Effect.provide(
    McpClient.layer({ revision, extensions: [TasksClient.extension({ onCreated })] }).pipe(
      Layer.provide([
        NodeStreamableHttpClient.layer({ url }),
        ClientHandlers.elicitation({
          form: () => Effect.andThen(Effect.sync(() => process.stdout.write("asked\n")), Effect.never)
        })
      ])
    )
  ),
  NodeRuntime.runMain
)
