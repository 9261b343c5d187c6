import { kill, pid } from "node:process";
import { EngineError } from "../core/errors.ts";
import type { FailpointName, Failpoints } from "../core/failpoints.ts";
import { failpointNames, noFailpoints } from "../core/failpoints.ts";
import { nearestName } from "../core/nearest.ts";

const actions = ["crash", "throw", "hang", "delay"] as const;
type Action = (typeof actions)[number];

interface Rule {
  readonly name: FailpointName;
  readonly action: Action;
  /** Acts at this hit, counted from 1. */
  readonly at: number;
}

/** How long `delay` holds the engine at its place. */
const delayMs = 200;
/** `hang` sleeps again and again, each time this long. */
const hangSliceMs = 60_000;

function parseRule(text: string): Rule {
  const match = /^([a-z.]+)=([a-z]+)(?:@([1-9][0-9]*))?$/.exec(text);
  const name = failpointNames.find((known) => known === match?.[1]);
  const action = actions.find((known) => known === match?.[2]);
  if (match === null || name === undefined || action === undefined) {
    const near = nearestName(match?.[1] ?? text, failpointNames);
    throw new EngineError("USAGE", `PIPELINE_FAILPOINTS: cannot read "${text}"`, {
      hint:
        "write name=crash|throw|hang|delay@N" +
        (near === undefined || name !== undefined ? "" : `; did you mean "${near}"?`),
    });
  }
  return { name, action, at: Number(match[3] ?? 1) };
}

/**
 * Failpoints from a script such as `commit.record.before=crash@3,outbox.sync.after=delay`. `crash` is kill -9 of this
 * process, `throw` an I/O error, `hang` never goes on. An empty script hits nothing.
 */
export function failpointScript(
  script: string | undefined,
  sleep: (ms: number) => Promise<void>,
): Failpoints {
  if (script === undefined || script === "") return noFailpoints;
  const rules = script.split(",").map((rule) => parseRule(rule.trim()));
  const hits = new Map<FailpointName, number>();
  return {
    async hit(name) {
      const hit = (hits.get(name) ?? 0) + 1;
      hits.set(name, hit);
      for (const rule of rules) {
        if (rule.name !== name || rule.at !== hit) continue;
        if (rule.action === "delay") await sleep(delayMs);
        else if (rule.action === "throw") {
          throw Object.assign(new Error(`EIO: failpoint ${name}`), { code: "EIO" });
        } else {
          if (rule.action === "crash") kill(pid, "SIGKILL");
          // Like a disk that does not answer: the process stays alive.
          for (;;) await sleep(hangSliceMs);
        }
      }
    },
  };
}
