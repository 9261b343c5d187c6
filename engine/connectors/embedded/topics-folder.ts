import { join } from "node:path";
import type { Clock } from "../../core/clock.ts";
import type { FileSystem } from "../../core/file-system.ts";
import type { TopicFacts } from "./topics-state.ts";

/** What everything that works on one folder of topics is handed. */
export interface TopicsFolder {
  /** Absolute. */
  readonly directory: string;
  readonly files: FileSystem;
  readonly clock: Clock;
}

/** Starts every topic's directory name, so that no topic can be called like another file of the folder. */
const topicDirectory = /^[0-9]+\./u;

/** At most 255 bytes, as file systems want. The number alone tells two apart, also where case does not count. */
export function topicDirectoryName(number: number, topic: string): string {
  return `${number}.${topic}`.slice(0, 255);
}

/** True if the folder holds directories of topics. */
export async function hasTopicDirectories(folder: TopicsFolder): Promise<boolean> {
  const names = await folder.files.list(folder.directory);
  return names.some((name) => topicDirectory.test(name));
}

export function partitionPath(folder: TopicsFolder, topic: TopicFacts, partition: number): string {
  return join(folder.directory, topic.directory, `${partition}.log`);
}
