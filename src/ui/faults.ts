import { ChainCoreError } from "../core/errors.ts";

/** 200ms, 1.5s or 200, in milliseconds. @throws ChainCoreError bad-fault */
export function parseDelay(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*(ms|s)?$/.exec(text) ?? [];
  if (digits === undefined) throw new ChainCoreError("bad-fault", `${JSON.stringify(text)} is no delay; write 200ms or 1.5s`);
  return Number(digits) * (unit === "s" ? 1_000 : 1);
}

/** 5% or 0.05, as a share of 1. @throws ChainCoreError bad-fault */
export function parseShare(text: string): number {
  const [, digits, percent] = /^(\d+(?:\.\d+)?)\s*(%)?$/.exec(text) ?? [];
  const share = Number(digits) / (percent === undefined ? 1 : 100);
  if (digits === undefined || share > 1)
    throw new ChainCoreError("bad-fault", `${JSON.stringify(text)} is no share; write 5% or 0.05`);
  return share;
}
