import { folderOf, isPublic, parse, type Sources } from "./modules.ts"

const kinds: Record<string, string> = {
  ClassDeclaration: "class",
  FunctionDeclaration: "function",
  TSDeclareFunction: "function",
  TSEnumDeclaration: "enum",
  TSInterfaceDeclaration: "interface",
  TSModuleDeclaration: "namespace",
  TSTypeAliasDeclaration: "type"
}

/** `kind name` for every export of a module, sorted. Syntax only, so it never waits for the type checker. */
export const surfaceOf = (file: string, text: string): ReadonlyArray<string> => {
  const out = new Set<string>()
  for (const node of parse(file, text).program.body) {
    if (node.type === "ExportDefaultDeclaration") out.add("default")
    if (node.type === "ExportAllDeclaration") {
      out.add(
        node.exported ? `namespace ${node.exported.name} from ${node.source.value}` : `* from ${node.source.value}`
      )
    }
    if (node.type !== "ExportNamedDeclaration") continue
    for (const s of node.specifiers) out.add(`re-export ${s.exported.name ?? s.exported.value}`)
    const d = node.declaration
    if (!d) continue
    if (d.type === "VariableDeclaration") { for (const v of d.declarations) out.add(`const ${v.id.name}`) }
    else out.add(`${kinds[d.type] ?? d.type} ${d.id.name ?? d.id.value}`)
  }
  return [...out].sort()
}

/** The public surface as text, one file for each folder of src and one for the root entry. */
export const surfaces = (sources: Sources): ReadonlyMap<string, string> => {
  const files = new Map<string, Array<string>>()
  for (const [file, text] of sources) {
    if (!isPublic(file) && file !== "index.ts") continue
    const name = `${folderOf(file) === "(root)" ? "root" : folderOf(file)}.txt`
    files.set(name, [...files.get(name) ?? [], [file, ...surfaceOf(file, text).map((line) => `  ${line}`)].join("\n")])
  }
  return new Map([...files].map(([name, parts]) => [name, `${parts.join("\n\n")}\n`]))
}
