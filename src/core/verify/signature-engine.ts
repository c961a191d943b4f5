import type { EngineName, SignatureEngine } from "./engine.ts";
import { findFfiEngine } from "./engine-ffi.ts";
import { findNativeEngine } from "./engine-native.ts";
import { pureEngine } from "./engine-pure.ts";

/** The engine of that name; undefined where this machine has not got it. */
export function findSignatureEngine(name: EngineName): SignatureEngine | undefined {
  if (name === "native") return findNativeEngine();
  return name === "ffi" ? findFfiEngine() : pureEngine;
}

/** The fastest engine that needs no experimental part of Node. */
export function defaultSignatureEngine(): SignatureEngine {
  return findNativeEngine() ?? pureEngine;
}
