import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import type { FailpointName } from "../../engine/core/failpoints.ts";
import { isInRecovery, preparedBy } from "../crash/kill-points.ts";
import { assertSameOutputs, outputNames } from "../crash/orders-outputs.ts";
import { seededRandom } from "../crash/random.ts";
import type { TestBroker } from "./broker.ts";
import { OrdersRound } from "./orders-round.ts";
import { deliveryBegins, WatchedLife } from "./watched-life.ts";
import type { Standing, Verdict } from "./watched-life.ts";

export interface KafkaKillOptions {
  readonly broker: TestBroker;
  /** Orders, one a line. */
  readonly input: string;
  /** An empty folder. */
  readonly folder: string;
  readonly recordsPerEpoch: number;
  readonly seed: number;
  /** Each is a kill at that place. */
  readonly failpoints: readonly FailpointName[];
  /** Kills at random moments, most of them aimed at deliveries. */
  readonly randomKills: number;
  /** Kills of the broker and the job together, while a transaction ends or is taken over. */
  readonly brokerKills: number;
}

/** How often each was met. */
export interface KafkaKillReport {
  readonly kills: number;
  readonly rounds: number;
  readonly failpoints: ReadonlyMap<string, number>;
  /** By what a process told last before a random moment. */
  readonly random: ReadonlyMap<string, number>;
  readonly randomInDelivery: number;
  readonly brokerKills: number;
  readonly verdicts: ReadonlyMap<Verdict | "settle", number>;
}

/** Of the random kills, those aimed at a delivery, and those at its end: between request and answer. Some miss. */
const aimedShare = 0.75;
const endShare = 0.15;
/** It takes a while until a kill arrives: one aimed at the very end of a delivery would come too late. */
const aimedPart = 0.65;
const endMsMax = 2;
/**
 * Kills of the broker: while it works on the end of a transaction, which takes a few milliseconds; when it has answered
 * and writes the markers; when a successor asks it to take back a transaction.
 */
const brokerKills = [
  { at: "kafka.answer.before", withinMs: 7 },
  { at: "kafka.answer.after", withinMs: 1 },
  { at: "kafka.answer.before", withinMs: 4 },
  { at: "kafka.answer.after", withinMs: 0 },
  { at: "kafka.fence.before", withinMs: 7 },
] as const;
const roundsWithoutKillMax = 4;

type Kill =
  | { readonly kind: "failpoint"; readonly name: FailpointName }
  | { readonly kind: "delivery" | "end" | "any moment" }
  | { readonly kind: "broker"; readonly at: FailpointName; readonly withinMs: number };

/**
 * Kills the orders job from Kafka to Kafka again and again, and the broker with it, restarts it until it reaches its
 * end, and compares every output with an uninterrupted run; what a reader of committed records has seen meanwhile
 * must be what is there at the end. Throws at the first difference.
 */
export async function killOnKafka(options: KafkaKillOptions): Promise<KafkaKillReport> {
  const campaign = new Campaign(options);
  await campaign.run();
  return campaign;
}

class Campaign implements KafkaKillReport {
  kills = 0;
  rounds = 0;
  randomInDelivery = 0;
  brokerKills = 0;
  readonly failpoints = new Map<string, number>();
  readonly random = new Map<string, number>();
  readonly verdicts = new Map<Verdict | "settle", number>();
  readonly #options: KafkaKillOptions;
  readonly #random: () => number;
  readonly #plan: Kill[];
  readonly #deliveriesMs: number[] = [];
  #wholeMs = 0;

  constructor(options: KafkaKillOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#plan = this.#makePlan();
  }

