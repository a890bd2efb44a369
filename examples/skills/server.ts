/** A help desk's skills: two from a folder, and one made in code, with a file that changes. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import { McpServer } from "fastmcp-effect"
import * as Skill from "fastmcp-effect/skills/Skill"
import * as SkillDirectory from "fastmcp-effect/skills/SkillDirectory"
import * as Skills from "fastmcp-effect/skills/Skills"

/** Who is on call. */
export class OnCall extends Context.Service<OnCall, Ref.Ref<string>>()("examples/skills/OnCall") {
  static readonly layer = Layer.effect(OnCall, Ref.make("Ada"))
}

const escalation = Skill.make("escalation", {
  description: "Whom to ask when a rule does not fit. Use it before you promise a customer anything unusual.",
  instructions: "Call the person in rota/today.txt, and say what you want to promise.\n",
  files: { "rota/today.txt": OnCall.use(Ref.get) }
})

const skills = Effect.map(
  SkillDirectory.readAll(`${import.meta.dirname}/skills`),
  (fromFolder) => [...fromFolder, escalation]
)

export const Desk = McpServer.layer({
  name: "desk",
  version: "1.0.0",
  instructions: "When a customer wants money back, follow skill://support/refunds/SKILL.md.",
  extensions: [Skills.extension({ skills, cache: { ttlMs: 60_000, cacheScope: "public" } })]
}).pipe(Layer.provide(NodeServices.layer))
