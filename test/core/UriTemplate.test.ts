import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { isDeepStrictEqual } from "node:util"
import * as UriTemplate from "../../src/core/UriTemplate.ts"

const parse = (template: string) => Result.getOrThrow(UriTemplate.parse(template))

const invert = (template: string) => Result.getOrThrow(UriTemplate.invert(parse(template)))

const match = (template: string, uri: string, options?: { readonly unsafe?: boolean }) =>
  UriTemplate.match(invert(template), uri, options)

const errorOf = (template: string): UriTemplate.Reason => {
  const result = Result.flatMap(UriTemplate.parse(template), UriTemplate.invert)
  assert.isTrue(Result.isFailure(result), `${template} should be refused`)
  return (result as Result.Failure<never, UriTemplate.UriTemplateError>).failure.reason
}

/** The variables of RFC 6570, section 3.2. */
const variables: UriTemplate.Values = {
  count: ["one", "two", "three"],
  dom: ["example", "com"],
  dub: "me/too",
  hello: "Hello World!",
  half: "50%",
  var: "value",
  who: "fred",
  base: "http://example.com/home/",
  path: "/foo/bar",
  list: ["red", "green", "blue"],
  keys: { semi: ";", dot: ".", comma: "," },
  v: "6",
  x: "1024",
  y: "768",
  empty: "",
  empty_keys: {},
  undef: undefined
}

