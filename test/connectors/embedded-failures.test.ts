import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { EmbeddedTarget } from "../../engine/connectors/embedded/embedded-target.ts";
import { EmbeddedTopics } from "../../engine/connectors/embedded/embedded-topics.ts";
import type { TopicsFolder } from "../../engine/connectors/embedded/topics-folder.ts";
import { EngineError } from "../../engine/core/errors.ts";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import { FailingFiles } from "./embedded-failing-files.ts";
import {
  deliverEpochs,
  deliveredView,
  epochPartitions,
  epochRecords,
  epochTopics,
  expectedView,
  folderAt,
  outbox,
  permitFor,
  temporaryFolder,
} from "./embedded-fixtures.ts";

/** Small enough that the journal is replaced in the middle. */
const options = { failpoints: noFailpoints, journalBytesMax: 1200 };
const epochs = 3;

/** Coins that fall the same way in every run. */
function coins(seed: number): () => boolean {
  let state = seed * 2_654_435_761 + 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 31 === 1;
  };
}

interface Outcome {
  /** The newest epoch that was reported delivered, or that a reader had seen. */
  readonly known: number;
  readonly error: unknown;
}

/** A job and a reader at once, on files that fail somewhere. */
async function workUntilFailure(folder: TopicsFolder): Promise<Outcome> {
  const target = new EmbeddedTarget(folder, epochPartitions, options);
  const reader = new EmbeddedTopics(folder);
  let known = 0;
  try {
    await target.prepare(epochTopics);
    await target.begin("job", "first");
    for (let epoch = 1; epoch <= epochs; epoch += 1) {
      const delivered = target.deliver(outbox(epochRecords(epoch)), permitFor(epoch, "first"));
      const looked = look(reader).then((seen) => (known = Math.max(known, seen)));
      const both = [delivered.then(() => (known = Math.max(known, epoch))), looked];
      await Promise.allSettled(both);
      await Promise.all(both);
    }
    return { known, error: undefined };
  } catch (error) {
    return { known, error };
  } finally {
    await target.close();
    await reader.close();
  }
}

async function look(reader: EmbeddedTopics): Promise<number> {
  await reader.refresh();
  return reader.state.mark("job")?.epoch ?? 0;
}

async function heldEpoch(folder: TopicsFolder): Promise<number> {
  const reader = new EmbeddedTopics(folder);
  const epoch = await look(reader);
  await reader.close();
  return epoch;
}

async function assertHeldAndFinish(folder: TopicsFolder, known: number, at: number): Promise<void> {
  const held = await heldEpoch(folder);
  assert.ok(held >= known, `call ${at}: epoch ${known} was known, ${held} is there`);
  if (held > 0) assert.deepEqual(await deliveredView(folder), expectedView(held), `call ${at}`);
  await deliverEpochs(folder, "second", epochs, options);
  assert.deepEqual(await deliveredView(folder), expectedView(epochs), `call ${at}`);
}

test("a power loss at any call keeps every epoch that was reported or seen, whole", async (t) => {
  const { directory } = await temporaryFolder(t);
  const root = dirname(directory);
  for (let at = 1, reached = true; reached; at += 2 + (at % 3)) {
    const files = new FailingFiles(root, at, "cut");
    const { known, error } = await workUntilFailure({ ...folderAt(directory), files });
    reached = files.failed;
    assert.equal(error === undefined, !reached);
    // Only the job was killed at first; somebody looked at what it left, and then the power went.
    files.heal();
    const seen = await heldEpoch({ ...folderAt(directory), files });
    const image = join(root, "image");
    await files.powerLoss(image, at % 2 === 0 ? () => false : coins(at));
    await assertHeldAndFinish(folderAt(join(image, "topics")), Math.max(known, seen), at);
    await rm(image, { recursive: true });
    await rm(directory, { recursive: true, force: true });
  }
});

test("a call that fails once stops the job safely, and a restart heals", async (t) => {
  const { directory } = await temporaryFolder(t);
  for (let at = 1, reached = true; reached; at += 2 + (at % 3)) {
    const files = new FailingFiles(dirname(directory), at, "once");
    const { known, error } = await workUntilFailure({ ...folderAt(directory), files });
    reached = files.failed;
    if (error !== undefined) {
      assert.ok(error instanceof EngineError, `call ${at}: ${typeof error}`);
      assert.equal(error.exit, 5, `call ${at}: ${error.message}`);
    }
    await assertHeldAndFinish(folderAt(directory), known, at);
    await rm(directory, { recursive: true });
  }
});
