// Orders for judging the orders job at its edges.
//   node test/oracle/generate-orders.mjs COUNT SEED > orders.jsonl
// Three and a half days of event time, whatever COUNT: ordinary orders with a few seconds of disorder, and scenes
// whose event times are placed to the millisecond against the watermark (the largest event time less 10 minutes).
import { faultyLine, validOrder } from "./order-kinds.mjs";
import { Dice } from "./dice.mjs";

const minute = 60_000;
const hour = 60 * minute;
const outOfOrdernessMs = 10 * minute;
const windowMs = 5 * minute;
const ttlMs = 24 * hour;
const granularityMs = 15 * minute;
const startMs = Date.UTC(2025, 0, 13, 15);
const spanMs = 84 * hour;
const aheadMaxMs = 6 * minute;
const recentMax = 2000;

class Orders {
  #dice;
  #count;
  #made = 0;
  #next = 1;
  /** Largest event time of the valid orders so far. */
  #clockMs = -Infinity;
  /** Lines of valid orders that a repeat may copy. */
  #recent = [];
  /** Scenes that wait for the event time to reach theirs, sorted by it. */
  #planned = [];

  constructor(count, seed) {
    this.#dice = new Dice(seed);
    this.#count = count;
  }

  *lines() {
    const dice = this.#dice;
    // What a byte order mark is part of when its record is refused is not for this data to say.
    yield* this.#counted([this.#order({ timeMs: startMs })]);
    while (this.#made < this.#count) {
      const nowMs = startMs + Math.floor((this.#made / this.#count) * spanMs);
      while (this.#planned.length > 0 && this.#planned[0].atMs <= nowMs) {
        yield* this.#counted(this.#planned.shift().lines());
      }
      yield* this.#counted(this.#some(nowMs - dice.below(3000), nowMs));
    }
  }

  *#counted(lines) {
    for (const line of lines) {
      this.#made += 1;
      yield line;
    }
  }

  /** One ordinary line, or one scene. */
  *#some(timeMs, nowMs) {
    const dice = this.#dice;
    const kind = dice.fraction();
    if (kind < 0.02 && this.#recent.length > 0) yield dice.pick(this.#recent);
    else if (kind < 0.06) yield faultyLine(dice, this.#newId(), timeMs);
    else if (kind < 0.062) yield faultyLine(dice, this.#newId(), timeMs + 30 * 24 * hour);
    else if (kind < 0.065)
      yield this.#order({ timeMs: timeMs - outOfOrdernessMs - dice.below(3 * hour) });
    else if (kind < 0.066) yield dice.pick(["", " ", "\t", "\r", " \t \r"]);
    else if (kind < 0.067) yield* this.#lateToTheMillisecond(nowMs);
    else if (kind < 0.069) yield* this.#repeatWithAnotherPayload(timeMs);
    else if (kind < 0.075) yield* this.#repeatAtTheEdges(timeMs, nowMs);
    else if (kind < 0.076) yield* this.#expiredToTheMillisecond(nowMs);
    else yield this.#order({ timeMs });
  }

  /** A valid order; moves the clock. `plain`: its time is written plainly, with exactly its milliseconds. */
  #order({ timeMs, id = this.#newId(), plain = false }) {
    const line = validOrder(this.#dice, id, timeMs, plain);
    this.#clockMs = Math.max(this.#clockMs, timeMs);
    if (this.#recent.length < recentMax) this.#recent.push(line);
    else this.#recent[this.#dice.below(recentMax)] = line;
    return line;
  }

  #newId() {
    const number = this.#next;
    this.#next += 1;
    return `ORD-${String(number).padStart(9, "0")}`;
  }

  /** The last millisecond of a window, with the watermark 1 ms before its end, and at its end. */
  *#lateToTheMillisecond(nowMs) {
    const endMs = Math.floor((this.#clockMs - outOfOrdernessMs) / windowMs + 1) * windowMs;
    // Scenes must not drive the clock far ahead of the other orders.
    if (endMs + outOfOrdernessMs > nowMs + aheadMaxMs) return;
    for (const watermarkMs of [endMs - 1, endMs, endMs + 1]) {
      yield this.#order({ timeMs: watermarkMs + outOfOrdernessMs, plain: true });
      for (const timeMs of [endMs - 1, endMs - windowMs, endMs]) {
        yield this.#order({ timeMs, plain: true });
      }
    }
  }

  /** Duplicates by their id alone; one of them carries the largest event time, which moves the windows' clock. */
  *#repeatWithAnotherPayload(timeMs) {
    const id = this.#newId();
    yield this.#order({ timeMs, id });
    yield this.#order({ timeMs: timeMs - 60_000, id });
    yield this.#order({ timeMs: Math.max(this.#clockMs + 1, timeMs + minute), id });
  }

  /** Repeats about a day later, around the end of the first one's protection. */
  *#repeatAtTheEdges(timeMs, nowMs) {
    const dice = this.#dice;
    // Sometimes the event time is its own upper edge, or just behind one.
    const edgeMs = Math.ceil(timeMs / granularityMs) * granularityMs;
    const firstMs = dice.pick([timeMs, edgeMs, edgeMs - granularityMs + 1]);
    if (firstMs > nowMs + 4 * minute || firstMs < nowMs - 9 * minute) {
      yield this.#order({ timeMs });
      return;
    }
    const id = this.#newId();
    yield this.#order({ timeMs: firstMs, id, plain: true });
    const protectedMs = Math.ceil(firstMs / granularityMs) * granularityMs + ttlMs;
    const repeatMs = dice.pick([
      firstMs + ttlMs - 1,
      firstMs + ttlMs,
      firstMs + ttlMs + 1,
      protectedMs - 1,
      protectedMs,
      protectedMs + 1,
      firstMs + ttlMs + granularityMs,
      firstMs + ttlMs + granularityMs - 1,
    ]);
    this.#plan(repeatMs, () => [
      this.#order({ timeMs: repeatMs, id, plain: true }),
      // And once more: a duplicate of whichever was accepted.
      this.#order({ timeMs: repeatMs, id, plain: true }),
    ]);
    if (dice.chance(0.3)) this.#plan(protectedMs, () => this.#outlived(id, protectedMs));
  }

