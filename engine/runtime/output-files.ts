import { dirname, join, relative } from "node:path";
import { EngineError } from "../core/errors.ts";
import type { FileSystem } from "../core/file-system.ts";
import type { Connections } from "./connections.ts";

/**
 * Refuses outputs that would overwrite what the job reads, what it was read from, or each other, whatever links lead
 * there. A link to nothing is seen through once its file was made. Reads only. Throws EngineError OUTPUT_COLLIDES.
 *
 * `jobPaths`: the files that the job was read from.
 */
export async function checkOutputFiles(
  { sources, files: sinks }: Pick<Connections, "sources" | "files">,
  jobPaths: readonly string[],
  files: FileSystem,
): Promise<void> {
  /** Who needs the file, by its identity. */
  const taken = new Map<string, string>();
  for (const path of jobPaths) taken.set(await identityOf(path, files), "the job is made of");
  for (const [id, { source }] of sources) {
    if (source.path === undefined) continue;
    taken.set(await identityOf(source.path, files), `source ${id} reads`);
  }
  for (const [id, sink] of sinks) {
    for (const path of sink.paths) {
      const identity = await identityOf(path, files);
      const owner = taken.get(identity);
      if (owner !== undefined) {
        throw new EngineError(
          "OUTPUT_COLLIDES",
          `sink ${id} would write ${path}, which is what ${owner}`,
          { hint: "give the sink a file of its own" },
        );
      }
      taken.set(identity, `sink ${id} writes`);
    }
  }
}

/** Equal for all paths that lead to one file. One that does not exist yet is known by its folder. */
async function identityOf(path: string, files: FileSystem): Promise<string> {
  try {
    return (await files.stat(path))?.identity ?? (await placeOf(path, files));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    // Whoever opens a path that leads through a file or a closed folder says so.
    if (code === "ENOTDIR" || code === "EACCES") return path;
    throw error;
  }
}

/** The path without links, as far as it exists. */
async function placeOf(path: string, files: FileSystem): Promise<string> {
  for (let existing = path; ; existing = dirname(existing)) {
    const real = await files.realPath(existing);
    if (real !== undefined) return join(real, relative(existing, path));
    if (existing === dirname(existing)) return path;
  }
}
