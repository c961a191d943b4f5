import { testJson } from "../support/test-data.ts";

/** A request to Bitcoin Core 31.1 and what it answered (chains/README.md). */
export interface Recorded {
  readonly n: number;
  readonly note: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly auth: "ok" | "bad" | "none";
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
  readonly response: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string };
  readonly volatile?: readonly string[];
}

export interface RecordedFile {
  readonly tip: string;
  readonly height: number;
  readonly mocktime: number;
  readonly requests: readonly Recorded[];
}

export interface RecordedCall {
  readonly recorded: Recorded;
  readonly method: string;
  readonly params: readonly unknown[];
  readonly result: unknown;
  readonly error: { readonly code: number; readonly message: string } | null;
}

export function recordedFile(): RecordedFile {
  return testJson<RecordedFile>("chains/open-1/rpc.json");
}

/** The plain ones among them: a single call, positional parameters. */
export function recordedCalls(): RecordedCall[] {
  return recordedFile().requests.flatMap((recorded) => {
    if (!/^\{.*"params":\[.*\}$/s.test(recorded.request.body)) return [];
    const { method, params } = JSON.parse(recorded.request.body) as { method: string; params: unknown[] };
    const { result, error } = JSON.parse(recorded.response.body || "{}") as Pick<RecordedCall, "result" | "error">;
    return [{ recorded, method, params, result, error: error ?? null }];
  });
}
