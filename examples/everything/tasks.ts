/**
 * Tools whose calls may go on as tasks, each with the same handler for a call and a task, and one that never does. A docket
 * in memory keeps them, so they end with this process.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { McpError, Tool } from "fastmcp-effect"
import { Ask, Background, Elicitation } from "fastmcp-effect/context"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as McpTasks from "fastmcp-effect/tasks/McpTasks"

const greet = Tool.make("greet", {
  description: "Greets somebody, and is no task ever",
  parameters: { name: Schema.String.annotate({ description: "Whom" }) },
  success: Schema.String,
  handler: ({ name }) => Effect.succeed(`Hello, ${name}!`)
})

const slowCompute = Tool.make("slow_compute", {
  description: "Takes its time; where that is none, it answers at once",
  parameters: {
    seconds: Schema.Finite.annotate({ description: "How long it takes" }),
    label: Schema.optionalKey(Schema.String.annotate({ description: "What the result says" }))
  },
  success: Schema.String,
  task: { support: "optional", start: "handler" },
  handler: ({ label = "done", seconds }) =>
    Effect.gen(function*() {
      if (seconds > 0) yield* Background.enter
      yield* Effect.sleep(seconds * 1000)
      return `${label}: computed for ${seconds} s`
    })
})

const failingJob = Tool.make("failing_job", {
  description: "Fails after a second, as a tool does",
  failure: Schema.String,
  task: "required",
  handler: () => Effect.andThen(Effect.sleep("1 second"), Effect.fail("It did not work out."))
})

const protocolErrorJob = Tool.make("protocol_error_job", {
  description: "Is refused after a second, as a request is",
  task: "optional",
  handler: () =>
    Effect.andThen(
      Effect.sleep("1 second"),
      Effect.fail(McpError.make(new McpError.Other({ code: -32000, message: "The job broke the protocol." })))
    )
})

const confirmDelete = Tool.make("confirm_delete", {
  description: "Deletes nothing, once its user has agreed",
  parameters: { filename: Schema.String.annotate({ description: "What would be deleted" }) },
  success: Schema.String,
  task: "optional",
  handler: ({ filename }) =>
    Effect.map(
      Ask.one(
        "confirm",
        Elicitation.form({ confirm: Schema.Boolean.annotate({ description: "Whether to delete it" }) }, {
          message: `Delete ${filename}?`
        })
      ),
      ({ confirm }) => confirm ? `${filename} would be deleted` : `${filename} stays`
    )
})

const form = (message: string) =>
  Elicitation.form({ name: Schema.String.annotate({ description: "Any name" }) }, { message })

const multiInput = Tool.make("multi_input", {
  description: "Asks two things at once",
  success: Schema.String,
  task: "optional",
  handler: () =>
    Effect.map(
      Ask.all({ first: form("What is the first name?"), second: form("And the second?") }),
      ({ first, second }) => `${first.name} and ${second.name}`
    )
})

const lateTask = Tool.make("test_tool_with_task", {
  description: "Asks for a name, and works on as a task",
  success: Schema.String,
  task: { support: "required", start: "handler" },
  handler: () =>
    Effect.gen(function*() {
      const { name } = yield* Ask.one("user_name", form("What is your name?"))
      yield* Background.enter
      yield* Effect.sleep("100 millis")
      return `Worked for ${name}`
    })
})

export const all = [greet, slowCompute, failingJob, protocolErrorJob, confirmDelete, multiInput, lateTask]

export const extension = McpTasks.extension({ list: "everybody", worker: { concurrency: 100, drain: "1 second" } })

export const docket = Docket.layerMemory()
