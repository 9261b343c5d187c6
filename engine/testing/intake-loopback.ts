import type { Catalog } from "../plan/catalog.ts";
import type { StartIntakeWorker } from "../runtime/intake-message.ts";
import { IntakeServer } from "../runtime/intake-server.ts";

/**
 * A worker on the caller's own thread: what goes in and out is cloned or transferred, as between threads. `turn` resolves when a
 * reply may arrive; at once unless told. `onIntake` is told of each batch.
 */
export function intakeLoopback(
  catalog: Catalog,
  turn: () => Promise<void> = () => Promise.resolve(),
  onIntake: () => void = () => {},
): StartIntakeWorker {
  return async (setup) => {
    const server = new IntakeServer(structuredClone(setup), catalog);
    let before = Promise.resolve();
    return {
      async intake(request) {
        onIntake();
        const transfer = [request.batch.buffer];
        const reply = server.intake(structuredClone(request, { transfer }));
        const replied = structuredClone(reply, {
          transfer: reply === undefined ? [] : [reply.buffer],
        });
        // Replies come in the order of the requests.
        before = before.then(turn);
        await before;
        return replied;
      },
      close: () => Promise.resolve(),
    };
  };
}
