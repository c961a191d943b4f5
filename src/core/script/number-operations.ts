import { hash160, ripemd160, sha1, sha256, sha256d } from "../encoding/hash.ts";
import { Flag } from "./flags.ts";
import { verifyTop } from "./flow-operations.ts";
import { does, type Machine, needs, type Operation, type OperationTable } from "./machine.ts";
import { Op } from "./opcodes.ts";
import type { ScriptError } from "./script-error.ts";
import { decodeNumber, encodeNumber } from "./script-number.ts";

/** The top `count` elements as numbers, taken off the stack and replaced by one; booleans are 1 and 0. */
function calculate(count: number, formula: (a: number, b: number, c: number) => number | boolean): Operation {
  return needs(count, (machine) => {
    const { stack } = machine;
    const minimal = machine.has(Flag.MINIMALDATA);
    const first = stack.length - count;
    const a = decodeNumber(stack[first]!, minimal);
    const b = count > 1 ? decodeNumber(stack[first + 1]!, minimal) : 0;
    const c = count > 2 ? decodeNumber(stack[first + 2]!, minimal) : 0;
    if (Number.isNaN(a + b + c)) return "SCRIPTNUM";
    stack.length = first;
    stack.push(encodeNumber(Number(formula(a, b, c))));
    return "OK";
  });
}

const isEqual = calculate(2, (a, b) => a === b);

function numberEqualVerify(machine: Machine): ScriptError {
  const error = isEqual(machine);
  return error === "OK" ? verifyTop(machine, "NUMEQUALVERIFY") : error;
}

function hashTop(hash: (bytes: Uint8Array) => Uint8Array): Operation {
  return needs(
    1,
    does((machine) => machine.push(hash(machine.pop()))),
  );
}

/** Arithmetic on numbers of up to 4 bytes, and hashes. */
export const NUMBER_OPERATIONS: OperationTable = [
  [Op.OP_1ADD, calculate(1, (a) => a + 1)],
  [Op.OP_1SUB, calculate(1, (a) => a - 1)],
  [Op.OP_NEGATE, calculate(1, (a) => 0 - a)],
  [Op.OP_ABS, calculate(1, (a) => Math.abs(a))],
  [Op.OP_NOT, calculate(1, (a) => a === 0)],
  [Op.OP_0NOTEQUAL, calculate(1, (a) => a !== 0)],
  [Op.OP_ADD, calculate(2, (a, b) => a + b)],
  [Op.OP_SUB, calculate(2, (a, b) => a - b)],
  [Op.OP_BOOLAND, calculate(2, (a, b) => a !== 0 && b !== 0)],
  [Op.OP_BOOLOR, calculate(2, (a, b) => a !== 0 || b !== 0)],
  [Op.OP_NUMEQUAL, isEqual],
  [Op.OP_NUMEQUALVERIFY, numberEqualVerify],
  [Op.OP_NUMNOTEQUAL, calculate(2, (a, b) => a !== b)],
  [Op.OP_LESSTHAN, calculate(2, (a, b) => a < b)],
  [Op.OP_GREATERTHAN, calculate(2, (a, b) => a > b)],
  [Op.OP_LESSTHANOREQUAL, calculate(2, (a, b) => a <= b)],
  [Op.OP_GREATERTHANOREQUAL, calculate(2, (a, b) => a >= b)],
  [Op.OP_MIN, calculate(2, (a, b) => Math.min(a, b))],
  [Op.OP_MAX, calculate(2, (a, b) => Math.max(a, b))],
  [Op.OP_WITHIN, calculate(3, (value, from, to) => from <= value && value < to)],
  [Op.OP_RIPEMD160, hashTop(ripemd160)],
  [Op.OP_SHA1, hashTop(sha1)],
  [Op.OP_SHA256, hashTop(sha256)],
  [Op.OP_HASH160, hashTop(hash160)],
  [Op.OP_HASH256, hashTop(sha256d)],
];
