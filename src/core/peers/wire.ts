/* Names that both sides of a link write into their HTTP messages. */

export const PATH = "/p2p/v1";
export const BODY_TYPE = "application/octet-stream";

export const HEADER = {
  /** The protocol's version: no browser sends it, so that no web page can speak to a peer port. */
  VERSION: "chaincore-peer",
  /** Names the link, from the listener's hello. A secret of these two. */
  LINK: "chaincore-link",
  /** Which question a reply belongs to. */
  REPLY: "chaincore-reply",
  /** Why a question is not answered. */
  REFUSAL: "chaincore-refusal",
  /** Whose hello is not welcome: one that is linked already, under another name, need not ask again. */
  INSTANCE: "chaincore-instance",
} as const;

/** The listener sends at least something down each stream this often... */
export const SIGN_OF_LIFE_MS = 2_500;
/** ...and the dialler gives up after this much silence. */
export const SILENCE_MS = 8_000;
