// usage: npm run bench [-- OPTIONS]           the orders job, see orders.mjs
//        npm run bench -- expressions         its expressions alone, see expressions.ts
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";

const [part, ...rest] = process.argv.slice(2);
const args =
  part === "expressions"
    ? ["--import", "tsx", join(import.meta.dirname, "expressions.ts"), ...rest]
    : [join(import.meta.dirname, "orders.mjs"), ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, args, { stdio: "inherit" }).status ?? 1;
