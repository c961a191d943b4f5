import { transform } from "esbuild";
import { defineConfig } from "vitest/config";

/** The ffi engine is compared with the others where this Node has node:ffi and the system a libsecp256k1. */
const FFI = "--experimental-ffi";
const execArgv = process.allowedNodeEnvironmentFlags.has(FFI) ? [FFI] : [];

/** Three tiers by file name: `x.test.ts` in `npm test`, `x.ci.test.ts` in `npm run test:ci`, `x.long.test.ts` in `npm run test:long`. */
const tier = (name: string, include: string, exclude: string[], timeoutMs: number) => ({
  extends: true as const,
  test: { name, include: [include], exclude, testTimeout: timeoutMs, hookTimeout: timeoutMs },
});

export default defineConfig({
  plugins: [
    {
      // Vite's parser strips types but leaves TC39 decorators, which no V8 parses: lower them first.
      name: "tc39-decorators",
      enforce: "pre",
      async transform(code, id) {
        if (!/\.ts$/.test(id) || id.includes("/node_modules/") || !/^\s*@\w/m.test(code)) return;
        const lowered = await transform(code, {
          loader: "ts",
          target: "es2024",
          sourcemap: "external",
          sourcefile: id,
          tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
        });
        return { code: lowered.code, map: lowered.map };
      },
    },
  ],
  test: {
    pool: "forks",
    execArgv,
    maxWorkers: 2,
    coverage: { provider: "v8", include: ["src/**/*.ts"], reporter: ["text-summary"] },
    projects: [
      tier("unit", "test/**/*.test.ts", ["test/**/*.ci.test.ts", "test/**/*.long.test.ts"], 30_000),
      tier("ci", "test/**/*.ci.test.ts", [], 900_000),
      tier("long", "test/**/*.long.test.ts", [], 14_400_000),
    ],
  },
});