const golden: { readonly [section: string]: ReadonlyArray<readonly [template: string, uri: string]> } = {
  "1.2, level 1": [["{var}", "value"], ["{hello}", "Hello%20World%21"]],
  "1.2, level 2": [
    ["{+var}", "value"],
    ["{+hello}", "Hello%20World!"],
    ["{+path}/here", "/foo/bar/here"],
    ["here?ref={+path}", "here?ref=/foo/bar"],
    ["X{#var}", "X#value"],
    ["X{#hello}", "X#Hello%20World!"]
  ],
  "1.2, level 3": [
    ["map?{x,y}", "map?1024,768"],
    ["{x,hello,y}", "1024,Hello%20World%21,768"],
    ["{+x,hello,y}", "1024,Hello%20World!,768"],
    ["{+path,x}/here", "/foo/bar,1024/here"],
    ["{#x,hello,y}", "#1024,Hello%20World!,768"],
    ["{#path,x}/here", "#/foo/bar,1024/here"],
    ["X{.var}", "X.value"],
    ["X{.x,y}", "X.1024.768"],
    ["{/var}", "/value"],
    ["{/var,x}/here", "/value/1024/here"],
    ["{;x,y}", ";x=1024;y=768"],
    ["{;x,y,empty}", ";x=1024;y=768;empty"],
    ["{?x,y}", "?x=1024&y=768"],
    ["{?x,y,empty}", "?x=1024&y=768&empty="],
    ["?fixed=yes{&x}", "?fixed=yes&x=1024"],
    ["{&x,y,empty}", "&x=1024&y=768&empty="]
  ],
  "1.2, level 4": [
    ["{var:3}", "val"],
    ["{var:30}", "value"],
    ["{list}", "red,green,blue"],
    ["{list*}", "red,green,blue"],
    ["{keys}", "semi,%3B,dot,.,comma,%2C"],
    ["{keys*}", "semi=%3B,dot=.,comma=%2C"],
    ["{+path:6}/here", "/foo/b/here"],
    ["{+list}", "red,green,blue"],
    ["{+list*}", "red,green,blue"],
    ["{+keys}", "semi,;,dot,.,comma,,"],
    ["{+keys*}", "semi=;,dot=.,comma=,"],
    ["{#path:6}/here", "#/foo/b/here"],
    ["{#list}", "#red,green,blue"],
    ["{#list*}", "#red,green,blue"],
    ["{#keys}", "#semi,;,dot,.,comma,,"],
    ["{#keys*}", "#semi=;,dot=.,comma=,"],
    ["X{.var:3}", "X.val"],
    ["X{.list}", "X.red,green,blue"],
    ["X{.list*}", "X.red.green.blue"],
    ["X{.keys}", "X.semi,%3B,dot,.,comma,%2C"],
    ["X{.keys*}", "X.semi=%3B.dot=..comma=%2C"],
    ["{/var:1,var}", "/v/value"],
    ["{/list}", "/red,green,blue"],
    ["{/list*}", "/red/green/blue"],
    ["{/list*,path:4}", "/red/green/blue/%2Ffoo"],
    ["{/keys}", "/semi,%3B,dot,.,comma,%2C"],
    ["{/keys*}", "/semi=%3B/dot=./comma=%2C"],
    ["{;hello:5}", ";hello=Hello"],
    ["{;list}", ";list=red,green,blue"],
    ["{;list*}", ";list=red;list=green;list=blue"],
    ["{;keys}", ";keys=semi,%3B,dot,.,comma,%2C"],
    ["{;keys*}", ";semi=%3B;dot=.;comma=%2C"],
    ["{?var:3}", "?var=val"],
    ["{?list}", "?list=red,green,blue"],
    ["{?list*}", "?list=red&list=green&list=blue"],
    ["{?keys}", "?keys=semi,%3B,dot,.,comma,%2C"],
    ["{?keys*}", "?semi=%3B&dot=.&comma=%2C"],
    ["{&var:3}", "&var=val"],
    ["{&list}", "&list=red,green,blue"],
    ["{&list*}", "&list=red&list=green&list=blue"],
    ["{&keys}", "&keys=semi,%3B,dot,.,comma,%2C"],
    ["{&keys*}", "&semi=%3B&dot=.&comma=%2C"]
  ],
  "3.2.1, variable expansion": [
    ["{count}", "one,two,three"],
    ["{count*}", "one,two,three"],
    ["{/count}", "/one,two,three"],
    ["{/count*}", "/one/two/three"],
    ["{;count}", ";count=one,two,three"],
    ["{;count*}", ";count=one;count=two;count=three"],
    ["{?count}", "?count=one,two,three"],
    ["{?count*}", "?count=one&count=two&count=three"],
    ["{&count*}", "&count=one&count=two&count=three"]
  ],
  "3.2.2, simple string expansion": [
    ["{half}", "50%25"],
    ["O{empty}X", "OX"],
    ["O{undef}X", "OX"],
    ["{x,y}", "1024,768"],
    ["?{x,empty}", "?1024,"],
    ["?{x,undef}", "?1024"],
    ["?{undef,y}", "?768"]
  ],
  "3.2.3, reserved expansion": [
    ["{+half}", "50%25"],
    ["{base}index", "http%3A%2F%2Fexample.com%2Fhome%2Findex"],
    ["{+base}index", "http://example.com/home/index"],
    ["O{+empty}X", "OX"],
    ["O{+undef}X", "OX"],
    ["up{+path}{var}/here", "up/foo/barvalue/here"]
  ],
  "3.2.4, fragment expansion": [
    ["{#var}", "#value"],
    ["{#hello}", "#Hello%20World!"],
    ["{#half}", "#50%25"],
    ["foo{#empty}", "foo#"],
    ["foo{#undef}", "foo"]
  ],
  "3.2.5, label expansion": [
    ["{.who}", ".fred"],
    ["{.who,who}", ".fred.fred"],
    ["{.half,who}", ".50%25.fred"],
    ["www{.dom*}", "www.example.com"],
    ["X{.empty}", "X."],
    ["X{.undef}", "X"],
    ["X{.empty_keys}", "X"],
    ["X{.empty_keys*}", "X"]
  ],
  "3.2.6, path segment expansion": [
    ["{/who}", "/fred"],
    ["{/who,who}", "/fred/fred"],
    ["{/half,who}", "/50%25/fred"],
    ["{/who,dub}", "/fred/me%2Ftoo"],
    ["{/var,empty}", "/value/"],
    ["{/var,undef}", "/value"]
  ],
  "3.2.7, path-style parameter expansion": [
    ["{;who}", ";who=fred"],
    ["{;half}", ";half=50%25"],
    ["{;empty}", ";empty"],
    ["{;v,empty,who}", ";v=6;empty;who=fred"],
    ["{;v,bar,who}", ";v=6;who=fred"],
    ["{;x,y,undef}", ";x=1024;y=768"]
  ],
  "3.2.8, form-style query expansion": [
    ["{?who}", "?who=fred"],
    ["{?half}", "?half=50%25"],
    ["{?x,y,undef}", "?x=1024&y=768"]
  ],
  "3.2.9, form-style query continuation": [
    ["{&who}", "&who=fred"],
    ["{&half}", "&half=50%25"],
    ["{&x,y,undef}", "&x=1024&y=768"]
  ]
}

