import { ChainCoreError } from "../errors.ts";
import { ENGINE_NAMES, type EngineName, type SignatureEngine } from "./engine.ts";
import { findFfiEngine } from "./engine-ffi.ts";
import { findNativeEngine } from "./engine-native.ts";
import { pureEngine } from "./engine-pure.ts";

/** The engine of that name; undefined where this machine has not got it. */
export function findSignatureEngine(name: EngineName): SignatureEngine | undefined {
  if (name === "native") return findNativeEngine();
  return name === "ffi" ? findFfiEngine() : pureEngine;
}

/**
 * The one that CHAINCORE_SIGNATURES names, else the fastest that needs no experimental part of Node.
 * @throws ChainCoreError bad-environment when the one that is named is not here
 */
export function defaultSignatureEngine(): SignatureEngine {
  const wished = process.env["CHAINCORE_SIGNATURES"];
  if (wished === undefined || wished === "") return findNativeEngine() ?? pureEngine;
  const name = ENGINE_NAMES.find((name) => name === wished);
  const engine = name && findSignatureEngine(name);
  if (engine !== undefined) return engine;
  throw new ChainCoreError("bad-environment", `CHAINCORE_SIGNATURES=${wished}: ${reasonFor(name)}`, { detail: { wished } });
}

function reasonFor(name: EngineName | undefined): string {
  if (name === undefined) return `there is no such engine; it is one of ${ENGINE_NAMES.join(", ")}`;
  if (name === "native") return "the addon of secp256k1 does not load here; leave the variable out";
  return "it needs Node 26 (an early one with NODE_OPTIONS=--experimental-ffi), and libsecp256k1 from version 0.2 on (CHAINCORE_LIBSECP256K1 names its file)";
}
