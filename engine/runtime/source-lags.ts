import type { PartitionLag, Source } from "../connectors/connector.ts";
import type { JsonValue } from "../core/json.ts";
import type { Plan } from "../plan/plan.ts";
import { Connections } from "./connections.ts";
import type { ConnectionOptions, ConnectionPorts } from "./connections.ts";
import { RunEvaluation } from "./evaluation-scope.ts";

/** By partition; a text says why it is not known. */
export type SourceLag = readonly PartitionLag[] | string;

/**
 * How far saved positions, by source id, are behind the ends of their sources now. Reads only, beside a running job
 * too. A source that is not in the plan, or has no end to tell, is left out.
 */
export async function sourceLags(
  plan: Plan,
  positions: ReadonlyMap<string, readonly JsonValue[]>,
  options: ConnectionOptions,
  ports: ConnectionPorts,
): Promise<ReadonlyMap<string, SourceLag>> {
  const lags = new Map<string, SourceLag>();
  let connections: Connections | undefined;
  try {
    connections = new Connections(plan, options, ports, new RunEvaluation().context);
    for (const [id, { source }] of connections.sources) {
      const read = positions.get(id);
      const lag = read && (await lagOf(source, read));
      if (lag !== undefined) lags.set(id, lag);
    }
  } catch (error) {
    // Servers or secrets are not as the job needs them: what the state directory holds is told all the same.
    for (const id of positions.keys()) lags.set(id, messageOf(error));
  } finally {
    await connections?.close();
  }
  return lags;
}

async function lagOf(
  source: Source,
  positions: readonly JsonValue[],
): Promise<SourceLag | undefined> {
  try {
    return await source.lags?.(positions);
  } catch (error) {
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
