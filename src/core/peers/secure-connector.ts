import type { Socket } from "node:net";
import { getCACertificates, type TLSSocket } from "node:tls";
import type { buildConnector } from "undici";
import { pinOf, TLS_VERSION_MIN } from "./certificate.ts";
import { LinkError } from "./link.ts";

/** How a host that speaks TLS is known. */
export interface TlsIdentity {
  /** Of its certificate. Undefined: the system's authorities vouch for it, and for its name. */
  readonly pin: string | undefined;
  /** A name, or an address. */
  readonly host: string;
}

/** What makes TLS connections. Handshakes are few, as connections are kept: no session is resumed, so that each shows its certificate. */
export function tlsOptions({ pin, host }: TlsIdentity, isAddress: boolean): buildConnector.BuildOptions {
  return {
    allowH2: false,
    maxCachedSessions: 0,
    minVersion: TLS_VERSION_MIN,
    ...(isAddress ? {} : { servername: host }),
    // A pin says all: who signed the certificate, for which name and until when does not matter.
    ...(pin === undefined ? { ca: authorities() } : { rejectUnauthorized: false }),
  };
}

/** Why what stands behind a socket is not who it should be; before a byte of ours goes over it. */
export function strangerAt(socket: Socket, { pin }: TlsIdentity): LinkError | undefined {
  if (pin === undefined) return undefined; // node:tls has checked chain, dates and name.
  const shown = (socket as TLSSocket).getPeerX509Certificate();
  const found = shown === undefined ? undefined : pinOf(shown);
  if (found === pin) return undefined;
  const what = found === undefined ? "no certificate" : `another certificate, sha256=${found}`;
  return new LinkError(
    "peer-unsuitable",
    `it shows ${what}, and not the one that is pinned: it was made anew, or somebody else answers there`,
    {
      detail: { pin, found },
    },
  );
}

/** What went wrong at a connection, where TLS is the reason: a sentence for a person. Undefined for anything else. */
export function tlsFailure(error: Error): string | undefined {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return "its certificate is for another name; pin it by #sha256= instead";
  if (code === "CERT_HAS_EXPIRED") return "its certificate has expired";
  if (/^(DEPTH_ZERO_|SELF_SIGNED|UNABLE_TO_|CERT_)/.test(code))
    return `no authority that this machine knows vouches for its certificate (${code}); pin it: its node prints the URL with #sha256= when it starts`;
  if (/^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|RECORD_LAYER_FAILURE)$/.test(code))
    return "it does not speak TLS there; write http:// if it is a node without a certificate";
  if (code.startsWith("ERR_SSL_") || code === "EPROTO") return `no TLS connection came about (${error.message.split("\n")[0]})`;
  return undefined;
}

let known: string[] | undefined;

/** Node's own, those that the environment adds, and the system's: read once, when first needed. */
function authorities(): string[] {
  known ??= [...getCACertificates("default"), ...getCACertificates("system")];
  return known;
}
