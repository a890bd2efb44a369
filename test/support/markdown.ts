/** A table as the formatter would write it, so that a page can be compared with what it is made of. */
export const table = (head: ReadonlyArray<string>, body: ReadonlyArray<ReadonlyArray<string>>): string => {
  const lines = [head, ...body].map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|")))
  const widths = head.map((_, column) => Math.max(3, ...lines.map((cells) => cells[column]!.length)))
  const line = (cells: ReadonlyArray<string>) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`
  const rule = line(widths.map((width) => "-".repeat(width)))
  return [line(lines[0]!), rule, ...lines.slice(1).map(line)].join("\n")
}
