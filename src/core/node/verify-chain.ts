import type { VerifyAnswer } from "../client/answers.ts";
import type { Place } from "../client/find-node.ts";
import { askOrHost } from "./ask-or-host.ts";
import type { VerifyRange } from "./verify-stored.ts";

/** Has the session's node verify what it has stored, hosting it for as long where it does not run. @throws ChainCoreError as verifyStored */
export function verifyChain(place: Place, range: VerifyRange = {}): Promise<VerifyAnswer> {
  return askOrHost(place, (client) => client.post<VerifyAnswer>("/v1/verify", range));
}
