import * as path from "node:path"
import { barrelFree } from "./layers.ts"
import { folderOf, isPublic, type Sources } from "./modules.ts"

/** The folders that hold public modules, each with those modules. */
const publicFolders = (sources: Sources): ReadonlyMap<string, ReadonlyArray<string>> => {
  const folders = new Map<string, Array<string>>()
  for (const file of [...sources.keys()].filter(isPublic).sort(inAnyCase)) {
    const folder = path.posix.dirname(file)
    folders.set(folder, [...folders.get(folder) ?? [], file])
  }
  return folders
}

/** As the formatter orders imports. */
const inAnyCase = (a: string, b: string): number => a.toLowerCase() < b.toLowerCase() ? -1 : 1

/** Barrel file -> text: one line for each public module of its folder. */
export const barrels = (sources: Sources): ReadonlyMap<string, string> =>
  new Map(
    [...publicFolders(sources)].filter(([folder]) => !barrelFree.includes(folderOf(`${folder}/`))).map((
      [folder, files]
    ) => [
      `${folder}/index.ts`,
      files.map((file) => path.posix.basename(file, ".ts")).map((name) => `export * as ${name} from "./${name}.ts"\n`)
        .join("")
    ])
  )

const entry = (file: string) => ({
  "fastmcp-effect/source": `./src/${file}`,
  types: `./dist/${file.replace(/\.ts$/, ".d.ts")}`,
  default: `./dist/${file.replace(/\.ts$/, ".js")}`
})

/** `exports` of package.json: the root, each barrel, each public module, and nothing else. */
export const exportMap = (sources: Sources): Record<string, unknown> => {
  const folders = [...barrels(sources).keys()].map((file) => [`./${path.posix.dirname(file)}`, entry(file)] as const)
  const modules = [...publicFolders(sources).values()].flat().map((file) =>
    [`./${file.replace(/\.ts$/, "")}`, entry(file)] as const
  )
  return {
    "./package.json": "./package.json",
    ".": entry("index.ts"),
    ...Object.fromEntries([...folders, ...modules].sort(([a], [b]) => a < b ? -1 : 1))
  }
}
