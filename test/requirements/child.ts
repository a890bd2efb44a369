/** The server as a process of its own, over stdio. */
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"
import * as server from "./server.ts"

NodeStdio.run(server.layer(server.makeProbe()))
