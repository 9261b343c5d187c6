import { compareWithOracle } from "../core/decimal-oracle.ts";

/**
 * Decimal arithmetic beside decimal.js; ends with an error at the first difference.
 * usage: npm run fuzz:decimals -- [OPERATIONS [SEED]]
 */
const operations = Number(process.argv[2] ?? 10_000_000);
let compared = 0;
for (let seed = Number(process.argv[3] ?? 1); compared < operations; seed++) {
  compared += compareWithOracle(seed, 25_000);
  if (seed % 10 === 0) console.log(`seed ${seed}: ${compared} operations, 0 differences`);
}
console.log(`${compared} operations, 0 differences`);
