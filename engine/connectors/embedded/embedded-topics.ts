import { nearestName } from "../../core/nearest.ts";
import { EngineError } from "../../core/errors.ts";
import { Journal } from "./journal.ts";
import { withFileErrors } from "./topics-error.ts";
import type { TopicsFolder } from "./topics-folder.ts";
import type { TopicFacts, TopicsState } from "./topics-state.ts";

export const partitionsDefault = 4;

/**
 * The reading side of a folder of topics: takes no lock, writes nothing, and sees what the journal covers. A folder
 * that does not exist has no topics.
 */
export class EmbeddedTopics {
  readonly folder: TopicsFolder;
  readonly #journal: Journal;

  constructor(folder: TopicsFolder) {
    this.folder = folder;
    this.#journal = new Journal(folder.directory, folder.files, "read");
  }

  /** As of the last `refresh`. */
  get state(): TopicsState {
    return this.#journal.state;
  }

  /** Looks what others have written since; true if there was something. Cheap if there was not. */
  refresh(): Promise<boolean> {
    return withFileErrors("read", this.folder.directory, () => this.#journal.refresh());
  }

  /** All topics by name, as of now. */
  async list(): Promise<readonly TopicFacts[]> {
    await this.refresh();
    return this.state.topics();
  }

  /** Throws TOPIC_MISSING. */
  async topic(name: string): Promise<TopicFacts> {
    await this.refresh();
    const topic = this.state.topic(name);
    if (topic !== undefined) return topic;
    const names = this.state.topics().map((other) => other.name);
    const nearest = nearestName(name, names);
    throw new EngineError(
      "TOPIC_MISSING",
      `topic ${name} does not exist in ${this.folder.directory}`,
      nearest === undefined ? {} : { hint: `Did you mean ${nearest}?` },
    );
  }

  close(): Promise<void> {
    return this.#journal.close();
  }
}
