/** A number by its text: `0.00000100` and `1e-7` are not the same answer. */
interface NumberText {
  readonly text: string;
}

type Node = null | boolean | string | NumberText | Node[] | { [name: string]: Node };

/** The text of a JSON answer, with what may differ from node to node made equal: "result.usage" is left out, "order of result" sorted. */
export function withoutVolatile(body: string, paths: readonly string[]): string {
  if (paths.length === 0) return body;
  const root = JSON.parse(body, keepNumberText) as { [name: string]: Node };
  for (const path of paths) {
    const ordered = /^order of (.*)$/.exec(path)?.[1];
    const names = (ordered ?? path).split(".");
    const last = names.pop()!;
    const parent = names.reduce<{ [name: string]: Node }>((at, name) => at[name] as { [name: string]: Node }, root);
    parent[last] = ordered === undefined ? "volatile" : sorted(parent[last]!);
  }
  return JSON.stringify(root);
}

function keepNumberText(this: unknown, _name: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === "number" ? { text: context?.source } : value;
}

function sorted(node: Node): Node {
  if (Array.isArray(node)) return node.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return Object.fromEntries(Object.entries(node as object).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
