import assert from "node:assert/strict";
import { test } from "node:test";
import { DamageBench } from "./damages.ts";
import { modes } from "./fault-job.ts";

/** `fault-run.ts damages` takes thousands. */
const damages = 60;

for (const mode of modes) {
  test(`D6: damage to any file of state or topics, on ${mode}, is told or makes no difference`, async (context) => {
    const bench = await DamageBench.open(mode);
    context.after(() => bench.close());
    const endings = new Map<string, number>();
    for (let seed = 1; seed <= damages; seed += 1) {
      const how = await bench.meet(seed);
      endings.set(how, (endings.get(how) ?? 0) + 1);
    }
    assert.ok((endings.get("finished, equal") ?? 0) > 0);
    assert.ok((endings.get("exit 6 STATE_CORRUPT") ?? 0) > 0, JSON.stringify([...endings]));
  });
}
