import type { ApiDeps } from "../ports.ts";
import { helpText, synopsis } from "./help-text.ts";
import { RPC_GROUPS, type RpcMethod } from "./method.ts";
import { nothing, optional, param, result } from "./params.ts";
import { RPC, RpcError } from "./rpc-error.ts";

/** Upper end of Bitcoin Core's mock time: nanoseconds in 64 bits. */
const MOCK_TIME_MAX = 9_223_372_036;

/** The node itself. `methods` is what `help` lists. */
export function controlMethods(deps: ApiDeps, methods: () => readonly RpcMethod[]): readonly RpcMethod[] {
  return [help(methods), stop(deps), uptime(deps), setmocktime(deps)];
}

function help(methods: () => readonly RpcMethod[]): RpcMethod {
  return {
    name: "help",
    group: "Control",
    about: "List all commands, or get help for a specified command.",
    params: [optional("command", "string", "The command to get help on", "all commands")],
    results: result('"str"', "(string) The help text"),
    run(args) {
      const name = args.text(0, undefined);
      if (name === undefined || name === "") return listText(methods());
      const method = methods().find((each) => each.name === name);
      return method === undefined ? `help: unknown command: ${name}` : helpText(method);
    },
  };
}

function listText(methods: readonly RpcMethod[]): string {
  return RPC_GROUPS.map((group) => {
    const members = methods.filter((method) => method.group === group).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return members.length === 0 ? "" : `== ${group} ==\n${members.map(synopsis).join("\n")}`;
  })
    .filter((text) => text !== "")
    .join("\n\n");
}

function stop({ stop: begin }: ApiDeps): RpcMethod {
  return {
    name: "stop",
    group: "Control",
    about: "Request a graceful shutdown of the node.",
    params: [],
    results: result('"str"', "(string) A string with the content 'ChainCore stopping'"),
    run() {
      begin();
      return "ChainCore stopping";
    },
  };
}

function uptime({ clock }: ApiDeps): RpcMethod {
  const started = clock.monotonicMs();
  return {
    name: "uptime",
    group: "Control",
    about: "Returns the total uptime of the server.",
    params: [],
    results: result("n", "(numeric) The number of seconds that the server has been running"),
    run: () => Math.floor((clock.monotonicMs() - started) / 1000),
  };
}

function setmocktime({ setMockTime }: ApiDeps): RpcMethod {
  return {
    name: "setmocktime",
    group: "Control",
    about: "Set the local time to given timestamp (-regtest only)",
    params: [param("timestamp", "number", "UNIX epoch time; 0 goes back to using the system time.")],
    results: nothing,
    examples: ["1700000000"],
    run(args) {
      const seconds = args.integer(0, 0, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
      if (seconds < 0 || seconds > MOCK_TIME_MAX) {
        throw new RpcError(RPC.INVALID_PARAMETER, `Mocktime must be in the range [0, ${MOCK_TIME_MAX}], not ${seconds}.`);
      }
      setMockTime(seconds);
      return null;
    },
  };
}
