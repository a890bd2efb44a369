/**
 * Runs the command line of the MCP Inspector for each list of arguments in its first, as `mcp-inspector --cli` does, but
 * all in one process, which takes a second to load it. Prints the results. Its files are in HOME, as the Inspector's.
 */
import { readFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"

export interface Inspection {
  /** What it wrote. */
  readonly output: any
  /** Why it would have ended with another code than 0. */
  readonly error: string | undefined
}

const cli = new URL("clients/cli/build/index.js", import.meta.resolve("@modelcontextprotocol/inspector/package.json"))
const { runCli } = await import(cli.href) as {
  readonly runCli: (argv: ReadonlyArray<string>) => Promise<void>
}

const inspect = async (args: ReadonlyArray<string>, index: number): Promise<Inspection> => {
  const file = join(homedir(), `${process.pid}-${index}`)
  const error = await runCli(["node", "mcp-inspector", ...args, "--quiet", "--output", file]).then(
    () => undefined,
    (error: Error) => error.message
  )
  try {
    return { output: JSON.parse(readFileSync(file, "utf8")), error }
  } catch {
    return { output: undefined, error }
  }
}

const inspections: Array<Inspection> = []
for (const [index, args] of (JSON.parse(process.argv[2]!) as ReadonlyArray<ReadonlyArray<string>>).entries()) {
  inspections.push(await inspect(args, index))
}
process.stdout.write(JSON.stringify(inspections), () => process.exit(0))
