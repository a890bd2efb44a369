import * as fs from "node:fs"
import * as path from "node:path"
import { parseSync } from "vite"

/** Path below `src` -> text. The checks take this map, so that a test can plant modules that exist nowhere else. */
export type Sources = ReadonlyMap<string, string>

export interface Import {
  readonly specifier: string
  /** The file below `src` a relative specifier means. */
  readonly target: string | undefined
  readonly typeOnly: boolean
  /** `import "x"`: for what loading it does. */
  readonly bare: boolean
}

export interface Module {
  readonly file: string
  readonly program: any
  readonly imports: ReadonlyArray<Import>
}

export const root = path.resolve(import.meta.dirname, "../..")

export const readSources = (directory = path.join(root, "src")): Sources =>
  new Map(
    fs.readdirSync(directory, { recursive: true, encoding: "utf8" })
      .map((file) => file.split(path.sep).join("/"))
      .filter((file) => file.endsWith(".ts"))
      .sort()
      .map((file) => [file, fs.readFileSync(path.join(directory, file), "utf8")])
  )

export const packageJson = (): any => JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"))

/** Calls `enter` for every node below `node`; `false` skips what is below it. */
export const walk = (node: any, enter: (node: any) => void | false): void => {
  if (node === null || typeof node !== "object") return
  if (Array.isArray(node)) return node.forEach((child) => walk(child, enter))
  if (typeof node.type === "string" && enter(node) === false) return
  for (const key in node) if (key !== "parent") walk(node[key], enter)
}

export const parse = (file: string, text: string): Module => {
  const { errors, program } = parseSync(file, text)
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]!.message}`)
  const imports: Array<Import> = []
  const add = (specifier: string, typeOnly: boolean, bare = false) => {
    const target = specifier.startsWith(".")
      ? path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier))
      : undefined
    imports.push({ specifier, target, typeOnly, bare })
  }
  walk(program.body, (node) => {
    switch (node.type) {
      case "ImportDeclaration":
        add(node.source.value, node.importKind === "type", node.specifiers.length === 0)
        break
      case "ExportAllDeclaration":
      case "ExportNamedDeclaration":
        if (node.source) add(node.source.value, node.exportKind === "type")
        break
      case "ImportExpression":
        // What cannot be read off the page cannot be checked: it counts as an unknown package and is refused.
        add(node.source.type === "Literal" ? String(node.source.value) : "(computed)", false)
        break
      case "TSImportType":
        add(String(node.source?.value ?? node.argument?.literal?.value), true)
        break
    }
  })
  return { file, program, imports }
}

export const parseAll = (sources: Sources): ReadonlyArray<Module> =>
  [...sources].map(([file, text]) => parse(file, text))

export const folderOf = (file: string): string => file.includes("/") ? file.split("/")[0]! : "(root)"

export const isBarrel = (file: string): boolean => path.posix.basename(file) === "index.ts"

export const isPublic = (file: string): boolean =>
  /^[A-Z]/.test(path.posix.basename(file)) && !file.split("/").includes("internal")