describe("expand", () => {
  for (const [section, rows] of Object.entries(golden)) {
    it(`gives what RFC 6570 does in section ${section}`, () => {
      for (const [template, uri] of rows) {
        assert.strictEqual(UriTemplate.expand(parse(template), variables), uri, template)
      }
    })
  }

  it("percent-encodes text of the template that cannot stand in a URI", () => {
    assert.strictEqual(UriTemplate.expand(parse("/caf\u00e9/%e2/{x}"), variables), "/caf%C3%A9/%e2/1024")
  })

  it("keeps triplets in a reserved value and encodes a lone percent sign", () => {
    const expand = (value: string) => UriTemplate.expand(parse("{+v}"), { v: value })
    assert.strictEqual(expand("a%2fb"), "a%2fb")
    assert.strictEqual(expand("100%!"), "100%25!")
    assert.strictEqual(expand("\u{1f600}\""), "%F0%9F%98%80%22")
  })

  it("counts a prefix in characters, and does not cut a list", () => {
    assert.strictEqual(UriTemplate.expand(parse("{v:2}"), { v: "\u{1f600}\u00e9x" }), "%F0%9F%98%80%C3%A9")
    assert.strictEqual(UriTemplate.expand(parse("{list:2}"), variables), "red,green,blue")
  })

  it("takes no value from a prototype, and survives half a surrogate pair", () => {
    assert.strictEqual(UriTemplate.expand(parse("a{?toString,constructor,__proto__}"), {}), "a")
    assert.strictEqual(UriTemplate.expand(parse("{v}{+v}"), { v: "\ud800" }), "%EF%BF%BD%EF%BF%BD")
  })
})

