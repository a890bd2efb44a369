import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Provider from "fastmcp-effect/definition/Provider"
import * as Catalogue from "fastmcp-effect/provider/Catalogue"
import type * as CatalogueError from "fastmcp-effect/provider/CatalogueError"
import * as CatalogueHandler from "fastmcp-effect/provider/CatalogueHandler"
import type * as CatalogueStore from "fastmcp-effect/provider/CatalogueStore"
import { describe, expectTypeOf, it } from "vitest"

class Files extends Context.Service<Files, { readonly read: (path: string) => Effect.Effect<string> }>()("Files") {}
class Clock extends Context.Service<Clock, { readonly now: number }>()("Clock") {}

const settings = Schema.Struct({ path: Schema.String, days: Schema.FiniteFromString })

const file = CatalogueHandler.resource({
  settings,
  handler: ({ path }) => Files.use(({ read }) => read(path))
})

const clock = CatalogueHandler.tool({ handler: () => Effect.map(Clock, ({ now }) => now) })

describe("a catalogue", () => {
  it("needs its store and what its handlers need, and fails as its store does", () => {
    expectTypeOf(Catalogue.make({ handlers: { file, clock } })).toEqualTypeOf<
      Provider.Provider<CatalogueError.CatalogueError, CatalogueStore.CatalogueStore | Files | Clock>
    >()
    expectTypeOf(Catalogue.make()).toEqualTypeOf<
      Provider.Provider<CatalogueError.CatalogueError, CatalogueStore.CatalogueStore>
    >()
  })

  it("gives handlers their settings as they decode, and checks what they end with", () => {
    CatalogueHandler.tool({
      settings,
      handler: (given, input, entry) => {
        expectTypeOf(given).toEqualTypeOf<{ readonly path: string; readonly days: number }>()
        expectTypeOf(entry.kind).toEqualTypeOf<"tool">()
        return Effect.succeed(input)
      }
    })
    // @ts-expect-error: a failure that is not declared
    // @effect-diagnostics-next-line missingEffectError:off
    CatalogueHandler.tool({ handler: () => Effect.fail("no") })
    CatalogueHandler.tool({ failure: Schema.String, handler: () => Effect.fail("no") })
    // @ts-expect-error: a number is nothing that can be read
    CatalogueHandler.resource({ handler: () => Effect.succeed(1) })
    // @ts-expect-error: a number is no prompt
    CatalogueHandler.prompt({ handler: () => Effect.succeed(1) })
  })
})
