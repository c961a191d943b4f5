import { readFileSync } from "node:fs";
import { ChainCoreError, configFile } from "./core/client/index.ts";

/** A user's own defaults by flag name: `{"session": "alpha", "threads": 4}`. */
export type Defaults = Readonly<Record<string, string | number | boolean>>;

/** The config file's content; empty where there is none. @throws ChainCoreError bad-environment */
export function readDefaults(environment: NodeJS.ProcessEnv): Defaults {
  const path = configFile(environment);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw badConfig(path, "cannot be read", error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badConfig(path, "is no JSON", error);
  }
  const flat = value !== null && typeof value === "object" && Object.values(value).every((one) => typeof one !== "object");
  if (!flat || Array.isArray(value)) throw badConfig(path, 'is no object of flag names, such as {"threads": 4}');
  return value as Defaults;
}

function badConfig(path: string, why: string, cause?: unknown): ChainCoreError {
  return new ChainCoreError("bad-environment", `${path} ${why}; mend or remove it`, { detail: { path }, cause });
}
