import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { until } from "../server/wires.ts"
import { type Client, type Frame, type Id, settle } from "./client.ts"
import { errorOf, isRequest, resultOf } from "./frames.ts"
import { verifies } from "./verifies.ts"

interface Question {
  /** The id of a request, or the key of an input request. */
  readonly id: Id
  readonly method: string
  readonly params: any
}

type Respond = (question: Question) => object

interface Conversation {
  readonly questions: ReadonlyArray<Question>
  /** The results that asked for input (2026-07-28). */
  readonly rounds: ReadonlyArray<any>
  readonly answer: Frame
}

const isInputRequired = ({ result }: Frame): boolean => result?.resultType === "input_required"

const questionsOf = (result: any): ReadonlyArray<Question> =>
  Object.entries<any>(result.inputRequests ?? {}).map(([id, { method, params }]) => ({ id, method, params }))

/** A call, with every question answered in the way of the revision. */
const converse = (client: Client, name: string, respond: Respond): Effect.Effect<Conversation> =>
  client.isStateless ? inRounds(client, name, respond) : onConnection(client, name, respond)

const inRounds = (client: Client, name: string, respond: Respond) =>
  Effect.gen(function*() {
    const questions: Array<Question> = []
    const rounds: Array<any> = []
    let answer = yield* client.call(name)
    while (isInputRequired(answer)) {
      const { result } = answer
      assert.isBelow(rounds.push(result), 10)
      const asked = questionsOf(result)
      questions.push(...asked)
      answer = yield* client.request("tools/call", {
        name,
        arguments: {},
        inputResponses: Object.fromEntries(asked.map((question) => [question.id, respond(question)])),
        ...(result.requestState === undefined ? undefined : { requestState: result.requestState })
      })
    }
    return { questions, rounds, answer }
  })

const onConnection = (client: Client, name: string, respond: Respond) =>
  Effect.gen(function*() {
    const before = client.frames.length
    const call = client.start("tools/call", { name, arguments: {} })
    const asked = () => client.frames.slice(before).filter(isRequest) as ReadonlyArray<any>
    const answer = () => client.frames.slice(before).find(({ id, method }) => id === call && method === undefined)
    const questions: Array<Question> = []
    while (answer() === undefined) {
      yield* until(
        () => answer() !== undefined || asked().length > questions.length,
        () => `a question or an answer among ${JSON.stringify(client.frames)}`
      )
      for (const question of asked().slice(questions.length)) {
        questions.push(question)
        client.send({ jsonrpc: "2.0", id: question.id, result: respond(question) })
      }
    }
    return { questions, rounds: [], answer: answer()! }
  })

const textOf = ({ answer }: Conversation): string => resultOf(answer).content[0].text

const filled: Respond = ({ params }) => ({
  action: "accept",
  content: "name" in (params.requestedSchema?.properties ?? {}) ? { name: "Ada" } : { city: "London" }
})

const model: Respond = ({ params }) => ({
  role: "assistant",
  model: "m",
  content: { type: "text", text: `to: ${[params.messages[0].content].flat()[0].text}` }
})

const forms = { elicitation: { form: {} } }
const everything = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: {} }

const isId = (id: unknown) => typeof id === "string" || Number.isInteger(id)

verifies("base:server-request:id", { capabilities: { sampling: {} } }, (client) =>
  Effect.gen(function*() {
    const first = yield* converse(client, "asksModelTwice", model)
    const second = yield* converse(client, "asksModel", model)
    assert.strictEqual(textOf(first), "to: Say one to: Say two")
    const ids = [...first.questions, ...second.questions].map(({ id }) => id)
    assert.lengthOf(ids, 3)
    assert.isTrue(ids.every(isId), JSON.stringify(ids))
    assert.strictEqual(new Set(ids).size, 3)
  }))

verifies("elicitation:form", { capabilities: forms }, (client) =>
  Effect.gen(function*() {
    const conversation = yield* converse(client, "asksName", filled)
    assert.strictEqual(textOf(conversation), "Hello, Ada")
    assert.lengthOf(conversation.questions, 1)
    const [{ method, params }] = conversation.questions as [Question]
    assert.strictEqual(method, "elicitation/create")
    assert.include([undefined, "form"], params.mode)
    assert.strictEqual(params.message, "Who are you?")
    assert.strictEqual(params.requestedSchema.type, "object")
    assert.deepStrictEqual(params.requestedSchema.required, ["name"])
    assert.strictEqual(params.requestedSchema.properties.name.type, "string")
  }))

