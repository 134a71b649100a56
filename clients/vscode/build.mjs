/** Bundles the extension, and puts beside it what comes along: the panel, the licence, and a server where one was built. */

import { build } from "esbuild";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
await build({
  entryPoints: ["src/extension.ts"],
  bundle: true,
  outfile: "dist/extension.js",
  external: ["vscode"],
  platform: "node",
  format: "cjs",
  target: "node20",
  minify: true,
});
cpSync("../panel/dist", "dist/panel", { recursive: true, filter: (path) => !path.endsWith("sources") });
cpSync("../../LICENSE", "LICENSE");
// `make vsix` makes one, for this kind of machine.
const wheels = existsSync("../../dist") ? readdirSync("../../dist").filter((name) => name.endsWith(".whl")) : [];
if (wheels.length > 0) {
  mkdirSync("dist/server");
  cpSync(`../../dist/${wheels.at(-1)}`, `dist/server/${wheels.at(-1)}`);
  cpSync("../../requirements.lock", "dist/server/requirements.lock");
}
