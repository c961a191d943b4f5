/** One thing that was looked at. */
export type Finding = { readonly subject: string; readonly text: string } & (
  | { readonly state: "ok" }
  /** What to do about it. */
  | { readonly state: "warning" | "error"; readonly remedy: string }
);