  async run(): Promise<void> {
    const { seed } = this.#options;
    const whole = await this.#round("whole");
    const life = new WatchedLife((how) => whole.run(how));
    const startMs = performance.now();
    const { exit, stderr } = await life.ended;
    assert.equal(exit, 0, stderr);
    this.#wholeMs = performance.now() - startMs;
    this.#deliveriesMs.push(...life.deliveriesMs);
    const expected = await whole.outputs("the uninterrupted run");
    await whole.close();
    for (const name of outputNames) {
      assert.ok((expected[name]?.length ?? 0) > 0, `${name} is empty`);
    }
    for (let withoutKill = 0; this.#plan.length > 0;) {
      this.rounds += 1;
      const where = `seed ${seed}, round ${this.rounds}`;
      const round = await this.#round(`round_${this.rounds}`);
      try {
        const before = this.kills;
        await this.#lives(round, where);
        withoutKill = this.kills === before ? withoutKill + 1 : 0;
        const next = JSON.stringify(this.#plan[0]);
        assert.ok(withoutKill < roundsWithoutKillMax, `${where}: ${next} is never met`);
        assertSameOutputs(await round.outputs(where), expected, where);
      } finally {
        await round.close();
      }
    }
  }

  #makePlan(): Kill[] {
    const options = this.#options;
    const { failpoints, randomKills } = options;
    const groups: Kill[][] = failpoints.map((name) => prepared({ kind: "failpoint", name }));
    for (let count = 0; count < randomKills; count += 1) {
      const share = count / randomKills;
      const isAimed = share < aimedShare + endShare;
      groups.push([{ kind: share < aimedShare ? "delivery" : isAimed ? "end" : "any moment" }]);
    }
    for (let count = 0; count < options.brokerKills; count += 1) {
      const { at, withinMs } = brokerKills[count % brokerKills.length] ?? brokerKills[0];
      groups.push(prepared({ kind: "broker", at, withinMs }));
    }
    return groups
      .map((group) => ({ group, place: this.#random() }))
      .toSorted((a, b) => a.place - b.place)
      .flatMap(({ group }) => group);
  }

  #round(name: string): Promise<OrdersRound> {
    const { broker, input, folder, recordsPerEpoch, seed } = this.#options;
    return OrdersRound.make({
      bootstrap: broker.bootstrap,
      name: `kills_${seed}_${name}`,
      folder: join(folder, name),
      input,
      recordsPerEpoch,
      isWatched: true,
    });
  }

  async #lives(round: OrdersRound, where: string): Promise<void> {
    let standing: Standing = "finished";
    for (;;) {
      const kill = this.#plan.shift();
      const startMs = performance.now();
      const life = new WatchedLife((how) => round.run(how), this.#rules(kill));
      const isKilled = kill === undefined ? undefined : this.#aim(kill, life);
      const { exit, signal, stderr } = await life.ended;
      const brokerIsBack = isKilled?.();
      const verdict = life.verdict(standing);
      if (verdict !== undefined) count(this.verdicts, verdict);
      if (life.settled) count(this.verdicts, "settle");
      this.#deliveriesMs.push(...life.deliveriesMs);
      if (kill === undefined || brokerIsBack === undefined || signal !== "SIGKILL") {
        assert.equal(exit, 0, `${where}, ${JSON.stringify(kill)}: ${stderr}`);
        await brokerIsBack;
        // It came to its end before the place or the moment: for the next round, which may be as quick.
        this.#wholeMs = Math.min(this.#wholeMs, performance.now() - startMs);
        if (kill !== undefined) this.#plan.unshift(...prepared(kill));
        return;
      }
      this.#note(kill, life);
      standing = life.standing ?? (verdict === undefined ? standing : "finished");
      await brokerIsBack;
    }
  }

  #rules(kill: Kill | undefined): string[] {
    if (kill?.kind !== "failpoint") return [];
    return [`${kill.name}=crash@${isInRecovery(kill.name) ? 1 : this.#upTo(4)}`];
  }

  /** Sees to the kill; afterwards tells if there was one: undefined, or when the broker is back. */
  #aim(kill: Kill, life: WatchedLife): () => Promise<void> | undefined {
    let done: Promise<void> | undefined;
    if (kill.kind === "failpoint") {
      return () => (life.told.at(-1) === kill.name ? Promise.resolve() : undefined);
    }
    const killAfter = (ms: number): void => {
      void sleep(ms).then(() => {
        life.kill("SIGKILL");
        done = Promise.resolve();
      });
    };
    if (kill.kind === "any moment") killAfter(this.#random() * this.#wholeMs);
    if (kill.kind === "delivery") {
      const ms = this.#random() * aimedPart * median(this.#deliveriesMs);
      life.at(deliveryBegins, this.#upTo(3), () => killAfter(ms));
    }
    if (kill.kind === "end") {
      const ms = this.#random() * endMsMax;
      life.at(["kafka.answer.before"], this.#upTo(3), () => killAfter(ms));
    }
    if (kill.kind === "broker") {
      const { broker } = this.#options;
      const ms = this.#random() * kill.withinMs;
      life.at([kill.at], kill.at === "kafka.fence.before" ? 1 : this.#upTo(3), () => {
        done = sleep(ms).then(async () => {
          const gone = broker.kill();
          life.kill("SIGKILL");
          await gone;
          await broker.restart();
        });
      });
    }
    return () => done;
  }

  #note(kill: Kill, life: WatchedLife): void {
    this.kills += 1;
    if (kill.kind === "failpoint") count(this.failpoints, kill.name);
    else if (kill.kind === "broker") this.brokerKills += 1;
    else {
      count(this.random, life.told.at(-1) ?? "start");
      if (life.standing === "unanswered") this.randomInDelivery += 1;
    }
  }

  #upTo(most: number): number {
    return 1 + Math.floor(this.#random() * most);
  }
}

/** A kill after the one that it needs: a crash that leaves work there, or a transaction to take back. */
function prepared(kill: Kill): Kill[] {
  if (kill.kind === "broker" && kill.at === "kafka.fence.before") {
    return [{ kind: "failpoint", name: "kafka.end.before" }, kill];
  }
  const before = kill.kind === "failpoint" ? preparedBy[kill.name] : undefined;
  return before === undefined ? [kill] : [{ kind: "failpoint", name: before }, kill];
}

function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
