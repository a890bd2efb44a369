/** The style of the default pages. It is part of them, and its hash of their headers. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #f1f3f7; --card: #ffffff; --text: #171a21; --soft: #555d6d; --line: #dde1e9; --edge: #848d9f;
  --accent: #2450c8; --on-accent: #ffffff; --accent-strong: #1a3d9e; --tint: #eaf0ff;
  --warn: #fff5dc; --warn-line: #e3b341; --warn-text: #5c4200;
  --bad: #fdeceb; --bad-line: #d8443c; --bad-text: #8c1d18;
  --good: #e7f6ec; --good-text: #14602f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1115; --card: #191c22; --text: #eceef2; --soft: #a8b0bf; --line: #30353f; --edge: #737c8d;
    --accent: #8fb0ff; --on-accent: #0c1a40; --accent-strong: #b3c9ff; --tint: #1f2a45;
    --warn: #2e2612; --warn-line: #a67c1a; --warn-text: #f5dc9a;
    --bad: #351a19; --bad-line: #e0655e; --bad-text: #ffc4bf;
    --good: #14291c; --good-text: #93dcab;
  }
}
*, ::before, ::after { box-sizing: border-box }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100% }
body {
  margin: 0; min-height: 100vh; min-height: 100dvh; padding: 1.5rem 1rem 2.5rem;
  display: flex; flex-direction: column; align-items: center;
  background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  overflow-wrap: anywhere;
}
body::before { content: ""; flex: 1 }
body::after { content: ""; flex: 2 }
header { width: 100%; max-width: 27rem; margin: 0 0 1rem; font-weight: 600; color: var(--soft); text-align: center }
main {
  width: 100%; max-width: 27rem; padding: 2rem; border: 1px solid var(--line); border-radius: 1rem;
  background: var(--card); box-shadow: 0 1px 2px #0000000d, 0 8px 28px #00000012;
}
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; letter-spacing: -.01em }
h2 { margin: 1.5rem 0 .5rem; font-size: 1rem; line-height: 1.4 }
p { margin: .5rem 0 0 }
.soft { color: var(--soft) }
code { font: .9em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono", monospace }
.client { display: flex; gap: .875rem; align-items: flex-start; margin-top: 1.25rem }
.client > div { min-width: 0 }
.mark {
  flex: none; width: 3rem; height: 3rem; border-radius: .75rem; overflow: hidden;
  display: grid; place-items: center; background: var(--tint); color: var(--accent); font-size: 1.4rem; font-weight: 700;
}
.name { margin: 0; font-size: 1.2rem; font-weight: 700; line-height: 1.3 }
.badge {
  display: inline-block; margin: .25rem 0 0; padding: .1rem .55rem; border-radius: 1rem;
  background: var(--warn); color: var(--warn-text); font-size: .85rem; font-weight: 600;
}
.badge.good { background: var(--good); color: var(--good-text) }
dl { margin: 1.25rem 0 0; border: 1px solid var(--line); border-radius: .75rem }
dl > div { padding: .7rem .9rem }
dl > div + div { border-top: 1px solid var(--line) }
dt { color: var(--soft); font-size: .875rem }
dd { margin: .05rem 0 0; font-weight: 600 }
.note, .problem { margin: 1.25rem 0 0; padding: .75rem .9rem; border-left: .25rem solid; border-radius: .5rem }
.note { background: var(--warn); color: var(--warn-text); border-color: var(--warn-line) }
.problem { background: var(--bad); color: var(--bad-text); border-color: var(--bad-line); font-weight: 600 }
.scopes { margin: 0; padding: 0; list-style: none }
.scopes li { padding: .35rem 0 .35rem 1.75rem; position: relative }
.scopes li::before {
  content: ""; position: absolute; left: .3rem; top: .7rem; width: .4rem; height: .75rem;
  border: solid var(--accent); border-width: 0 .15rem .15rem 0; transform: rotate(40deg);
}
.scopes span { display: block; color: var(--soft); font-size: .875rem }
details { margin-top: .5rem; color: var(--soft); font-size: .9rem }
summary { min-height: 2.75rem; padding: .6rem 0; cursor: pointer; border-radius: .25rem }
details dl { margin: .25rem 0 0 }
details dd { font-weight: 400; color: var(--text) }
form { margin: 1rem 0 0 }
label { display: block; margin: 1rem 0 .4rem; font-weight: 600 }
input {
  display: block; width: 100%; min-height: 3rem; padding: .6rem .85rem; border: 1px solid var(--edge);
  border-radius: .625rem; background: var(--card); color: inherit; font: inherit;
}
input[aria-invalid] { border-color: var(--bad-line) }
input.code { font: 600 1.35rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; text-align: center;
  letter-spacing: .12em; text-transform: uppercase }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.25rem }
button, .buttons a {
  flex: 1 1 9rem; min-height: 3rem; padding: .6rem 1rem; border: 1px solid var(--edge); border-radius: .625rem;
  background: transparent; color: inherit; font: inherit; font-weight: 600; text-align: center; text-decoration: none;
  cursor: pointer;
}
.buttons a { display: grid; place-items: center }
button:hover { background: var(--tint) }
.main:is(button, a) { background: var(--accent); border-color: var(--accent); color: var(--on-accent) }
.main:is(button, a):hover { background: var(--accent-strong); border-color: var(--accent-strong) }
:focus-visible { outline: .1875rem solid var(--accent); outline-offset: .125rem }
input:focus-visible { outline-offset: -.0625rem }
@media (max-width: 30rem) {
  body { padding: 1rem .75rem 1.5rem }
  body::before { flex: 0 }
  main { padding: 1.5rem 1.25rem }
}
@media (forced-colors: active) {
  .badge, .mark { border: 1px solid }
}
`
