import { ChainCoreError } from "../errors.ts";

/** Ports behind the default one that are tried when it is taken. */
const PORTS_TRIED = 100;

export interface PortWish {
  readonly host: string;
  /** 0: any free one. Undefined: the default, or the next free one behind it. */
  readonly port: number | undefined;
  readonly defaultPort: number;
  /** The flag that a user can choose another one by. */
  readonly flag: string;
}

/**
 * Listens on the port that was asked for, or on the first free one from the default on.
 * @throws ChainCoreError port-in-use, port-refused
 */
export async function listenOnPort<R>(wish: PortWish, listen: (port: number) => Promise<R>): Promise<R> {
  const first = wish.port ?? wish.defaultPort;
  const last = wish.port ?? wish.defaultPort + PORTS_TRIED;
  for (let port = first; ; port++) {
    try {
      return await listen(port);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EADDRINUSE" && port < last) continue;
      throw portError(wish, port, code, error);
    }
  }
}

function portError({ host, flag }: PortWish, port: number, code: string | undefined, cause: unknown): ChainCoreError {
  const detail = { host, port };
  if (code === "EADDRINUSE") {
    const message = `port ${port} on ${host} is taken; choose another with ${flag}, or 0 for any free one`;
    return new ChainCoreError("port-in-use", message, { detail, cause });
  }
  const message = `cannot listen on ${host}:${port} (${code ?? "unknown"}); choose another with ${flag}`;
  return new ChainCoreError("port-refused", message, { detail, cause });
}