verifies("elicitation:url", { capabilities: { elicitation: { url: {} } } }, (client) =>
  Effect.gen(function*() {
    const conversation = yield* converse(client, "asksVisit", () => ({ action: "accept" }))
    assert.strictEqual(textOf(conversation), "visited")
    const [{ method, params }] = conversation.questions as [Question]
    assert.strictEqual(method, "elicitation/create")
    assert.strictEqual(params.mode, "url")
    assert.strictEqual(params.message, "Have a look")
    assert.strictEqual(new URL(params.url).href, "https://example.com/visit?a=1")
    assert.strictEqual(params.elicitationId, client.isStateless ? undefined : "visit-1")
  }))

const unasked = (client: Client, name: string) =>
  Effect.gen(function*() {
    const { answer, questions } = yield* converse(client, name, () => ({ action: "accept", content: {} }))
    assert.deepStrictEqual(questions, [], name)
    // The handler hears of it, or the call is refused.
    if (answer.error === undefined) assert.strictEqual(resultOf(answer).content[0].text, "Unsupported")
    else errorOf(answer, -32021)
  })

verifies("elicitation:undeclared", (client, { another, probe }) =>
  Effect.gen(function*() {
    yield* unasked(client, "asksName")
    yield* unasked(client, "asksVisit")
    yield* unasked(yield* another({ capabilities: forms }), "asksVisit")
    // An empty declaration has always meant forms.
    yield* unasked(yield* another({ capabilities: { elicitation: {} } }), "asksVisit")
    if (client.revision >= "2025-11-25") {
      yield* unasked(yield* another({ capabilities: { elicitation: { url: {} } } }), "asksName")
    }
    assert.deepStrictEqual(probe.events, [])
  }))

verifies("elicitation:declined", { capabilities: forms }, (client, { probe }) =>
  Effect.gen(function*() {
    const declined = yield* converse(client, "asksName", () => ({ action: "decline" }))
    assert.strictEqual(textOf(declined), "Declined")
    const cancelled = yield* converse(client, "asksName", () => ({ action: "cancel" }))
    assert.strictEqual(textOf(cancelled), "Dismissed")
    assert.deepStrictEqual(probe.events, [])
  }))

verifies("sampling:tools", { capabilities: { sampling: {} } }, (client, { another }) =>
  Effect.gen(function*() {
    yield* unasked(client, "asksModelWithTools")
    const capable = yield* another({ capabilities: { sampling: { tools: {} } } })
    const conversation = yield* converse(capable, "asksModelWithTools", model)
    assert.strictEqual(conversation.questions[0]!.params.tools[0].name, "weather")
    assert.strictEqual(textOf(conversation), "to: Rain?")
  }))

verifies("sampling:tool-results", { capabilities: everything }, (client, { probe }) =>
  Effect.gen(function*() {
    const conversation = yield* converse(client, "asksModelHalf", model)
    assert.deepStrictEqual(conversation.questions, [])
    assert.strictEqual(textOf(conversation), "InvalidQuestion")
    assert.deepStrictEqual(probe.events, [])
  }))

verifies("roots:list", { capabilities: { roots: {} } }, (client) =>
  Effect.gen(function*() {
    const roots = [{ uri: "file:///a", name: "a" }, { uri: "file:///b" }]
    const conversation = yield* converse(client, "asksRoots", () => ({ roots }))
    assert.deepStrictEqual(conversation.questions.map(({ method }) => method), ["roots/list"])
    assert.strictEqual(textOf(conversation), "file:///a,file:///b")
  }))

verifies("roots:undeclared", (client, { probe }) =>
  Effect.gen(function*() {
    yield* unasked(client, "asksRoots")
    assert.deepStrictEqual(probe.events, [])
  }))

verifies("mrtr:pattern", { capabilities: everything }, (client) =>
  Effect.gen(function*() {
    const methods: Array<string> = []
    for (const name of ["asksName", "asksVisit", "asksModel", "asksRoots"]) {
      const { result } = yield* client.call(name)
      assert.strictEqual(result.resultType, "input_required")
      methods.push(...questionsOf(result).map(({ method }) => method))
    }
    assert.deepStrictEqual(methods, [
      "elicitation/create",
      "elicitation/create",
      "sampling/createMessage",
      "roots/list"
    ])
    yield* settle
    assert.deepStrictEqual(client.frames.filter(isRequest), [])
  }))

