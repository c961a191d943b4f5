import { type Link, LinkError, type MessageKind } from "../link.ts";

/** How a message that went to every peer fared with one of them. */
export interface BroadcastResult {
  readonly peer: string;
  readonly ok: boolean;
  readonly ms: number;
  /** A sentence; where not ok. */
  readonly error?: string;
}

/**
 * Asks all links at once. Each result is there as soon as that link has answered, and all of them after `timeoutMs`: a dead peer
 * delays nobody. @param told called with each result as it comes
 */
export function broadcast(
  links: readonly Link[],
  message: { readonly kind: MessageKind; readonly body: Uint8Array },
  { timeoutMs = 10_000, told }: { readonly timeoutMs?: number; readonly told?: (result: BroadcastResult) => void } = {},
): Promise<readonly BroadcastResult[]> {
  return Promise.all(
    links.map(async (link) => {
      const from = performance.now();
      const peer = link.url ?? link.identity.nodeId;
      const result = await link.request(message.kind, message.body, { timeoutMs }).then(
        () => ({ peer, ok: true, ms: performance.now() - from }),
        (error: unknown) => {
          if (!(error instanceof LinkError)) throw error;
          return { peer, ok: false, ms: performance.now() - from, error: error.message };
        },
      );
      told?.(result);
      return result;
    }),
  );
}
