import { dirname, join, relative, sep } from "node:path";
import { EngineError } from "../core/errors.ts";
import type { FileSystem } from "../core/file-system.ts";
import type { Connections } from "./connections.ts";
import type { RunOptions } from "./run.ts";

/**
 * Refuses outputs that would overwrite what the job reads, what it is made of, its state, or each other, whatever
 * links lead there. Reads only. Throws EngineError OUTPUT_COLLIDES.
 */
export async function checkOutputFiles(
  { sources, files: sinks }: Pick<Connections, "sources" | "files">,
  { stateDirectory, jobFiles = [] }: Pick<RunOptions, "stateDirectory" | "jobFiles">,
  files: FileSystem,
): Promise<void> {
  const stateFolder = await placeOf(stateDirectory, files);
  /** Who needs the file, by its identity. */
  const taken = new Map<string, string>();
  for (const path of jobFiles) taken.set(await identityOf(path, files), "the job is made of");
  for (const [id, { source }] of sources) {
    if (source.file === undefined) continue;
    taken.set(await identityOf(source.file, files), `source ${id} reads`);
  }
  for (const [id, sink] of sinks) {
    for (const path of sink.writes) {
      const identity = await identityOf(path, files);
      const owner = taken.get(identity);
      if (owner !== undefined) throw collision(id, path, `is what ${owner}`);
      if ((await placeOf(path, files)).startsWith(stateFolder + sep)) {
        throw collision(id, path, "lies in the state directory");
      }
      taken.set(identity, `sink ${id} writes`);
    }
  }
}

/** Equal for all paths that lead to one file. One that does not exist yet is known by its folder. */
async function identityOf(path: string, files: FileSystem): Promise<string> {
  const facts = await files.stat(path);
  return facts === undefined ? placeOf(path, files) : `${facts.device}:${facts.inode}`;
}

/** The path without links, as far as it exists. */
async function placeOf(path: string, files: FileSystem): Promise<string> {
  for (let existing = path; ; existing = dirname(existing)) {
    const real = await files.realPath(existing);
    if (real !== undefined) return join(real, relative(existing, path));
    if (existing === dirname(existing)) return path;
  }
}

function collision(sinkId: string, path: string, why: string): EngineError {
  return new EngineError("OUTPUT_COLLIDES", `sink ${sinkId} would write ${path}, which ${why}`, {
    hint: "give the sink a file of its own; nothing was written",
  });
}
