import type { HelpResult, HelpRow, Param, RpcMethod } from "./method.ts";

/** The text of `help <method>`, in the layout that Bitcoin Core's has: tools and people read it by place. */
export function helpText(method: RpcMethod): string {
  const parts = [synopsis(method), `\n\n${method.about}\n`];
  if (method.params.length > 0) parts.push("\nArguments:\n", rows(method.params.flatMap(paramRows)));
  for (const result of method.results ?? []) parts.push(resultText(result));
  parts.push("\nExamples:\n", method.examplesText ?? examples(method));
  return parts.join("");
}

/** The first line: `getblock "blockhash" ( verbosity )`. */
export function synopsis(method: RpcMethod): string {
  let text = method.name;
  let open = false;
  for (const param of method.params) {
    const optional = param.optional === true;
    if (optional && !open) text += " (";
    if (!optional && open) text += " )";
    open = optional;
    text += ` ${param.shown ?? shownName(param)}`;
  }
  return open ? `${text} )` : text;
}

export function firstName(param: Param): string {
  return param.name.split("|")[0]!;
}

function shownName(param: Param): string {
  const name = firstName(param);
  return param.type === "string" || param.type === "hex" ? `"${name}"` : name;
}

const TYPE_WORDS = {
  string: "string",
  hex: "string",
  number: "numeric",
  boolean: "boolean",
  amount: "numeric or string",
  array: "json array",
  object: "json object",
  any: "numeric or string",
} as const;

function paramRows(param: Param, index: number): HelpRow[] {
  const fallback = param.fallback === undefined ? "" : `, default=${param.fallback}`;
  const kind = `(${TYPE_WORDS[param.type]}, ${param.optional ? "optional" : "required"}${fallback})`;
  const about = param.about === "" ? kind : `${kind} ${param.about}`;
  return [[`${index + 1}. ${firstName(param)}`, about], ...(param.rows ?? [])];
}

function resultText(result: HelpResult): string {
  return `\nResult${result.when === undefined ? "" : ` (${result.when})`}:\n${rows(result.rows)}`;
}

/** Two columns; the second starts four places after the widest first one, which counts the comma that a last member lost. */
function rows(all: readonly HelpRow[]): string {
  const width = Math.max(...all.map(([left], index) => left.length + (isLastMember(left, all[index + 1]) ? 1 : 0))) + 4;
  return all
    .map(([left, right]) => (right === undefined ? `${left}\n` : `${left.padEnd(width)}${indented(right, width)}\n`))
    .join("");
}

function isLastMember(left: string, next: HelpRow | undefined): boolean {
  return next !== undefined && /^ *[}\]]/.test(next[0]) && !left.trim().startsWith("...");
}

function indented(text: string, width: number): string {
  return text.split("\n").join(`\n${" ".repeat(width)}`);
}

function examples(method: RpcMethod): string {
  return (method.examples ?? [""]).map((args) => `${cliExample(method.name, args)}${curlExample(method.name, args)}`).join("");
}

export function cliExample(name: string, args: string): string {
  return `> bitcoin-cli ${name} ${args}\n`;
}

/** The same call over HTTP; arguments on a command line are separated by blanks, in JSON by commas. */
export function curlExample(name: string, args: string): string {
  const params = args.replaceAll(/ (?=(?:[^"]*"[^"]*")*[^"]*$)/g, ", ");
  const body = `{"jsonrpc": "2.0", "id": "curltest", "method": "${name}", "params": [${params}]}`;
  return `> curl --user myusername --data-binary '${body}' -H 'content-type: application/json' http://127.0.0.1:8332/\n`;
}
