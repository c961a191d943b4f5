import { SEQUENCE_FINAL } from "../primitives/transaction.ts";
import { Flag } from "./flags.ts";
import { LOCKTIME_THRESHOLD } from "./limits.ts";
import { does, type Machine, needs, type Operation, type OperationTable } from "./machine.ts";
import { Op, smallNumber } from "./opcodes.ts";
import type { ScriptError } from "./script-error.ts";
import { decodeNumber, encodeNumber, isTrue, LOCKTIME_BYTES } from "./script-number.ts";

/** BIP68: the bit that switches relative lock times off, the one that selects 512 seconds as unit, and the value. */
const SEQUENCE_DISABLE = 0x80000000;
const SEQUENCE_IS_TIME = 0x00400000;
const SEQUENCE_VALUE = 0x0000ffff;

function branch(isNegated: boolean): Operation {
  return (machine) => {
    let value = false;
    if (machine.isExecuting) {
      if (machine.stack.length < 1) return "INVALID_STACK_OPERATION";
      const condition = machine.top(1);
      if (!isMinimalCondition(condition)) {
        if (machine.version === "tapscript") return "TAPSCRIPT_MINIMALIF";
        if (machine.version === "witness-v0" && machine.has(Flag.MINIMALIF)) return "MINIMALIF";
      }
      value = isTrue(condition) !== isNegated;
      machine.pop();
    }
    machine.openCondition(value);
    return "OK";
  };
}

function isMinimalCondition(bytes: Uint8Array): boolean {
  return bytes.length === 0 || (bytes.length === 1 && bytes[0] === 1);
}

/** OP_NOPs that a soft fork may give a meaning. */
function reservedNop(machine: Machine): ScriptError {
  return machine.has(Flag.DISCOURAGE_UPGRADABLE_NOPS) ? "DISCOURAGE_UPGRADABLE_NOPS" : "OK";
}

/** BIP65. */
function checkLockTime(machine: Machine): ScriptError {
  if (!machine.has(Flag.CHECKLOCKTIMEVERIFY)) return "OK"; // Never discouraged: a flag more must not let pass what failed.
  if (machine.stack.length < 1) return "INVALID_STACK_OPERATION";
  const wanted = decodeNumber(machine.top(1), machine.has(Flag.MINIMALDATA), LOCKTIME_BYTES);
  if (Number.isNaN(wanted)) return "SCRIPTNUM";
  if (wanted < 0) return "NEGATIVE_LOCKTIME";
  const { tx, inputIndex } = machine.spend;
  const isSameUnit = wanted < LOCKTIME_THRESHOLD === tx.lockTime < LOCKTIME_THRESHOLD;
  const isReached = isSameUnit && wanted <= tx.lockTime && tx.sequence(inputIndex) !== SEQUENCE_FINAL;
  return isReached ? "OK" : "UNSATISFIED_LOCKTIME";
}

/** BIP112. */
function checkSequence(machine: Machine): ScriptError {
  if (!machine.has(Flag.CHECKSEQUENCEVERIFY)) return "OK";
  if (machine.stack.length < 1) return "INVALID_STACK_OPERATION";
  const operand = decodeNumber(machine.top(1), machine.has(Flag.MINIMALDATA), LOCKTIME_BYTES);
  if (Number.isNaN(operand)) return "SCRIPTNUM";
  if (operand < 0) return "NEGATIVE_LOCKTIME";
  const wanted = (operand % 0x100000000) >>> 0;
  if ((wanted & SEQUENCE_DISABLE) !== 0) return "OK";
  const { tx, inputIndex } = machine.spend;
  const sequence = tx.sequence(inputIndex);
  if (tx.version >>> 0 < 2 || (sequence & SEQUENCE_DISABLE) !== 0) return "UNSATISFIED_LOCKTIME";
  const isSameUnit = ((wanted ^ sequence) & SEQUENCE_IS_TIME) === 0;
  return isSameUnit && (wanted & SEQUENCE_VALUE) <= (sequence & SEQUENCE_VALUE) ? "OK" : "UNSATISFIED_LOCKTIME";
}

const constants: OperationTable = Array.from({ length: 16 }, (_, i) => {
  const element = encodeNumber(smallNumber(Op.OP_1 + i));
  return [Op.OP_1 + i, does((machine) => machine.push(element))];
});

const MINUS_ONE = encodeNumber(-1);

/** Constants, conditions, lock times, and what does nothing or fails. */
export const FLOW_OPERATIONS: OperationTable = [
  [Op.OP_1NEGATE, does((machine) => machine.push(MINUS_ONE))],
  ...constants,
  [Op.OP_NOP, () => "OK"],
  [Op.OP_IF, branch(false)],
  [Op.OP_NOTIF, branch(true)],
  [
    Op.OP_ELSE,
    (machine) => {
      if (!machine.isInsideCondition) return "UNBALANCED_CONDITIONAL";
      machine.toggleCondition();
      return "OK";
    },
  ],
  [
    Op.OP_ENDIF,
    (machine) => {
      if (!machine.isInsideCondition) return "UNBALANCED_CONDITIONAL";
      machine.closeCondition();
      return "OK";
    },
  ],
  [Op.OP_VERIFY, needs(1, (machine) => verifyTop(machine, "VERIFY"))],
  [Op.OP_RETURN, () => "OP_RETURN"],
  [Op.OP_NOP1, reservedNop],
  [Op.OP_CHECKLOCKTIMEVERIFY, checkLockTime],
  [Op.OP_CHECKSEQUENCEVERIFY, checkSequence],
  ...[Op.OP_NOP4, Op.OP_NOP5, Op.OP_NOP6, Op.OP_NOP7, Op.OP_NOP8, Op.OP_NOP9, Op.OP_NOP10].map(
    (opcode) => [opcode, reservedNop] as const,
  ),
];

/** Takes a true element off the stack; leaves a false one there and fails. */
export function verifyTop(machine: Machine, error: ScriptError): ScriptError {
  if (!isTrue(machine.top(1))) return error;
  machine.pop();
  return "OK";
}
