import { BlockList, isIP, SocketAddress } from "node:net";
import { ChainCoreError } from "../../errors.ts";
import type { Holds } from "../../locks/context.ts";
import { classOfAddress, plainAddress } from "../address-class.ts";
import { placeOf } from "../peer-url.ts";

/** Who is kept out, and for how long. At least one of address and instance is set. */
export interface Ban {
  /** An address or ADDRESS/BITS. Never one of this machine: every other node here would be banned with it. */
  readonly address: string | null;
  /** Of the node's process. */
  readonly instance: string | null;
  /** Where it was known to listen, without a pin: it is not dialled, whatever certificate it shows. */
  readonly url: string | null;
  readonly reason: string;
  /** Unix seconds. */
  readonly since: number;
  readonly until: number;
}

export interface Suspect {
  readonly address?: string | undefined;
  readonly instance?: string | undefined;
  readonly url?: string | null | undefined;
}

/** A day, as Bitcoin Core's default. */
export const BAN_SECONDS = 86_400;
/** Strangers can make us add to it: the ones that end first give way. */
const BANS_MAX = 10_000;

/** Guarded by PEERS; reads are plain and of one moment. */
export class BanList {
  #bans: readonly Ban[] = [];

  list(nowSeconds: number): readonly Ban[] {
    return this.#bans.filter(({ until }) => until > nowSeconds);
  }

  find({ address, instance, url }: Suspect, nowSeconds: number): Ban | undefined {
    return this.#bans.find(
      (ban) =>
        ban.until > nowSeconds &&
        ((ban.instance !== null && ban.instance === instance) ||
          (ban.url !== null && url != null && ban.url === placeOf(url)) ||
          (ban.address !== null && address !== undefined && covers(ban.address, address))),
    );
  }

  add(_at: Holds<"PEERS", "write">, ban: Ban): void {
    const kept = { ...ban, url: ban.url === null ? null : placeOf(ban.url) };
    const others = this.#bans.filter((other) => !isSame(other, kept) && other.until > kept.since);
    this.#bans = [...others, kept].sort((a, b) => b.until - a.until).slice(0, BANS_MAX);
  }

  /** Lifts what names exactly this address, instance or URL. @returns how many */
  lift(_at: Holds<"PEERS", "write">, name: string): number {
    const before = this.#bans.length;
    const [place = "", bits] = name.split("/");
    const asKept = isIP(place) === 0 ? name : spelled(place, bits);
    this.#bans = this.#bans.filter(
      ({ address, instance, url }) => address !== asKept && instance !== name && url !== placeOf(name),
    );
    return before - this.#bans.length;
  }

  clear(_at: Holds<"PEERS", "write">): void {
    this.#bans = [];
  }

  restore(_at: Holds<"PEERS", "write">, bans: readonly Ban[]): void {
    this.#bans = bans;
  }
}

/** An address or ADDRESS/BITS as it is kept. @throws ChainCoreError bad-address for anything else, and for this machine's own */
export function parseBanAddress(text: string): string {
  const [address = "", bits, ...rest] = text.split("/");
  const family = address.includes("%") || rest.length > 0 ? 0 : isIP(address);
  const isSound = family !== 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32)));
  if (!isSound) throw new ChainCoreError("bad-address", `${JSON.stringify(text)} is no address and no ADDRESS/BITS`);
  const kept = spelled(address, bits);
  if (classOfAddress(kept.split("/")[0]!) === "loopback" || covers(kept, "127.0.0.1") || covers(kept, "::1")) {
    throw new ChainCoreError(
      "bad-address",
      `${text} is this machine itself: every node here would be banned; ban a peer by its URL instead`,
    );
  }
  return kept;
}

/** One spelling for each place: 2001:DB8:0::1 is 2001:db8::1. A network keeps the family that its bits are counted in. */
function spelled(address: string, bits: string | undefined): string {
  const isLong = isIP(address) === 6 && !address.includes("%");
  const short = isLong ? new SocketAddress({ address, family: "ipv6" }).address : address;
  return bits === undefined ? plainAddress(short) : `${short}/${bits}`;
}

function covers(banned: string, address: string): boolean {
  const [network = "", bits] = banned.split("/");
  if (bits === undefined) return network === plainAddress(address);
  const list = new BlockList();
  list.addSubnet(network, Number(bits), isIP(network) === 6 ? "ipv6" : "ipv4");
  return list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

function isSame(a: Ban, b: Ban): boolean {
  return a.address === b.address && a.instance === b.instance && a.url === b.url;
}