verifies("mrtr:fields", { capabilities: everything }, (client) =>
  Effect.gen(function*() {
    const conversation = yield* converse(client, "asksTwo", filled)
    assert.strictEqual(textOf(conversation), "Ada in London")
    assert.lengthOf(conversation.questions, 2)
    const twice = yield* converse(client, "asksModelTwice", model)
    assert.strictEqual(textOf(twice), "to: Say one to: Say two")
    for (const round of [...conversation.rounds, ...twice.rounds]) {
      assert.isTrue(round.inputRequests !== undefined || round.requestState !== undefined)
      for (const request of Object.values<any>(round.inputRequests)) {
        assert.include(["elicitation/create", "sampling/createMessage", "roots/list"], request.method)
        for (const key of ["id", "jsonrpc"]) assert.notProperty(request, key)
      }
    }
    const keys = twice.questions.map(({ id }) => id)
    assert.strictEqual(new Set(keys).size, 2)
    assert.notProperty(conversation.rounds[0], "ttlMs")
  }))

verifies("mrtr:requests", { capabilities: everything }, (client) =>
  Effect.gen(function*() {
    const { result } = yield* client.call("asksName")
    const more = { inputResponses: { name: { action: "accept" } }, requestState: result.requestState }
    for (
      const [method, params] of [
        ["server/discover", {}],
        ["tools/list", {}],
        ["prompts/list", {}],
        ["resources/list", {}],
        ["resources/templates/list", {}],
        ["completion/complete", { ref: { type: "ref/prompt", name: "greet" }, argument: { name: "name", value: "" } }]
      ] as const
    ) {
      const answer = yield* client.request(method, params)
      assert.strictEqual(resultOf(answer).resultType, "complete", method)
      assert.isFalse(isInputRequired(yield* client.request(method, { ...params, ...more })), method)
    }
  }))

const retry = (client: Client, name: string, requestState: unknown) =>
  client.request("tools/call", {
    name,
    arguments: {},
    inputResponses: { second: model({ id: 0, method: "", params: { messages: [{ content: { text: "x" } }] } }) },
    requestState
  })

verifies("mrtr:state", { capabilities: everything }, (client, { probe }) =>
  Effect.gen(function*() {
    const { result } = yield* client.call("asksModelTwice")
    const { result: next } = yield* client.request("tools/call", {
      name: "asksModelTwice",
      arguments: {},
      inputResponses: { first: { role: "assistant", model: "m", content: { type: "text", text: "one" } } },
      ...(result.requestState === undefined ? undefined : { requestState: result.requestState })
    })
    const state: string = next.requestState
    assert.isString(state)
    const middle = state.length >> 1
    const flipped = state.slice(0, middle) + (state[middle] === "A" ? "B" : "A") + state.slice(middle + 1)
    for (const forged of [flipped, state.slice(0, -4), `${state}AAAA`, "nonsense", "", 7]) {
      errorOf(yield* retry(client, "asksModelTwice", forged), -32602)
    }
    // A state is for its own request, and no other.
    errorOf(yield* retry(client, "asksModel", state), -32602)
    assert.deepStrictEqual(probe.events, [])
    assert.strictEqual(resultOf(yield* retry(client, "asksModelTwice", state)).content[0].text, "one to: x")
  }))

verifies("mrtr:undeclared", { capabilities: { sampling: {} } }, (client, { another }) =>
  Effect.gen(function*() {
    for (const name of ["asksName", "asksTwo", "asksVisit", "asksRoots", "asksModelWithTools"]) {
      yield* unasked(client, name)
    }
    yield* unasked(yield* another(), "asksModel")
    assert.isTrue(isInputRequired(yield* client.call("asksModel")))
  }))

verifies("mrtr:unanswered", { capabilities: everything }, (client, { probe }) =>
  Effect.gen(function*() {
    for (let index = 0; index < 50; index++) assert.isTrue(isInputRequired(yield* client.call("asksName")))
    yield* settle
    assert.deepStrictEqual(probe.events, [])
    resultOf(yield* client.call("echo", { text: "still here" }))
    // The leak check that every test ends with would find a handler that waits.
    yield* client.close
  }))
