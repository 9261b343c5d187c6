import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { FailpointName } from "../../engine/core/failpoints.ts";
import { assertSameOutputs } from "../crash/orders-outputs.ts";
import type { Outputs } from "../crash/orders-outputs.ts";
import type { ProcessEnd } from "../crash/pipeline-process.ts";
import { TestBroker } from "./broker.ts";
import { OrdersRound } from "./orders-round.ts";
import { WatchedLife } from "./watched-life.ts";

const transactionTimeoutMs = 1000;
const sweepMs = 200;
const restartsMax = 20;
const stateLocked = /STATE_LOCKED/;

/** Where a process is stopped: a transaction of its own is open. */
const stopPlaces = [
  "kafka.produce.after",
  "kafka.mark.before",
  "kafka.mark.after",
  "kafka.end.before",
] as const satisfies readonly FailpointName[];

/** Processes of one job that are no longer, or should not be: stopped for too long, or there twice. */
export class ZombieBench {
  readonly #broker: TestBroker;
  readonly #folder: string;
  readonly #input: string;
  #rounds = 0;
  #expected: Outputs | undefined;

  private constructor(broker: TestBroker, folder: string, input: string) {
    this.#broker = broker;
    this.#folder = folder;
    this.#input = input;
  }

  /** `input`: orders, one a line; `folder`: an empty one. */
  static async start(folder: string, input: string): Promise<ZombieBench> {
    const broker = await TestBroker.start({
      "transaction.abort.timed.out.transaction.cleanup.interval.ms": String(sweepMs),
    });
    return new ZombieBench(broker, folder, input);
  }

  async dispose(): Promise<void> {
    await this.#broker.dispose();
  }

