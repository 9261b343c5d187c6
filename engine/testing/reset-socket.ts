import type { Socket } from "node:net";

/** Ends a connection at once, with a reset where that is possible. */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  // A reset waits for the connection and for what was written, and behind an end it fails and leaves the handle open.
  if (socket.connecting || socket.writableEnded || socket.writableLength > 0) socket.destroy();
  else socket.resetAndDestroy();
}
