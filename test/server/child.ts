/** The tools as a process: `stdio` or `http`. What becomes of them is told on stderr, a line each: `event: …`. */
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"
import * as tools from "./tools.ts"

const probe = tools.makeProbe((event) => process.stderr.write(`event: ${event}\n`))
const server = tools.server(probe)
const { CHILD_GRACE: grace = "300 millis", CHILD_MAX_BODY: maxBody } = process.env
const options = { grace } as { grace: "300 millis" }

if (process.argv[2] === "http") {
  NodeHttp.serve({ ...options, port: 0, ...(maxBody === undefined ? undefined : { maxBodyBytes: Number(maxBody) }) })(
    server
  )
} else NodeStdio.run(options)(server)
