import { Flags } from "@oclif/core";

/** What a hosted node can be told of its peers. */
export const peerFlags = {
  "p2p-port": Flags.integer({
    description: "port for other nodes; 0 takes any free one [default: 8000, or the next free one]",
    min: 0,
    max: 65_535,
    env: "CHAINCORE_P2P_PORT",
  }),
  "p2p-host": Flags.string({
    description: "address to listen on for other nodes; beyond this machine it needs --peer-token [default: 127.0.0.1]",
    env: "CHAINCORE_P2P_HOST",
  }),
  connect: Flags.string({ description: "a peer to link with, beside the session's nodes", helpValue: "URL", multiple: true }),
  "peer-token": Flags.string({
    description: "secret that all linked nodes share; it is proven and never sent",
    env: "CHAINCORE_PEER_TOKEN",
    noCacheDefault: true,
  }),
  "p2p-tls-cert": Flags.string({
    description: "certificate (PEM) for the peer port: it speaks https, and its URL carries the pin",
    helpValue: "FILE",
    env: "CHAINCORE_P2P_TLS_CERT",
  }),
  "p2p-tls-key": Flags.string({
    description: "private key (PEM) of that certificate",
    helpValue: "FILE",
    env: "CHAINCORE_P2P_TLS_KEY",
  }),
};

type PeerFlags = { readonly [Name in keyof typeof peerFlags]: unknown } & {
  readonly "p2p-port": number | undefined;
  readonly "p2p-host": string | undefined;
  readonly connect: string[] | undefined;
  readonly "peer-token": string | undefined;
  readonly "p2p-tls-cert": string | undefined;
  readonly "p2p-tls-key": string | undefined;
};

/** As startNode takes them. */
export function peerOptions(flags: PeerFlags) {
  return {
    p2pPort: flags["p2p-port"],
    p2pHost: flags["p2p-host"],
    connect: flags.connect,
    peerToken: flags["peer-token"],
    p2pTlsCert: flags["p2p-tls-cert"],
    p2pTlsKey: flags["p2p-tls-key"],
  };
}

/** A sentence where flags of the peer port were typed for a node that has opened its own already. */
export function idlePeerFlags(argv: readonly string[]): readonly string[] {
  const typed = argv.filter((word) => Object.keys(peerFlags).includes(word.replace(/^--|=.*$/g, "")));
  return typed.length === 0 ? [] : [`${typed.join(", ")}: passed over, for that node runs already and has its own peer port`];
}
