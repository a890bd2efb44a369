// What must not compile is here on purpose.
// @effect-diagnostics missingEffectError:off
/**
 * What a toolkit's handlers and tools of other libraries' schemas have their types from.
 */
import type * as AiTool from "effect/ai/Tool"
import * as AiTools from "effect/ai/Tool"
import * as AiToolkits from "effect/ai/Toolkit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as AiToolkit from "fastmcp-effect/definition/AiToolkit"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Toolkit from "fastmcp-effect/definition/Toolkit"
import * as ToolSchema from "fastmcp-effect/definition/ToolSchema"
import * as v from "valibot"
import { describe, expectTypeOf, it } from "vitest"
import { z } from "zod"

class Db extends Context.Service<Db, string>()("test/types/Toolkit/Db") {}
class Clock extends Context.Service<Clock, number>()("test/types/Toolkit/Clock") {}

const read = Tool.make("read", { parameters: { id: Schema.FiniteFromString }, success: Schema.String })
const now = Tool.make("now", { success: Schema.Finite, failure: Schema.Literal("broken") })
const kit = Toolkit.make(read, now)

describe("the handlers of a toolkit", () => {
  it("have their arguments inferred, and their needs kept", () => {
    const handled = Toolkit.handle(kit, {
      read: (parameters) => {
        expectTypeOf(parameters).toEqualTypeOf<{ readonly id: number }>()
        return Effect.as(Db, "text")
      },
      now: () => Effect.as(Clock, 1)
    })
    expectTypeOf<Tool.Services<(typeof handled)[number]>>().toEqualTypeOf<Db | Clock>()
    expectTypeOf<(typeof handled)[number]["name"]>().toEqualTypeOf<"read" | "now">()
    expectTypeOf(handled).toExtend<ReadonlyArray<Tool.AnyHandled>>()
  })

  it("are missed when one is missing, and refused when there is one too many or of another kind", () => {
    const one = { read: () => Effect.succeed("") }
    const two = { ...one, now: () => Effect.succeed(1) }
    // @ts-expect-error: `now` has no handler
    Toolkit.handle(kit, one)
    // @ts-expect-error: no tool is called `later`
    Toolkit.handle(kit, { ...two, later: () => Effect.void })
    // @ts-expect-error: a string is no number
    Toolkit.handle(kit, { ...one, now: () => Effect.succeed("1") })
    // @ts-expect-error: an error nobody declared
    Toolkit.handle(kit, { ...one, now: () => Effect.fail("other") })
    Toolkit.handle(kit, { ...one, now: () => Effect.fail("broken" as const) })
  })

  it("may come from an effect, with needs of its own", () => {
    const handled = Toolkit.handleEffect(
      kit,
      Effect.map(
        Db,
        (db) => Toolkit.of(kit, { read: ({ id }) => Effect.succeed(db + id.toFixed()), now: () => Effect.as(Clock, 1) })
      )
    )
    type Built = Effect.Success<typeof handled>
    expectTypeOf<Effect.Services<typeof handled>>().toEqualTypeOf<Db>()
    expectTypeOf<Tool.Services<Built[number]>>().toEqualTypeOf<Clock>()
  })
})

describe("schemas of other libraries", () => {
  it("give a handler their output and a caller their input", () => {
    const tool = Tool.make("a", {
      parameters: z.object({ n: z.string().transform(Number), unit: z.string().default("m") }),
      success: v.object({ text: v.string() }),
      handler: (parameters) => {
        expectTypeOf(parameters).toEqualTypeOf<{ n: number; unit: string }>()
        return Effect.succeed({ text: "" })
      }
    })
    expectTypeOf<(typeof tool)["parameters"]["Encoded"]>().toEqualTypeOf<{ n: string; unit?: string | undefined }>()
    expectTypeOf<(typeof tool)["success"]["Type"]>().toEqualTypeOf<{ text: string }>()
    // @ts-expect-error: a number is not the text of the success
    Tool.make("a", { success: v.object({ text: v.string() }), handler: () => Effect.succeed({ text: 1 }) })
  })

  it("fit into a struct, and JSON Schema has the type its author gives it", () => {
    const tool = Tool.make("a", {
      parameters: { who: ToolSchema.fromStandard(z.object({ name: z.string() })), n: Schema.Finite },
      success: ToolSchema.fromJsonSchema<ReadonlyArray<string>>({ type: "array" })
    })
    expectTypeOf<(typeof tool)["parameters"]["Type"]>().toEqualTypeOf<
      { readonly who: { name: string }; readonly n: number }
    >()
    expectTypeOf<(typeof tool)["success"]["Type"]>().toEqualTypeOf<ReadonlyArray<string>>()
  })
})

describe("tools of effect/ai", () => {
  it("need the handlers of their toolkit, and go both ways", () => {
    const toolkit = AiToolkits.make(
      AiTools.make("a", { parameters: Schema.Struct({ x: Schema.Finite }), success: Schema.String }),
      AiTools.make("b", { dependencies: [Db] })
    )
    const served = AiToolkit.fromAiToolkit(toolkit)
    expectTypeOf<Tool.Services<(typeof served)[number]>>().toEqualTypeOf<
      AiTool.Handler<"a"> | AiTool.Handler<"b"> | Db
    >()
    const back = AiToolkit.toAiToolkit(kit)
    expectTypeOf<AiTool.Parameters<(typeof back)["tools"]["read"]>>().toEqualTypeOf<{ readonly id: number }>()
    expectTypeOf<AiTool.Success<(typeof back)["tools"]["now"]>>().toEqualTypeOf<number>()
  })
})