describe("parse", () => {
  const malformed: ReadonlyArray<readonly [template: string, position: number, problem: RegExp]> = [
    ["a/{id", 2, /never closed/],
    ["a/id}", 4, /closes nothing/],
    ["{}", 1, /no name/],
    ["{?}", 2, /no name/],
    ["{a,}", 3, /no name/],
    ["{a,,b}", 3, /no name/],
    ["{a{b}}", 1, /not a variable/],
    ["{a b}", 1, /not a variable/],
    ["{a-b}", 1, /not a variable/],
    ["{.a..b}", 2, /not a variable/],
    ["{a.}", 1, /not a variable/],
    ["{a:0}", 1, /not a variable/],
    ["{a:10000}", 1, /not a variable/],
    ["{a:}", 1, /not a variable/],
    ["{a*:3}", 1, /not a variable/],
    ["{a**}", 1, /not a variable/],
    ["{x,a%2}", 3, /not a variable/],
    ["{\u00e9}", 1, /not a variable/],
    ["{=a}", 1, /operator = is reserved/],
    ["x{!a}", 2, /operator ! is reserved/],
    ["{|a}", 1, /operator \| is reserved/],
    ["{-a}", 1, /not a variable/],
    ["a b", 1, /percent-encoded/],
    ["a\\b", 1, /percent-encoded/],
    ["a<{b}", 1, /percent-encoded/],
    ["a\u0000", 1, /percent-encoded/],
    ["100%", 3, /two hexadecimal/],
    ["a%zz", 1, /two hexadecimal/],
    ["a\ud800", 1, /percent-encoded/]
  ]

  for (const [template, position, problem] of malformed) {
    it(`refuses ${JSON.stringify(template)}, and says where it is wrong`, () => {
      const reason = errorOf(template)
      assert.strictEqual(reason._tag, "Malformed")
      assert.strictEqual(reason.position, position)
      assert.match(reason.problem, problem)
      assert.strictEqual(reason.template, template)
    })
  }

  it("takes all that RFC 6570 calls a name", () => {
    const [expression] = parse("{?a.b_C9.d,%20x*,_:9999}").parts
    assert.deepInclude(expression, {
      operator: "?",
      variables: [
        { name: "a.b_C9.d", explode: false, prefix: undefined },
        { name: "%20x", explode: true, prefix: undefined },
        { name: "_", explode: false, prefix: 9999 }
      ]
    })
  })

  it("has an error a person can act on", () => {
    const result = UriTemplate.parse("notes://{id")
    assert.isTrue(Result.isFailure(result))
    assert.strictEqual(
      Result.isFailure(result) && result.failure.message,
      "The URI template \"notes://{id\" is malformed: at 8, the { is never closed"
    )
  })
})

describe("invert", () => {
  const ambiguous: ReadonlyArray<readonly [template: string, position: number, problem: RegExp]> = [
    ["{a}{b}", 3, /where \{a\} ends and \{b\} begins/],
    ["{a}-{b}", 4, /where \{a\} ends/],
    ["{a}.{b}", 4, /where \{a\} ends/],
    ["{a}%2F{b}", 6, /where \{a\} ends/],
    ["{name}{.ext}", 6, /where \{name\} ends and \{\.ext\} begins/],
    ["{x}{+y}", 3, /where \{x\} ends/],
    ["{+x}{y}", 4, /only fixed text/],
    ["{+x}/{y}", 5, /only fixed text/],
    ["{+path}{?q}", 7, /only fixed text/],
    ["{#f}{?q}", 4, /only fixed text/],
    ["{/a}{/b}", 4, /where \{\/a\} ends/],
    ["{/a*}/{b}", 6, /where \{\/a\*\} ends/],
    ["{?a}{&b}", 4, /where \{\?a\} ends/],
    ["{;a}{;b}", 4, /where \{;a\} ends/],
    ["{/a}{?q}x", 8, /where \{\/a\} ends and x begins/],
    ["{a}/{a}", 4, /a is there twice/],
    ["{?a,a}", 0, /a is there twice/],
    ["x{a:3}", 1, /keeps only the beginning/],
    ["{+a,b}", 0, /may hold the ,/],
    ["{+a*}", 0, /may hold the ,/],
    ["{#a,b}", 0, /may hold the ,/],
    ["{.a,b}", 0, /may hold the \./],
    ["{.a*}", 0, /may hold the \./],
    ["{a,b*}", 0, /the list b/],
    ["{/a,b*}", 0, /the list b/]
  ]

  for (const [template, position, problem] of ambiguous) {
    it(`refuses ${template}`, () => {
      const reason = errorOf(template)
      assert.strictEqual(reason._tag, "Ambiguous")
      assert.strictEqual(reason.position, position)
      assert.match(reason.problem, problem)
    })
  }

  it("says what to do instead", () => {
    const result = UriTemplate.invert(parse("repo://{a}-{b}"))
    assert.strictEqual(
      Result.isFailure(result) && result.failure.message,
      "The URI template \"repo://{a}-{b}\" cannot be matched: at 11, nothing tells where {a} ends and {b} begins; " +
        "put a character between them that values hold only percent-encoded, such as /"
    )
  })
})

