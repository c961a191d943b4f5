import type { LockDemoAnswer } from "../core/client/index.ts";
import { renderTable } from "./table.ts";

/** The story, what the node said, the figures that moved. */
export function renderLockDemo({ steps, refused, figures, conclusion }: LockDemoAnswer): string {
  const story = renderTable(
    [
      { title: "MS", value: ({ ms }) => ms.toFixed(1), align: "right" },
      { title: "STRAND", value: ({ strand }) => strand },
      { title: "", value: ({ text }) => text },
    ],
    steps,
  );
  const moved = renderTable(
    [
      { title: "FIGURE", value: ({ name }) => name },
      { title: "BEFORE", value: ({ before }) => before, align: "right" },
      { title: "AFTER", value: ({ after }) => after, align: "right" },
    ],
    figures,
  );
  const reports = refused.map(({ strand, message }) => `${strand} was told: ${message}`);
  return [story, ...reports, moved, conclusion].join("\n\n");
}
