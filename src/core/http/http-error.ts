import { ChainCoreError } from "../errors.ts";
import { STATUS_CODES } from "./node-http.ts";

/** A request that is answered with a status and nothing else to say; thrown by handlers, caught by the server. */
export class HttpError extends ChainCoreError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    options: { code?: string; headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    const code = options.code ?? (STATUS_CODES[status] ?? "http-error").toLowerCase().replaceAll(" ", "-");
    super(code, message, options.cause === undefined ? {} : { cause: options.cause });
    this.status = status;
    this.headers = options.headers ?? {};
  }
}
