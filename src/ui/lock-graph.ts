import type { LockGraphAnswer } from "../core/client/index.ts";
import { formatDuration } from "./units.ts";

type Strand = LockGraphAnswer["owners"][number];

const NOTHING = "no lock is held or waited for";

/** Each strand with what it holds, and what it waits for and who has that. */
export function graphText({ owners, edges }: LockGraphAnswer): string {
  if (owners.length === 0) return NOTHING;
  const blockers = (strand: Strand) => edges.filter(({ from }) => from === strand.owner).map(({ to }) => to);
  const linesOf = (strand: Strand) => [
    `${strand.owner} (thread ${strand.thread})`,
    ...strand.holds.map((hold) => {
      const since = hold.heldMs === undefined ? "" : `, for ${formatDuration(hold.heldMs)}`;
      return `  holds ${hold.lock} (${hold.mode}${at(hold.site)}${since})`;
    }),
    ...(strand.waitsFor === undefined ? [] : [`  waits for ${waitText(strand.waitsFor, blockers(strand))}`]),
  ];
  return owners.flatMap(linesOf).join("\n");
}

function waitText({ lock, mode, site }: NonNullable<Strand["waitsFor"]>, blockers: readonly string[]): string {
  const behind = blockers.length === 0 ? "behind others that wait" : `held by ${blockers.join(", ")}`;
  return `${lock} (${mode}${at(site)}), ${behind}`;
}

function at(site: string): string {
  return site === "" ? "" : `, at ${site}`;
}

/** For Graphviz: strands are boxes, locks are ellipses; a strand points at what it waits for, a lock at who holds it. */
export function graphDot(graph: LockGraphAnswer): string {
  const { strands, locks } = namesOf(graph);
  // A label may hold backslash escapes and character references.
  const quote = (text: string) => `"${text.replace(/["\\]/g, "\\$&").replace(/&/g, "&amp;").replace(/\r?\n/g, "\\n")}"`;
  return [
    "digraph locks {",
    "  rankdir=LR;",
    ...[...strands].map(([name, id]) => `  ${id} [shape=box, label=${quote(name)}];`),
    ...[...locks].map(([name, id]) => `  ${id} [shape=ellipse, label=${quote(name)}];`),
    ...arrowsOf(graph, ({ strand, lock, mode, waits }) =>
      waits
        ? `  ${strands.get(strand)} -> ${locks.get(lock)} [style=dashed, label=${quote(`waits to ${mode}`)}];`
        : `  ${locks.get(lock)} -> ${strands.get(strand)} [label=${quote(`held to ${mode}`)}];`,
    ),
    "}",
  ].join("\n");
}

/** The same for Mermaid, which GitHub and many editors draw. */
export function graphMermaid(graph: LockGraphAnswer): string {
  const { strands, locks } = namesOf(graph);
  // Everything that might mean something to Mermaid is written as its code point.
  const quote = (text: string) => `"${text.replace(/[^\p{L}\p{N} _.:/-]/gu, (char) => `#${char.codePointAt(0)};`)}"`;
  if (strands.size === 0) return `flowchart LR\n  nothing[${quote(NOTHING)}]`;
  return [
    "flowchart LR",
    ...[...strands].map(([name, id]) => `  ${id}[${quote(name)}]`),
    ...[...locks].map(([name, id]) => `  ${id}([${quote(name)}])`),
    ...arrowsOf(graph, ({ strand, lock, mode, waits }) =>
      waits
        ? `  ${strands.get(strand)} -.->|${quote(`waits to ${mode}`)}| ${locks.get(lock)}`
        : `  ${locks.get(lock)} -->|${quote(`held to ${mode}`)}| ${strands.get(strand)}`,
    ),
  ].join("\n");
}

interface Arrow {
  readonly strand: string;
  readonly lock: string;
  readonly mode: string;
  readonly waits: boolean;
}

function arrowsOf({ owners }: LockGraphAnswer, line: (arrow: Arrow) => string): string[] {
  return owners.flatMap(({ owner: strand, holds, waitsFor }) => [
    ...holds.map(({ lock, mode }) => line({ strand, lock, mode, waits: false })),
    ...(waitsFor === undefined ? [] : [line({ strand, lock: waitsFor.lock, mode: waitsFor.mode, waits: true })]),
  ]);
}

/** Names are anybody's; ids are ours. */
function namesOf({ owners }: LockGraphAnswer): { strands: Map<string, string>; locks: Map<string, string> } {
  const locks = new Set(
    owners.flatMap(({ holds, waitsFor }) => [...holds, ...(waitsFor ? [waitsFor] : [])].map(({ lock }) => lock)),
  );
  return {
    strands: new Map(owners.map(({ owner }, n) => [owner, `strand${n}`])),
    locks: new Map([...locks].map((name, n) => [name, `lock${n}`])),
  };
}