  /** A repeat within the first one's protection that comes when the watermark is 1 ms before its end, and at it. */
  #outlived(id, protectedMs) {
    const lines = [];
    for (const watermarkMs of [protectedMs - 1, protectedMs]) {
      const timeMs = watermarkMs + outOfOrdernessMs;
      if (timeMs <= this.#clockMs) continue;
      lines.push(this.#order({ timeMs, plain: true }));
      lines.push(this.#order({ timeMs: protectedMs - 1, id, plain: true }));
    }
    return lines;
  }

  /** Orders a day old, with the watermark 1 ms before the end of their protection, and at it. */
  *#expiredToTheMillisecond(nowMs) {
    const upMs =
      Math.floor((this.#clockMs - outOfOrdernessMs - ttlMs) / granularityMs) * granularityMs;
    const edgeMs = upMs + granularityMs;
    if (edgeMs + ttlMs + outOfOrdernessMs > nowMs + aheadMaxMs) return;
    for (const watermarkMs of [edgeMs + ttlMs - 1, edgeMs + ttlMs]) {
      yield this.#order({ timeMs: watermarkMs + outOfOrdernessMs, plain: true });
      for (const timeMs of [
        edgeMs,
        edgeMs - granularityMs + 1,
        edgeMs + 1,
        edgeMs - granularityMs,
      ]) {
        yield this.#order({ timeMs, plain: true });
      }
    }
  }

  #plan(atMs, lines) {
    const index = this.#planned.findIndex((scene) => scene.atMs > atMs);
    this.#planned.splice(index < 0 ? this.#planned.length : index, 0, { atMs, lines });
  }
}

function fail(message) {
  console.error(
    `${message}\nusage: node test/oracle/generate-orders.mjs COUNT SEED > orders.jsonl`,
  );
  process.exit(2);
}

const [count, seed] = process.argv.slice(2).map(Number);
if (!Number.isSafeInteger(count) || count < 1) fail("COUNT must be a whole number above 0");
if (!Number.isSafeInteger(seed)) fail("SEED must be a whole number");

const newline = Buffer.from("\n");
let parts = [Buffer.from("\uFEFF")];
let size = 0;
for (const line of new Orders(count, seed).lines()) {
  const bytes = Buffer.from(line);
  parts.push(bytes, newline);
  size += bytes.length + 1;
  if (size < 1 << 20) continue;
  const chunk = Buffer.concat(parts);
  parts = [];
  size = 0;
  if (!process.stdout.write(chunk))
    await new Promise((resolve) => process.stdout.once("drain", resolve));
}
// The last newline is optional.
if (seed % 2 === 0) parts.pop();
process.stdout.write(Buffer.concat(parts));
