// usage: npm run faults: the rows of docs/faults.md with their tests; exit 1 if one has none.
import { faultRows, testsByRow } from "../docs/fault-rows.ts";

const tests = testsByRow();
const rows = faultRows();
const bare = rows.filter(({ id }) => !tests.has(id));
for (const { id, fault } of rows) {
  console.log(`${id.padEnd(5)}${fault}`);
  for (const name of tests.get(id) ?? ["NO TEST"]) console.log(`     ${name}`);
}
console.log(`${rows.length} rows, ${bare.length} without a test`);
process.exitCode = bare.length === 0 ? 0 : 1;
