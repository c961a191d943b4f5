import { Flag } from "./flags.ts";
import { FLOW_OPERATIONS } from "./flow-operations.ts";
import { ELEMENT_BYTES_MAX, OPERATIONS_MAX, SCRIPT_BYTES_MAX, STACK_ELEMENTS_MAX } from "./limits.ts";
import type { Machine, Operation } from "./machine.ts";
import { NUMBER_OPERATIONS } from "./number-operations.ts";
import { isDisabled, Op } from "./opcodes.ts";
import type { ScriptError } from "./script-error.ts";
import { isMinimalPush, type ScriptReader } from "./script-reader.ts";
import { SIGNATURE_OPERATIONS } from "./signature-operations.ts";
import { STACK_OPERATIONS } from "./stack-operations.ts";

/** What each opcode does; a byte without an entry is no operation of this language. */
const OPERATIONS: readonly Operation[] = (() => {
  const table = new Array<Operation>(256).fill(() => "BAD_OPCODE");
  for (const [opcode, operation] of [...FLOW_OPERATIONS, ...STACK_OPERATIONS, ...NUMBER_OPERATIONS, ...SIGNATURE_OPERATIONS]) {
    table[opcode] = operation;
  }
  return table;
})();

/** Runs a script to its end or to the first rule that it breaks. What it leaves on the stack is the caller's to judge. */
export function runScript(machine: Machine): ScriptError {
  const { reader, stack, altStack } = machine;
  if (machine.version !== "tapscript" && reader.script.length > SCRIPT_BYTES_MAX) return "SCRIPT_SIZE";
  for (; reader.position < reader.end; machine.operationIndex++) {
    if (!reader.next()) return "BAD_OPCODE";
    const forbidden = checkLimits(machine, reader);
    if (forbidden !== "OK") return forbidden;
    const error = step(machine, reader);
    if (error !== "OK") return error;
    if (stack.length + altStack.length > STACK_ELEMENTS_MAX) return "STACK_SIZE";
  }
  return machine.isInsideCondition ? "UNBALANCED_CONDITIONAL" : "OK";
}

/** What no operation may be, executed or not. */
function checkLimits(machine: Machine, reader: ScriptReader): ScriptError {
  const { opcode } = reader;
  if (reader.dataLength > ELEMENT_BYTES_MAX) return "PUSH_SIZE";
  if (opcode <= Op.OP_16) return "OK"; // OP_RESERVED among them: it is not counted.
  if (machine.version !== "tapscript" && ++machine.operationCount > OPERATIONS_MAX) return "OP_COUNT";
  if (isDisabled(opcode)) return "DISABLED_OPCODE";
  const isConstant = machine.version === "base" && machine.has(Flag.CONST_SCRIPTCODE);
  return opcode === Op.OP_CODESEPARATOR && isConstant ? "OP_CODESEPARATOR" : "OK";
}

function step(machine: Machine, reader: ScriptReader): ScriptError {
  const { opcode } = reader;
  if (!machine.isExecuting && (opcode < Op.OP_IF || opcode > Op.OP_ENDIF)) return "OK";
  if (opcode > Op.OP_PUSHDATA4) return OPERATIONS[opcode]!(machine);
  if (machine.has(Flag.MINIMALDATA) && !isMinimalPush(opcode, reader.dataLength, reader.script[reader.dataStart]!))
    return "MINIMALDATA";
  machine.push(reader.data());
  return "OK";
}
