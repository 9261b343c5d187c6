import { writeSync } from "node:fs";
import { kill, pid } from "node:process";
import { EngineError } from "../core/errors.ts";
import type { FailpointName, Failpoints } from "../core/failpoints.ts";
import { failpointNames, noFailpoints } from "../core/failpoints.ts";
import { nearestName } from "../core/nearest.ts";

const actions = ["crash", "throw", "hang", "stop", "delay", "tell"] as const;
type Action = (typeof actions)[number];

interface Rule {
  readonly name: FailpointName;
  readonly action: Action;
  /** Acts at this hit, counted from 1; undefined: at every hit. */
  readonly at: number | undefined;
}

const stderrDescriptor = 2;
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
        "write name=crash|throw|hang|stop|delay|tell@N" +
        (near === undefined || name !== undefined ? "" : `; did you mean "${near}"?`),
    });
  }
  const everyHit = match[3] === undefined && action === "tell";
  return { name, action, at: everyHit ? undefined : Number(match[3] ?? 1) };
}

/**
 * Failpoints from a script such as `commit.record.before=crash@3,outbox.sync.after=delay`. `crash` is kill -9 of this
 * process, `stop` its kill -STOP, `throw` an I/O error; `hang` never goes on; `tell` writes `failpoint NAME` to stderr
 * before anything else happens (without `@N` at every hit), so that who watches knows how far this process came. An
 * empty script hits nothing.
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
        if (rule.name !== name || (rule.at ?? hit) !== hit) continue;
        if (rule.action === "tell") writeSync(stderrDescriptor, `failpoint ${name}\n`);
        else if (rule.action === "stop") kill(pid, "SIGSTOP");
        else if (rule.action === "delay") await sleep(delayMs);
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
