/** How saved chain states look on a terminal. */
import type { RestoreAnswer, SnapshotAnswer } from "../core/client/index.ts";
import type { Column } from "./table.ts";
import { formatTime } from "./units.ts";

export const snapshotColumns: readonly Column<SnapshotAnswer>[] = [
  { title: "NAME", value: ({ name }) => name },
  { title: "HEIGHT", value: ({ height }) => height, align: "right" },
  { title: "FROM THE TIP", value: wayText },
  { title: "SAVED", value: ({ savedAt }) => formatTime(savedAt) },
  { title: "BLOCK", value: ({ hash }) => hash, mayShrink: true },
];

function wayText({ back, forward }: SnapshotAnswer): string {
  if (back === null || forward === null) return "its block is gone";
  const steps = [back > 0 ? `${back} back` : "", forward > 0 ? `${forward} forward` : ""].filter((step) => step !== "");
  return steps.length === 0 ? "here" : steps.join(", ");
}

export function restoreSentences({ snapshot, height, tip, disconnected, connected, parked, pooled }: RestoreAnswer): string[] {
  const moved = `${disconnected} blocks taken back, ${connected} connected`;
  const sentences = [
    `snapshot ${snapshot.name} is the tip, height ${height}: ${tip}`,
    `${moved}; ${pooled} transactions in the pool`,
  ];
  if (parked === null) return sentences;
  return [
    ...sentences,
    `parked: the branch to ${parked.hash} (height ${parked.height}), until a branch built here has more work`,
  ];
}
