// usage: npm run bench [-- OPTIONS]           the orders job, see orders.mjs
//        npm run bench -- keys                with many keys in its state, see keys.mjs
//        npm run bench -- kafka               on a real broker, see kafka.ts
//        npm run bench -- expressions         its expressions alone, see expressions.ts
//        npm run bench -- attacks             hostile expressions and records, see attacks.ts
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";

const parts = {
  keys: "keys.mjs",
  kafka: "kafka.ts",
  expressions: "expressions.ts",
  attacks: "attacks.ts",
};
const [part, ...rest] = process.argv.slice(2);
const file = parts[part];
const args =
  file === undefined
    ? [join(import.meta.dirname, "orders.mjs"), ...process.argv.slice(2)]
    : ["--expose-gc", "--import", "tsx", join(import.meta.dirname, file), ...rest];
process.exitCode = spawnSync(process.execPath, args, { stdio: "inherit" }).status ?? 1;
