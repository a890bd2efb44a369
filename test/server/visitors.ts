/** Clients of one server that differ in who they are: the connection says so, as an authenticating transport would. */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import * as Identity from "fastmcp-effect/context/Identity"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Receiver from "fastmcp-effect/transport/Receiver"

/** A client of the server in this context; anonymous unless it has a subject. */
export const visit = (
  server: Context.Context<Receiver.Receiver>,
  subject: string | undefined,
  options: McpTest.Options = {}
) => {
  const { connect } = Context.get(server, Receiver.Receiver)
  const context = subject === undefined
    ? Context.empty()
    : Context.make(Identity.CurrentIdentity, Identity.make({ subject, scopes: [subject] }))
  const receiver = Receiver.Receiver.of({ connect: (connection) => connect({ ...connection, context }) })
  return McpTest.client(Layer.succeed(Receiver.Receiver, receiver), options)
}