  /**
   * Stops a process in the midst of a transaction until the broker has taken that back, lets it go on, and does the
   * same to its successors; then outputs must be right.
   */
  async stopAndContinue(times: number): Promise<void> {
    await this.#round(async (round) => {
      for (let time = 0; time < times; time += 1) {
        const place = stopPlaces[time % stopPlaces.length] ?? "kafka.mark.before";
        const nth = 1 + (time % 2);
        const life = new WatchedLife((how) => round.run(how), [`${place}=stop@${nth}`]);
        await life.reached(place, nth);
        assert.deepEqual(await round.heldUp(), [], `${place}: not taken back by the broker`);
        const before = await round.places();
        life.kill("SIGCONT");
        const { exit, stderr } = await life.ended;
        assert.equal(exit, 5, `${place}: ${stderr}`);
        assert.match(stderr, /KAFKA_INTERRUPTED.*INVALID_PRODUCER_EPOCH \(47\)/s);
        assert.deepEqual(await round.places(), before, `${place}: outputs of a fenced process`);
      }
      // Between two transactions it does no harm.
      const life = new WatchedLife((how) => round.run(how), ["commit.record.before=stop@2"]);
      await life.reached("commit.record.before", 2);
      await sleep(2 * transactionTimeoutMs);
      life.kill("SIGCONT");
      await this.#endsWell(life.ended);
    });
  }

  /** A second process on the state directory of a running one: it ends with 5 and the pid, the first goes on. */
  async sameDirectory(): Promise<void> {
    await this.#round(async (round) => {
      const first = this.#slow(round, "state");
      await first.reached("kafka.barrier.after", 1);
      const second = await round.run().ended;
      assert.equal(second.exit, 5, second.stderr);
      assert.match(second.stderr, stateLocked);
      assert.ok(second.stderr.includes(String(first.pid)), second.stderr);
      await this.#endsWell(first.ended);
    });
  }

  /**
   * A second process on a copy of the state directory, while the first one runs, restarted by a supervisor whenever
   * it ends with 5: it ends with 6 and has not touched the first one's session.
   */
  async lateTwin(state: "copy" | "fresh"): Promise<void> {
    await this.#round(async (round) => {
      await this.#diesOnce(round);
      if (state === "copy") copyState(round, "state", "twin");
      // With a copy, the twin's view of what is delivered is right: only the session tells it that it is the second.
      const first =
        state === "copy"
          ? new WatchedLife((how) => round.run(how), ["commit.record.before=stop"])
          : this.#slow(round, "state");
      await first.reached(state === "copy" ? "commit.record.before" : "kafka.barrier.after", 1);
      const twins: WatchedLife[] = [];
      const exits = await supervised(() => {
        const twin = new WatchedLife((how) => round.run(how, { state: "twin" }));
        twins.push(twin);
        return twin.ended;
      });
      assert.deepEqual(exits, [6]);
      for (const { told } of twins) {
        assert.ok(!told.includes("kafka.fence.before"), "it has fenced");
      }
      first.kill("SIGCONT");
      await this.#endsWell(first.ended);
    });
  }

  /** Two processes on copies of one state directory begin at once, each with a supervisor: one goes on. Gives their exits. */
  async race(): Promise<string> {
    return await this.#round(async (round) => {
      await this.#diesOnce(round);
      copyState(round, "state", "twin");
      const exits = await Promise.all(
        ["state", "twin"].map((state) => supervised(() => this.#slow(round, state).ended)),
      );
      const ending = exits.map((list) => list.join(" ")).join(" | ");
      const last = exits.map((list) => list.at(-1) ?? -1);
      assert.equal(Math.min(...last), 0, ending);
      assert.equal(Math.max(...last), 6, ending);
      return ending;
    });
  }

  /** The work, with the job's outputs compared afterwards. */
  async #round<T>(work: (round: OrdersRound) => Promise<T>): Promise<T> {
    this.#expected ??= await this.#whole();
    this.#rounds += 1;
    const round = await this.#make(`round_${this.#rounds}`);
    try {
      const result = await work(round);
      const where = `round ${this.#rounds}`;
      assertSameOutputs(await round.outputs(where), this.#expected, where);
      return result;
    } finally {
      await round.close();
      rmSync(round.folder, { recursive: true });
    }
  }

  async #whole(): Promise<Outputs> {
    const round = await this.#make("whole");
    try {
      await this.#endsWell(round.run().ended);
      return await round.outputs("the uninterrupted run");
    } finally {
      await round.close();
    }
  }

  #make(name: string): Promise<OrdersRound> {
    return OrdersRound.make({
      bootstrap: this.#broker.bootstrap,
      name: `zombies_${name}`,
      folder: join(this.#folder, name),
      input: this.#input,
      recordsPerEpoch: 250,
      isWatched: false,
      settings: { transaction_timeout: `${transactionTimeoutMs}ms` },
    });
  }

  /** So that there is a state to copy. */
  async #diesOnce(round: OrdersRound): Promise<void> {
    const { signal } = await round.run({ failpoints: "kafka.end.after=crash@2" }).ended;
    assert.equal(signal, "SIGKILL");
  }

  /** It takes its time: others can come in meanwhile. */
  #slow(round: OrdersRound, state: string): WatchedLife {
    const delays = Array.from(
      { length: 12 },
      (_, index) => `commit.record.before=delay@${index + 1}`,
    );
    return new WatchedLife((how) => round.run(how, { state }), delays);
  }

  async #endsWell(ended: Promise<ProcessEnd>): Promise<void> {
    const { exit, stderr } = await ended;
    assert.equal(exit, 0, stderr);
  }
}

function copyState(round: OrdersRound, from: string, to: string): void {
  cpSync(join(round.folder, from), join(round.folder, to), { recursive: true });
}

/** Starts it again as long as it ends with 5, as a supervisor would. */
async function supervised(start: () => Promise<ProcessEnd>): Promise<(number | null)[]> {
  const exits: (number | null)[] = [];
  while (exits.length < restartsMax) {
    const { exit } = await start();
    exits.push(exit);
    if (exit !== 5) break;
    await sleep(100);
  }
  return exits;
}