// ----------------------------------------------------------------------------
// the law
// ----------------------------------------------------------------------------

const literals = ["/", "-", ".", "a", "/a", "a/", "x=", ",", ":", "?", "&"]

const expressions = [
  "{N}",
  "{N*}",
  "{N,M}",
  "{+N}",
  "{#N}",
  "{.N}",
  "{/N}",
  "{/N,M}",
  "{/N*}",
  "{;N}",
  "{;N,M}",
  "{;N*}",
  "{?N,M}",
  "{?N*}",
  "{?N,M*}",
  "{&N}"
]

/** Values that try to look like what surrounds them. */
const hard = ["a", "", "-.a", "/a", "?x=a,&:;#"]

/** The values a variable can be given for an expression of this form, `undefined` for none. */
const domain = (expression: string): ReadonlyArray<UriTemplate.Values> => {
  const text = hard
  const lists = [["a"], ["a", ""], ["-", "/a", ","]]
  const optional = <A>(values: ReadonlyArray<A>) => [undefined, ...values]
  const one = (values: ReadonlyArray<UriTemplate.Value | undefined>) => values.map((N) => ({ N }))
  const two = (
    first: ReadonlyArray<UriTemplate.Value | undefined>,
    second: ReadonlyArray<UriTemplate.Value | undefined>
  ) => first.flatMap((N) => second.map((M) => ({ N, M })))
  switch (expression) {
    case "{N}":
    case "{+N}":
      return one(text.filter((value) => value !== ""))
    case "{N*}":
      return one(lists)
    case "{N,M}":
      return two(text, text)
    case "{/N,M}":
      return [{}, ...two(text, text)]
    case "{/N*}":
      return one(optional(lists))
    case "{;N*}":
    case "{?N*}":
      return one(optional<UriTemplate.Value>([...lists, { k: "v", "a&": "" }]))
    case "{;N,M}":
    case "{?N,M}":
      return two(optional(text.slice(1)), optional(text.slice(0, 3)))
    case "{?N,M*}":
      return two(optional(text.slice(1)), optional(lists))
    default:
      return one(optional(text))
  }
}

const present = (values: UriTemplate.Values): { readonly [name: string]: UriTemplate.Value } =>
  Object.fromEntries(Object.entries(values).flatMap(([name, value]) => value === undefined ? [] : [[name, value]]))

/** Every way to join up to `length` parts, with names of their own. */
const templates = (length: number): ReadonlyArray<ReadonlyArray<string>> =>
  length === 0
    ? [[]]
    : templates(length - 1).flatMap((parts) =>
      parts.length < length - 1
        ? [parts]
        : [parts, ...[...literals, ...expressions].map((part) => [...parts, part])]
    )

const named = (text: string, index: number) => text.replaceAll(/[NM]/g, (letter) => `${letter}${index}`)

/** Every choice of values for a template, some of them if there are many. */
const assignments = (parts: ReadonlyArray<string>, limit: number): ReadonlyArray<UriTemplate.Values> => {
  let all: ReadonlyArray<UriTemplate.Values> = [{}]
  for (const [index, part] of parts.entries()) {
    if (!part.startsWith("{")) continue
    all = all.flatMap((values) =>
      domain(part).map((own) => ({
        ...values,
        ...Object.fromEntries(Object.entries(own).map(([name, value]) => [`${name}${index}`, value]))
      }))
    )
    if (all.length > limit) all = all.filter((_, index) => index % Math.ceil(all.length / limit) === 0)
  }
  return all
}

