import type { Transaction } from "../primitives/transaction.ts";
import type { ScriptFlags } from "./flags.ts";
import type { ScriptError } from "./script-error.ts";
import { ScriptReader } from "./script-reader.ts";
import type { SighashCache } from "./sighash-cache.ts";
import { sighashLegacy } from "./sighash-legacy.ts";
import { sighashSegwit } from "./sighash-segwit.ts";
import type { SignatureChecker } from "./signature-checker.ts";

/** Which rules a script runs under. */
export type ScriptVersion = "base" | "witness-v0" | "tapscript";

/** The input that is being spent, and with what its signatures are checked. */
export interface Spend {
  readonly tx: Transaction;
  readonly inputIndex: number;
  readonly flags: ScriptFlags;
  readonly checker: SignatureChecker;
  readonly sighashes: SighashCache;
}

/** What taproot remembers while it runs. */
export interface TaprootState {
  readonly annexHash: Uint8Array | undefined;
  readonly leafHash: Uint8Array;
  /** BIP342: weight that signatures may still use up. */
  weightLeft: number;
}

/** One step of a script. */
export type Operation = (machine: Machine) => ScriptError;
export type OperationTable = readonly (readonly [opcode: number, operation: Operation])[];

/** `operation` where the stack holds at least `count` elements. */
export function needs(count: number, operation: Operation): Operation {
  return (machine) => (machine.stack.length < count ? "INVALID_STACK_OPERATION" : operation(machine));
}

/** An operation that cannot fail. */
export function does(effect: (machine: Machine) => void): Operation {
  return (machine) => {
    effect(machine);
    return "OK";
  };
}

/** One run of one script. Elements are never changed in place, so that stack, script and witness may share bytes. */
export class Machine {
  readonly spend: Spend;
  readonly flags: ScriptFlags;
  readonly version: ScriptVersion;
  readonly taproot: TaprootState | undefined;
  readonly stack: Uint8Array[];
  readonly altStack: Uint8Array[] = [];
  readonly reader: ScriptReader;
  /** Counted towards OPERATIONS_MAX. */
  operationCount = 0;
  /** Index of the current operation. */
  operationIndex = 0;
  /** Index of the last executed OP_CODESEPARATOR, as tapscript signs it. */
  separatorIndex = 0xffffffff;
  #codeStart = 0;
  #scriptCode: Uint8Array | undefined;
  #lastSighash: Uint8Array | undefined;
  #lastCode: Uint8Array | undefined;
  #lastType = 0;
  /** Open OP_IFs, and how many of them stand outside of the outermost one that is false; -1 when none is. */
  #depth = 0;
  #firstFalse = -1;

  constructor(spend: Spend, script: Uint8Array, stack: Uint8Array[], version: ScriptVersion, taproot?: TaprootState) {
    this.spend = spend;
    this.flags = spend.flags;
    this.version = version;
    this.taproot = taproot;
    this.stack = stack;
    this.reader = new ScriptReader(script);
  }

  push(element: Uint8Array): void {
    this.stack.push(element);
  }

  /** The caller has checked that there is one. */
  pop(): Uint8Array {
    return this.stack.pop()!;
  }

  /** The element `depth` below the top, which is 1. */
  top(depth: number): Uint8Array {
    return this.stack[this.stack.length - depth]!;
  }

  has(flag: ScriptFlags): boolean {
    return (this.flags & flag) !== 0;
  }

  /** What a signature covers of this script: all behind the last executed OP_CODESEPARATOR. The same object until the next one. */
  get scriptCode(): Uint8Array {
    this.#scriptCode ??= this.#codeStart === 0 ? this.reader.script : this.reader.script.subarray(this.#codeStart);
    return this.#scriptCode;
  }

  separate(): void {
    this.#codeStart = this.reader.position;
    this.#scriptCode = undefined;
    this.separatorIndex = this.operationIndex;
  }

  /** The hash that an ECDSA signature signs here. OP_CHECKMULTISIG asks for the same one for each key that it tries. */
  sighash(scriptCode: Uint8Array, hashType: number): Uint8Array {
    if (this.#lastSighash === undefined || this.#lastCode !== scriptCode || this.#lastType !== hashType) {
      const hash = this.version === "base" ? sighashLegacy : sighashSegwit;
      this.#lastSighash = hash(this.spend.sighashes, this.spend.inputIndex, scriptCode, hashType);
      this.#lastCode = scriptCode;
      this.#lastType = hashType;
    }
    return this.#lastSighash;
  }

  get isExecuting(): boolean {
    return this.#firstFalse < 0;
  }

  get isInsideCondition(): boolean {
    return this.#depth > 0;
  }

  openCondition(value: boolean): void {
    if (!value && this.#firstFalse < 0) this.#firstFalse = this.#depth;
    this.#depth++;
  }

  /** OP_ELSE. Below a false condition nothing runs either way. */
  toggleCondition(): void {
    if (this.#firstFalse < 0) this.#firstFalse = this.#depth - 1;
    else if (this.#firstFalse === this.#depth - 1) this.#firstFalse = -1;
  }

  closeCondition(): void {
    this.#depth--;
    if (this.#firstFalse === this.#depth) this.#firstFalse = -1;
  }
}
