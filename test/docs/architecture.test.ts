import * as fs from "node:fs"
import * as path from "node:path"
import { assert, it } from "vitest"
import { layers } from "../architecture/layers.ts"

const root = path.resolve(import.meta.dirname, "../..")
const page = fs.readFileSync(path.join(root, "docs/explain/architecture.md"), "utf8")

/** Folders of src with a module in them; the data names those to come as well. */
const folders = Object.keys(layers).filter((folder) => {
  const directory = path.join(root, "src", folder)
  return fs.existsSync(directory) && fs.readdirSync(directory).some((file) => file.endsWith(".ts"))
})

const rows = (title: string): ReadonlyArray<ReadonlyArray<string>> => {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? ""
  return section.split("\n").filter((line) => line.startsWith("|")).slice(2)
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
}

it("the layering table of the page is the one that is checked", () => {
  const table = rows("Who may import whom").map(([folder, imports]) =>
    [folder, imports === "-" ? [] : imports!.split(", ").sort()] as const
  )
  assert.deepStrictEqual(
    Object.fromEntries(table),
    Object.fromEntries(
      folders.map((folder) =>
        [folder, layers[folder]!.filter((imported) => folders.includes(imported)).sort()] as const
      )
    )
  )
})

it("the files the page names are there", () => {
  const named = [...page.matchAll(/`([\w/]+\.ts)`/g)].map(([, file]) => file!)
    .filter((file) => !/^(PascalCase|camelCase|(\w+\/)?X\w*)\.ts$/.test(file))
  const sources = fs.readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" })
  assert.isAbove(named.length, 20)
  assert.deepStrictEqual(named.filter((file) => !sources.some((source) => `/${source}`.endsWith(`/${file}`))), [])
})
