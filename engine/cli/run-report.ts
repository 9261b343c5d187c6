import { formatInstant } from "../core/event-time.ts";
import type { NodeFigures, RunOptions, RunProgress, RunSummary } from "../runtime/run.ts";
import { number } from "./output.ts";

/** One line, as on a terminal while a job runs. */
export function progressLine(progress: RunProgress): string {
  const { records, elapsedMs, watermarkMs, lag, rejected, openWindows, epoch } = progress;
  const rate = elapsedMs > 0 ? Math.round((records * 1000) / elapsedMs) : 0;
  return [
    `${number(records)} records`,
    `${number(rate)}/s`,
    `watermark ${watermarkMs === undefined ? "none yet" : formatInstant(watermarkMs)}`,
    ...(lag === undefined ? [] : [`lag ${number(lag.amount)} ${lag.unit}`]),
    `rejected ${number(rejected)}`,
    `open windows ${number(openWindows)}`,
    `epoch ${epoch}`,
  ].join(" · ");
}

function outcomeText({ outcome, records, elapsedMs }: RunSummary): string {
  const seconds = (elapsedMs / 1000).toFixed(1);
  const rate = elapsedMs > 0 ? ` (${number(Math.round((records * 1000) / elapsedMs))}/s)` : "";
  if (outcome === "already_finished") return "had already finished; nothing was changed";
  const verb = outcome === "finished" ? "reached the end" : "stopped, drained";
  return `${verb}: ${number(records)} records in ${seconds} s${rate}`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    `  ${row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")}`.trimEnd(),
  );
}

function portsText({ ports, absorbed, made }: NodeFigures): string {
  const parts = Object.entries(ports).map(([port, count]) => `${port} ${number(count)}`);
  if (absorbed > 0) parts.push(`absorbed ${number(absorbed)}`);
  if (made > 0) parts.push(`made ${number(made)}`);
  return parts.join(", ");
}

/** What a run did, for people. */
export function summaryText(summary: RunSummary, options: RunOptions): string {
  const { job, nodes, faults, windows, outputs, checkpoints, epoch } = summary;
  const width = Math.max(...nodes.map(({ node }) => node.length));
  const lines = [`${job} ${outcomeText(summary)}`, "", "records, over all runs on this state"];
  for (const node of nodes) {
    lines.push(`  ${node.node.padEnd(width)}  in ${number(node.in)}: ${portsText(node)}`);
  }
  if (faults.length > 0) {
    lines.push("", "set aside, with reason");
    lines.push(
      ...table(faults.map(({ node, code, count }) => [`${node}: ${code}`, number(count)])),
    );
  }
  lines.push(
    "",
    `windows: ${number(windows.fired)} results fired, ${number(windows.open)} open`,
    `checkpoints: ${number(checkpoints)} in this run, epoch ${number(epoch)}`,
    `state: ${options.stateDirectory}`,
    "outputs",
    ...table(outputs.map(({ sink, records, target }) => [`${sink} -> ${target}`, number(records)])),
  );
  return `${lines.join("\n")}\n`;
}
