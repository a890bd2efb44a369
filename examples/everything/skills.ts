/** A skill: what a model reads when it wants to try this server, and a file that its instructions speak of. */
import * as Skill from "fastmcp-effect/skills/Skill"
import * as Skills from "fastmcp-effect/skills/Skills"

const tryingOut = Skill.make("trying-out", {
  description: "How to try what this server can do, one call for each feature. Use it to test a client.",
  frontmatter: { license: "MIT", metadata: { "example.com/audience": "authors of clients" } },
  instructions: `# Trying out

1. Call \`add\` with two numbers, and compare the sum.
2. Read \`test://static-text\`.
3. Go through [the list](references/features.md), and call one tool of each kind.
`,
  files: {
    "references/features.md": `# Features

| kind      | tool                           |
| --------- | ------------------------------ |
| text      | \`test_simple_text\`             |
| a picture | \`test_image_content\`           |
| progress  | \`test_tool_with_progress\`      |
| a form    | \`test_elicitation\`             |
`
  }
})

export const extension = Skills.extension({ skills: [tryingOut] })
