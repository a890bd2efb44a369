/** The tools as a process: `stdio`, `http` or `websocket`. What becomes of them is told on stderr, a line each: `event: …`. */
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"
import * as tools from "./tools.ts"

const probe = tools.makeProbe((event) => process.stderr.write(`event: ${event}\n`))
const server = tools.server(probe)
const { CHILD_GRACE: grace = "300 millis", CHILD_HOST: host, CHILD_MAX_BODY: maxBody, CHILD_PORT: port = "0" } =
  process.env
const options = { grace } as { grace: "300 millis" }

if (process.argv[2] === "http") {
  NodeHttp.serve({ ...options, port: 0, ...(maxBody === undefined ? undefined : { maxBodyBytes: Number(maxBody) }) })(
    server
  )
} else if (process.argv[2] === "websocket") {
  // The other programs start without it.
  const NodeWebSocket = await import("fastmcp-effect/node/NodeWebSocket")
  NodeWebSocket.serve({ ...options, port: Number(port), ...(host === undefined ? undefined : { host }) })(server)
} else NodeStdio.run(options)(server)
