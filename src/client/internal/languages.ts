/**
 * The two languages, each with the library that reads it, which is loaded with the first text: nobody pays for it whose
 * program reads no files, and who reads no TOML needs no library for it.
 */
import * as Effect from "effect/Effect"
import * as ClientConfigError from "../ClientConfigError.ts"
import type * as configTree from "./configTree.ts"
import * as jsonText from "./jsonText.ts"
import * as tomlText from "./tomlText.ts"

export const json: Effect.Effect<configTree.Language> = Effect.promise(async () =>
  jsonText.make(await import("jsonc-parser"))
)

export const toml: Effect.Effect<configTree.Language, ClientConfigError.ClientConfigError> = Effect.suspend(() =>
  tomlWith(loadToml)
)

/** With another way to the library. */
export const tomlWith = (
  load: () => Promise<Parameters<typeof tomlText.make>[0]>
): Effect.Effect<configTree.Language, ClientConfigError.ClientConfigError> =>
  Effect.tryPromise({
    try: async () => tomlText.make(await load()),
    catch: () =>
      ClientConfigError.make(
        new ClientConfigError.MissingLibrary({ library: "toml-eslint-parser", form: "TOML" })
      )
  })

const loadToml = async () => {
  // Inside `try`, so that a bundler that does not find it leaves the import to fail where it is run.
  try {
    return (await import("toml-eslint-parser")).parseTOML
  } catch (cause) {
    throw new Error("toml-eslint-parser could not be loaded", { cause })
  }
}

/** By the name of the file, or else by its beginning: no TOML begins with a brace or a slash. */
export const isToml = (text: string, path: string | undefined): boolean => {
  const ending = path === undefined ? undefined : /\.(toml|jsonc?)$/i.exec(path)?.[1]?.toLowerCase()
  return ending === undefined ? /^\s*[^\s{/]/.test(text) : ending === "toml"
}
