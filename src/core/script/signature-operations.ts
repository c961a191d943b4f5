import { checkOne, checkSignature, withoutSignature } from "./check-signature.ts";
import { Flag } from "./flags.ts";
import { verifyTop } from "./flow-operations.ts";
import { MULTISIG_KEYS_MAX, OPERATIONS_MAX } from "./limits.ts";
import { does, type Machine, needs, type OperationTable } from "./machine.ts";
import { Op } from "./opcodes.ts";
import type { ScriptError } from "./script-error.ts";
import { decodeNumber, encodeBoolean, encodeNumber } from "./script-number.ts";

/** (signature key -- boolean) */
function checkSig(machine: Machine): ScriptError {
  const verdict = checkSignature(machine, machine.top(2), machine.top(1));
  if (typeof verdict === "string") return verdict;
  machine.stack.length -= 2;
  machine.push(encodeBoolean(verdict));
  return "OK";
}

/** (signature n key -- n or n + 1), tapscript only. */
function checkSigAdd(machine: Machine): ScriptError {
  if (machine.version !== "tapscript") return "BAD_OPCODE";
  if (machine.stack.length < 3) return "INVALID_STACK_OPERATION";
  const count = decodeNumber(machine.top(2), machine.has(Flag.MINIMALDATA));
  if (Number.isNaN(count)) return "SCRIPTNUM";
  const verdict = checkSignature(machine, machine.top(3), machine.top(1));
  if (typeof verdict === "string") return verdict;
  machine.stack.length -= 3;
  machine.push(encodeNumber(count + (verdict ? 1 : 0)));
  return "OK";
}

/** Where the arguments of OP_CHECKMULTISIG stand on the stack. */
interface MultisigArguments {
  readonly keyCount: number;
  readonly signatureCount: number;
  /** Depths from the top, which is 1, of the last key and the last signature: they are tried from there down. */
  readonly keyDepth: number;
  readonly signatureDepth: number;
  /** Elements without the dummy. */
  readonly total: number;
}

/** (dummy signature... m key... n -- boolean) */
function checkMultisig(machine: Machine): ScriptError {
  if (machine.version === "tapscript") return "TAPSCRIPT_CHECKMULTISIG";
  const args = readMultisigArguments(machine);
  if (typeof args === "string") return args;
  const verdict = matchSignatures(machine, args);
  if (typeof verdict === "string") return verdict;
  if (!verdict && machine.has(Flag.NULLFAIL)) {
    for (let i = 0; i < args.signatureCount; i++) if (machine.top(args.signatureDepth + i).length > 0) return "NULLFAIL";
  }
  machine.stack.length -= args.total;
  if (machine.has(Flag.NULLDUMMY) && machine.top(1).length > 0) return "SIG_NULLDUMMY";
  machine.pop();
  machine.push(encodeBoolean(verdict));
  return "OK";
}

function readMultisigArguments(machine: Machine): MultisigArguments | ScriptError {
  const { stack } = machine;
  const minimal = machine.has(Flag.MINIMALDATA);
  if (stack.length < 1) return "INVALID_STACK_OPERATION";
  const keyCount = decodeNumber(machine.top(1), minimal);
  if (Number.isNaN(keyCount)) return "SCRIPTNUM";
  if (keyCount < 0 || keyCount > MULTISIG_KEYS_MAX) return "PUBKEY_COUNT";
  machine.operationCount += keyCount;
  if (machine.operationCount > OPERATIONS_MAX) return "OP_COUNT";
  if (stack.length < keyCount + 2) return "INVALID_STACK_OPERATION";
  const signatureCount = decodeNumber(machine.top(keyCount + 2), minimal);
  if (Number.isNaN(signatureCount)) return "SCRIPTNUM";
  if (signatureCount < 0 || signatureCount > keyCount) return "SIG_COUNT";
  const total = keyCount + signatureCount + 2;
  if (stack.length < total + 1) return "INVALID_STACK_OPERATION"; // The dummy is missed before any signature is judged.
  return { keyCount, signatureCount, keyDepth: 2, signatureDepth: keyCount + 3, total };
}

/** Signatures must come in the order of their keys; each key is tried once. */
function matchSignatures(machine: Machine, args: MultisigArguments): boolean | ScriptError {
  let scriptCode = machine.scriptCode;
  for (let i = 0; i < args.signatureCount; i++) {
    const without = withoutSignature(machine, scriptCode, machine.top(args.signatureDepth + i));
    if (without === undefined) return "SIG_FINDANDDELETE";
    scriptCode = without;
  }
  let signaturesLeft = args.signatureCount;
  let keysLeft = args.keyCount;
  while (signaturesLeft > 0 && signaturesLeft <= keysLeft) {
    const signature = machine.top(args.signatureDepth + args.signatureCount - signaturesLeft);
    const key = machine.top(args.keyDepth + args.keyCount - keysLeft);
    const verdict = checkOne(machine, signature, key, scriptCode);
    if (typeof verdict === "string") return verdict;
    if (verdict) signaturesLeft--;
    keysLeft--;
  }
  return signaturesLeft === 0;
}

export const SIGNATURE_OPERATIONS: OperationTable = [
  [Op.OP_CODESEPARATOR, does((machine) => machine.separate())],
  [Op.OP_CHECKSIG, needs(2, checkSig)],
  [
    Op.OP_CHECKSIGVERIFY,
    needs(2, (machine) => {
      const error = checkSig(machine);
      return error === "OK" ? verifyTop(machine, "CHECKSIGVERIFY") : error;
    }),
  ],
  [Op.OP_CHECKSIGADD, checkSigAdd],
  [Op.OP_CHECKMULTISIG, checkMultisig],
  [
    Op.OP_CHECKMULTISIGVERIFY,
    (machine) => {
      const error = checkMultisig(machine);
      return error === "OK" ? verifyTop(machine, "CHECKMULTISIGVERIFY") : error;
    },
  ],
];
