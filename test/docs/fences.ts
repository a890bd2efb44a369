import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"

/** A fenced block of TypeScript in a page or a doc comment. */
export interface Fence {
  readonly file: string
  /** The line of its first line of code. */
  readonly line: number
  /** The name the fences of the same page import it by: `ts file=server.ts`. */
  readonly name: string | undefined
  readonly code: string
}

/** Every ```ts fence of a text. In a `.ts` file only doc comments are read. */
export const fences = (file: string, text: string): ReadonlyArray<Fence> => {
  const out: Array<Fence> = []
  const lines = file.endsWith(".ts")
    ? text.split("\n").map((line) => /^\s*\*(?: (.*)|$)/.exec(line)?.[1] ?? "")
    : text.split("\n")
  for (let i = 0; i < lines.length; i++) {
    const open = /^(\s*)(`{3,})ts(?:\s+(.*))?$/.exec(lines[i]!)
    if (!open) continue
    const [, indent, ticks, info] = open
    const start = i + 1
    while (++i < lines.length && lines[i]!.trim() !== ticks);
    if (i === lines.length) throw new Error(`${file}:${start}: the fence is not closed`)
    const code = lines.slice(start, i).map((line) => line.startsWith(indent!) ? line.slice(indent!.length) : line)
    const name = /(?:^|\s)file=(\S+)/.exec(info ?? "")?.[1]
    out.push({ file, line: start + 1, name, code: code.join("\n") })
  }
  return out
}

/** The files of the repository whose fences count. */
export const documents = (root: string): ReadonlyArray<string> => {
  const below = (folder: string, extension: string) =>
    fs.existsSync(path.join(root, folder))
      ? fs.readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(extension)).map((file) => path.posix.join(folder, file))
      : []
  return [
    ...["README.md"].filter((file) => fs.existsSync(path.join(root, file))),
    ...below("docs", ".md"),
    ...below(
      "src",
      ".ts"
    )
  ].sort()
}

/**
 * What the type checker says of the fences, each error with the page and line it stands at. They are written to
 * `.fences/`, a directory for each page, and checked in one run against src, strictly.
 */
export const typecheck = (root: string, all: ReadonlyArray<Fence>): ReadonlyArray<string> => {
  const directory = path.join(root, ".fences")
  fs.rmSync(directory, { recursive: true, force: true })
  const written = new Map<string, Fence>()
  for (const fence of all) {
    const file = path.join(fence.file.replace(/\W/g, "_"), fence.name ?? `line_${fence.line}.ts`)
    if (written.has(file)) throw new Error(`${fence.file}:${fence.line}: ${fence.name} is there twice`)
    written.set(file, fence)
    fs.mkdirSync(path.join(directory, path.dirname(file)), { recursive: true })
    fs.writeFileSync(path.join(directory, file), `${fence.code}\nexport {}\n`)
  }
  fs.writeFileSync(
    path.join(directory, "tsconfig.json"),
    JSON.stringify({
      extends: "../tsconfig.json",
      compilerOptions: {
        noEmit: true,
        rootDir: "..",
        rewriteRelativeImportExtensions: false,
        allowImportingTsExtensions: true,
        noUnusedLocals: false
      },
      files: [...written.keys()]
    })
  )
  const place = (line: string) =>
    line.replace(/^(\S+?)\((\d+),(\d+)\)/, (whole, file, row, column) => {
      const fence = written.get(path.relative(directory, path.resolve(root, file)))
      return fence ? `${fence.file}:${fence.line + Number(row) - 1}:${column}` : whole
    })
  const tsc = path.join(root, "node_modules/typescript/bin/tsc")
  try {
    execFileSync(process.execPath, [tsc, "-p", directory, "--pretty", "false"], { cwd: root, encoding: "utf8" })
    return []
  } catch (error: any) {
    const said = String(error.stdout || error.message).trim().split("\n").map(place)
    return said.length > 0 ? said : ["tsc failed and said nothing"]
  }
}