describe("match", () => {
  it("is the inverse of expand in every template of up to three parts that can be inverted", () => {
    let inverted = 0
    let refused = 0
    for (const parts of templates(3)) {
      const source = parts.map(named).join("")
      const result = UriTemplate.invert(parse(source))
      if (Result.isFailure(result)) {
        refused++
        continue
      }
      inverted++
      for (const values of assignments(parts, 24)) {
        const uri = UriTemplate.expand(result.success, values)
        const found = UriTemplate.match(result.success, uri, { unsafe: true })
        if (!isDeepStrictEqual(found, present(values))) {
          assert.deepStrictEqual(found, present(values), `${source} -> ${uri}`)
        }
      }
    }
    assert.isAbove(inverted, 3000)
    assert.isAbove(refused, 3000)
  }, 60_000)

  it("refuses no template of one expression with text around it for another reason than its own separator", () => {
    for (const expression of expressions) {
      for (const [before, after] of [["", ""], ["a/", ""], ["a/", "a"], ["x", ".json"], ["", "-a.b"]]) {
        assert.isTrue(
          Result.isSuccess(UriTemplate.invert(parse(`${before}${expression}${after}`))),
          `${before}${expression}${after}`
        )
      }
    }
  })

  const text = Arbitrary.schema(Schema.String).pipe(Arbitrary.map((value) => value.toWellFormed()))
  const full = Arbitrary.schema(Schema.NonEmptyString).pipe(Arbitrary.map((value) => value.toWellFormed()))
  const list = Arbitrary.schema(Schema.NonEmptyArray(Schema.String)).pipe(
    Arbitrary.map((items) => items.map((item) => item.toWellFormed()))
  )

  it.prop("gives any text back as it was", [full, full, text, list, text], ([a, b, c, path, q]) => {
    const template = invert("notes://{a}/x-{b}.json{;c}{/path*}{?q}")
    const values = { a, b, c, path, q }
    assert.deepStrictEqual(
      UriTemplate.match(template, UriTemplate.expand(template, values), { unsafe: true }),
      values
    )
  })

  it.prop(
    "gives a reserved value back unless it holds a triplet of its own",
    [full],
    ([text]) => {
      const path = text.replaceAll("%", "%.")
      const template = invert("file:///{+path}.md")
      assert.deepStrictEqual(UriTemplate.match(template, UriTemplate.expand(template, { path }), { unsafe: true }), {
        path
      })
    }
  )

  it.prop(
    "gives a map back",
    [Arbitrary.schema(Schema.Record(Schema.String, Schema.String))],
    ([record]) => {
      const filter = Object.fromEntries(
        Object.entries(record).filter(([key]) => key !== "" && key !== "filter")
          .map(([key, value]) => [key.toWellFormed(), value.toWellFormed()])
      )
      const template = invert("db://rows{?filter*}")
      const found = UriTemplate.match(template, UriTemplate.expand(template, { filter }), { unsafe: true })
      assert.deepStrictEqual(found, Object.keys(filter).length === 0 ? {} : { filter })
    }
  )

  it.prop("never finds other values than those it was given", [text, text], ([a, b]) => {
    for (const source of ["{a}/{b}", "{a,b}", "{/a,b}", "{/a}{?b}", "{?a,b}", "{;a}{?b}", "x{/a}/y{#b}"]) {
      const template = invert(source)
      for (const values of [{ a, b }, { a }, { b }, {}]) {
        const found = UriTemplate.match(template, UriTemplate.expand(template, values), { unsafe: true })
        if (found !== undefined) assert.deepStrictEqual(found, values, source)
      }
    }
  })

  it.prop("answers any text, and does not throw", [text, Arbitrary.schema(Schema.String)], ([uri, raw]) => {
    for (const source of ["{a}", "{+a}", "x{/a*}", "{?a*}", "{;a,b}", "{a}.json{#f}"]) {
      const template = invert(source)
      for (const input of [uri, raw, `x/${raw}`, `?${uri}`, `;a=${raw}`]) {
        const found = UriTemplate.match(template, input)
        assert.isTrue(found === undefined || found === "Unsafe" || typeof found === "object")
      }
    }
  })

  it("finds no empty value where there is one place for it", () => {
    assert.isUndefined(match("users/{id}", "users/"))
    assert.isUndefined(match("file:///{+path}", "file:///"))
    assert.isUndefined(match("tags/{list*}", "tags/"))
    assert.deepStrictEqual(match("users{/id}", "users/"), { id: "" })
    assert.deepStrictEqual(match("users{/id}", "users"), {})
  })

  it("reads a query in any order, with what is there and nothing else", () => {
    const query = (uri: string) => match("s://q{?a,b,c*}", uri)
    assert.deepStrictEqual(query("s://q"), {})
    assert.deepStrictEqual(query("s://q?b=2&a=1"), { a: "1", b: "2" })
    assert.deepStrictEqual(query("s://q?c=x&b=&c=y"), { b: "", c: ["x", "y"] })
    assert.deepStrictEqual(query("s://q?a"), { a: "" })
    assert.isUndefined(query("s://q?a=1&d=4"))
    assert.isUndefined(query("s://q?a=1&a=2"))
    assert.isUndefined(query("s://q?"))
    assert.isUndefined(query("s://q?a=1&"))
    assert.isUndefined(query("s://q&a=1"))
    assert.deepStrictEqual(query("s://q?a=x/y?z+%26"), { a: "x/y?z+&" })
  })

  it("tells a list from a map by the name", () => {
    assert.deepStrictEqual(match("s{?p*}", "s?p=a&p=b"), { p: ["a", "b"] })
    assert.deepStrictEqual(match("s{?p*}", "s?x=a&y=b"), { p: { x: "a", y: "b" } })
    assert.isUndefined(match("s{?p*}", "s?x=a&x=b"))
    assert.isUndefined(match("s{?p*}", "s?p=a&x=b"))
    const found = match("s{?p*}", "s?__proto__=a")
    assert.deepStrictEqual(Object.entries((found as { p: object }).p), [["__proto__", "a"]])
    assert.deepStrictEqual(Object.keys(match("s/{__proto__}", "s/a") as object), ["__proto__"])
  })

  it("takes a URI somebody wrote by hand without percent-encoding", () => {
    assert.deepStrictEqual(match("mail://{address}/x", "mail://ann+b@example.com/x"), { address: "ann+b@example.com" })
    assert.deepStrictEqual(match("w://{city}", "w://S\u00e3o Paulo"), { city: "S\u00e3o Paulo" })
    assert.deepStrictEqual(match("w://{city}", "w://a,b"), { city: "a,b" })
    assert.deepStrictEqual(match("/caf\u00e9/{x}", "/caf\u00e9/1"), { x: "1" })
    assert.deepStrictEqual(match("/caf\u00e9/{x}", "/caf%c3%a9/1"), { x: "1" })
    assert.isUndefined(match("w://{city}", "w://a?b"))
    assert.isUndefined(match("w://{city}", "w://a#b"))
  })

  it("does not match what cannot be decoded", () => {
    for (const uri of ["u/%", "u/%zz", "u/%ff", "u/%c3%28", "u/\ud800"]) assert.isUndefined(match("u/{a}", uri), uri)
    assert.isUndefined(match("u{?a*}", "u?%ff=1"))
  })

  it("matches the whole URI, by case", () => {
    assert.isUndefined(match("a/{b}", "a/b/c"))
    assert.isUndefined(match("a/{b}", "xa/b"))
    assert.isUndefined(match("a/{b}/", "a/b"))
    assert.isUndefined(match("a/{b}", "A/b"))
    assert.deepStrictEqual(match("a/b", "a/b"), {})
    assert.isUndefined(match("a/b", "a/b?"))
  })

  it("refuses values that could lead a path astray, unless it is told not to", () => {
    const unsafe: ReadonlyArray<readonly [template: string, uri: string]> = [
      ["f/{a}", "f/.."],
      ["f/{a}", "f/%2e%2E"],
      ["f/{a}", "f/x%2Fy"],
      ["f/{a}", "f/x%5Cy"],
      ["f/{a}", "f/x%00"],
      ["f/{a*}", "f/x,y%2fz"],
      ["f{/a*}", "f/x/../y"],
      ["f{/a*}", "f/x/y%2Fz"],
      ["f{.a}", "f.x%2Fy"],
      ["f{;a}", "f;a=x%2Fy"],
      ["f/{+a}", "f/x/../y"],
      ["f/{+a}", "f/.."],
      ["f/{+a}", "f/..%2Fetc"],
      ["f/{+a}", "f/x%5C..%5Cy"],
      ["f/{+a}", "f/x%00y"],
      ["f{#a}", "f#../x"],
      ["f{?a}", "f?a=../../etc"],
      ["f{?a}", "f?a=%00"],
      ["f{?a*}", "f?a=x&a=.."],
      ["f{?a*}", "f?..%2Fx=y"]
    ]
    for (const [template, uri] of unsafe) {
      assert.strictEqual(match(template, uri), "Unsafe", `${template} ${uri}`)
      assert.isObject(match(template, uri, { unsafe: true }), `${template} ${uri}`)
    }
    const safe: ReadonlyArray<readonly [template: string, uri: string]> = [
      ["f/{a}", "f/..."],
      ["f/{a}", "f/a..b"],
      ["f/{a}", "f/%252e%252e"],
      ["f/{+a}", "f/x/y..z/.hidden"],
      ["f{?a}", "f?a=x%2Fy"],
      ["f{/a*}", "f/x/y"]
    ]
    for (const [template, uri] of safe) assert.isObject(match(template, uri), `${template} ${uri}`)
    assert.isUndefined(match("f/{a}/x", "f/../y"), "what does not match is not unsafe")
  })

  it("takes time linear in a hostile URI", () => {
    const size = 100_000
    const sources = [
      "{a}",
      "{+a}.json",
      "{a}-aa.json{?q}",
      "x{/a*}",
      "x{/a*}/aa.json",
      "x{?a*}",
      "x{?a,b*}",
      "x{;a*}",
      "{a,b}",
      "{a*}"
    ]
    const pieces = [
      "a",
      "/",
      "/a",
      "-aa.jso",
      "-aa.json",
      "%",
      "%2",
      "%25",
      "%41",
      ",",
      "&a=",
      "&b=1",
      "?",
      "..",
      "../",
      "=",
      ";",
      "\u00e9",
      " "
    ]
    let matched = 0
    let slowest = 0
    for (const source of sources) {
      const template = invert(source)
      for (const piece of pieces) {
        for (const start of ["", "x"]) {
          const uri = start + piece.repeat(size / piece.length)
          const began = performance.now()
          if (UriTemplate.match(template, uri) !== undefined) matched++
          slowest = Math.max(slowest, performance.now() - began)
        }
      }
    }
    assert.isAbove(matched, 40)
    // Ten thousand million steps, as many as a quadratic match would take, need longer.
    assert.isBelow(slowest, 2000, "milliseconds for 100 KB")
  }, 120_000)
})

describe("compare", () => {
  it("puts the more specific template first", () => {
    const sorted = [
      "{+any}",
      "notes://{+path}",
      "notes://{id}",
      "notes://{id}/{part}",
      "notes://special",
      "notes://{id}/raw"
    ].map(parse).sort(UriTemplate.compare).map(({ source }) => source)
    assert.deepStrictEqual(sorted, [
      "notes://special",
      "notes://{id}/raw",
      "notes://{id}/{part}",
      "notes://{id}",
      "notes://{+path}",
      "{+any}"
    ])
  })

  it("prefers fewer variables where the text is equally long, and leaves equals in their order", () => {
    assert.isBelow(UriTemplate.compare(parse("ab{x}"), parse("a{x}b{?y}")), 0)
    assert.strictEqual(UriTemplate.compare(parse("a/{x}"), parse("b/{y}")), 0)
  })
})
