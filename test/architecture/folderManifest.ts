/**
 * The package.json of `src` and of `dist`: what Node and bundlers ask of each file there, and no more.
 *
 * For every import it resolves Node copies the nearest package.json anew, and where a package is named it parses the
 * export map as well. With the package's own, whose export map grows with every module, that came to a quarter of all
 * a server allocated before its first request; V8 then doubled its young generation, and kept it so.
 */
export const folderManifest = (
  folder: "src" | "dist",
  { sideEffects, type }: { readonly type: string; readonly sideEffects: ReadonlyArray<string> }
) => ({
  sideEffects: sideEffects.filter((files) => files.startsWith(`./${folder}/`))
    .map((files) => `.${files.slice(folder.length + 2)}`),
  type
})
