/**
 * Tools and a prompt that ask their client. Each handler is written once: on a connection of 2025 its questions are
 * requests, and from 2026-07-28 they are rounds of the one request, whatever the tool is called.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { RequestContext, Tool } from "fastmcp-effect"
import { Ask, Elicitation, Roots, Sampling } from "fastmcp-effect/context"
import * as Prompt from "fastmcp-effect/definition/Prompt"

/** How a form ended, in words; a no is an answer, too. */
const outcomeOf = (question: Ask.Question<unknown>) =>
  Ask.one("form", question).pipe(
    Effect.map((content) => `action=accept, content=${JSON.stringify(content)}`),
    Effect.catchReasons("AskError", {
      Declined: () => Effect.succeed("action=decline"),
      Dismissed: () => Effect.succeed("action=cancel")
    })
  )

const sampling = Tool.make("test_sampling", {
  description: "Asks the client's model",
  parameters: { prompt: Schema.String.annotate({ description: "What to ask" }) },
  success: Schema.String,
  handler: ({ prompt }) =>
    Effect.map(Sampling.ask("answer", prompt, { maxTokens: 100 }), (answer) => `LLM response: ${answer}`)
})

const elicitation = Tool.make("test_elicitation", {
  description: "Asks the client's user for a name and an address",
  parameters: { message: Schema.String.annotate({ description: "What the user reads" }) },
  success: Schema.String,
  handler: ({ message }) =>
    Effect.map(
      outcomeOf(Elicitation.form({
        username: Schema.String.annotate({ description: "User's response" }),
        email: Schema.String.annotate({ description: "User's email address" })
      }, { message })),
      (outcome) => `User response: ${outcome}`
    )
})

const defaults = Tool.make("test_elicitation_sep1034_defaults", {
  description: "Asks with a form whose every field has a default",
  success: Schema.String,
  handler: () =>
    Effect.map(
      outcomeOf(Elicitation.form({
        name: Schema.String.annotate({ description: "User name", default: "John Doe" }),
        age: Schema.Int.annotate({ description: "User age", default: 30 }),
        score: Schema.Finite.annotate({ description: "User score", default: 95.5 }),
        status: Schema.Literals(["active", "inactive", "pending"]).annotate({
          description: "User status",
          default: "active"
        }),
        verified: Schema.Boolean.annotate({ description: "Verification status", default: true })
      }, { message: "Please review and update the form fields with defaults" })),
      (outcome) => `Elicitation completed: ${outcome}`
    )
})

const titles = { value1: "First Option", value2: "Second Option", value3: "Third Option" }

const enums = Tool.make("test_elicitation_sep1330_enums", {
  description: "Asks with a form of every kind of choice",
  success: Schema.String,
  handler: () =>
    Effect.map(
      outcomeOf(Elicitation.form({
        untitledSingle: Schema.Literals(["option1", "option2", "option3"]),
        titledSingle: Elicitation.choice(titles),
        legacyEnum: Elicitation.choice(
          { opt1: "Option One", opt2: "Option Two", opt3: "Option Three" },
          { legacyTitles: true }
        ),
        untitledMulti: Schema.Array(Schema.Literals(["option1", "option2", "option3"])),
        titledMulti: Elicitation.choices(titles)
      }, { message: "Please select options from the enum fields" })),
      (outcome) => `Elicitation completed: ${outcome}`
    )
})

const name = Elicitation.form({ name: Schema.String }, { message: "What is your name?" })

const confirmation = Elicitation.form({ ok: Schema.Boolean }, { message: "Please confirm" })

const oneForm = Tool.make("test_input_required_result_elicitation", {
  description: "Asks for a name and greets",
  success: Schema.String,
  handler: () => Effect.map(Ask.one("user_name", name), ({ name }) => `Hello, ${name}!`)
})

const oneSample = Tool.make("test_input_required_result_sampling", {
  description: "Asks the client's model for a capital",
  success: Schema.String,
  handler: () => Sampling.ask("capital_question", "What is the capital of France?", { maxTokens: 100 })
})

const oneListOfRoots = Tool.make("test_input_required_result_list_roots", {
  description: "Asks for the client's roots",
  success: Schema.String,
  handler: () => Effect.map(Roots.ask("client_roots"), (roots) => `Roots: ${roots.map(({ uri }) => uri).join(", ")}`)
})

const requestState = Tool.make("test_input_required_result_request_state", {
  description: "Keeps a step between its rounds and says whether it still has it",
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    const kept = yield* Ask.once("step", Effect.succeed("state-ok"))
    const { ok } = yield* Ask.one("confirm", confirmation)
    return `${kept}, and the user said ${ok ? "yes" : "no"}`
  })
})

const multipleInputs = Tool.make("test_input_required_result_multiple_inputs", {
  description: "Asks the user, the model and the client in one round",
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    const { client_roots, greeting, user_name } = yield* Ask.all({
      user_name: name,
      greeting: Sampling.text("Generate a greeting", { maxTokens: 50 }),
      client_roots: Roots.list
    })
    return `${greeting} ${user_name.name}, who works in ${client_roots.length} places`
  })
})

const multiRound = Tool.make("test_input_required_result_multi_round", {
  description: "Asks for a name and then, in another round, for a color",
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    const step1 = yield* Ask.one("step1", name)
    const step2 = yield* Ask.one(
      "step2",
      Elicitation.form({ color: Schema.String }, { message: `${step1.name}, what is your favorite color?` })
    )
    return `${step1.name} likes ${step2.color}`
  })
})

const tamperedState = Tool.make("test_input_required_result_tampered_state", {
  description: "Asks for a confirmation, with a state that nobody else can change",
  success: Schema.String,
  handler: () => Effect.map(Ask.one("confirm", confirmation), ({ ok }) => ok ? "Confirmed" : "Not confirmed")
})

const declaredKinds = Tool.make("test_input_required_result_capabilities", {
  description: "Asks what this client has declared that it can be asked",
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    const { client: { capabilities } } = yield* RequestContext.RequestContext
    const answers = yield* Ask.all({
      ...capabilities.elicitation === undefined ? undefined : { user_name: name },
      ...capabilities.sampling === undefined
        ? undefined
        : { greeting: Sampling.text("Generate a greeting", { maxTokens: 50 }) },
      ...capabilities.roots === undefined ? undefined : { client_roots: Roots.list }
    })
    return `Answered: ${Object.keys(answers).join(", ")}`
  })
})

const userContext = Prompt.make("test_input_required_result_prompt", {
  description: "Asks its user what the prompt is about",
  handler: Effect.fnUntraced(function*() {
    const { context } = yield* Elicitation.ask(
      "user_context",
      { context: Schema.String },
      { message: "What context should the prompt use?" }
    )
    return `Use the following context: ${context}`
  })
})

export const tools = [
  sampling,
  elicitation,
  defaults,
  enums,
  oneForm,
  oneSample,
  oneListOfRoots,
  requestState,
  multipleInputs,
  multiRound,
  tamperedState,
  declaredKinds
] as const

export const prompts = [userContext] as const
