import type { DatePicture } from "./date-picture.ts";
import { failure } from "./failure.ts";

/** From the components that a picture found in a text to an instant, by jsonata's rules for what may be missing. */

type Components = ReadonlyMap<string, number | undefined>;

/** Components from the most to the least significant. */
const calendar = ["Y", "M", "D"];
const clock24 = ["H", "m", "s", "f"];
const clock12 = ["P", "h", "m", "s", "f"];

/** ms since the epoch; undefined if the text does not fit the picture. `nowMs` stands in for missing leading components. */
export function readDate(
  text: string,
  picture: DatePicture,
  nowMs: number,
  offset: number,
): number | undefined {
  const found = picture.search.find(text, 0);
  if (found === undefined) return undefined;
  const components = new Map<string, number | undefined>();
  for (const [index, part] of picture.parts.entries()) {
    if (part.component !== undefined) {
      components.set(part.component, part.read(found.groups[index] ?? ""));
    }
  }
  return components.size === 0 ? undefined : instantOf(components, nowMs, offset);
}

/** True if something of `allowed` is given (zero counts as not given) and nothing of the rest of `all`. */
function only(components: Components, allowed: string, all: string): boolean {
  const given = [...all].filter((name) => Boolean(components.get(name)));
  return given.length > 0 && given.every((name) => allowed.includes(name));
}

function instantOf(components: Components, nowMs: number, offset: number): number {
  const dates = "YXMxWwdD";
  const ordinal = !only(components, "YMD", dates) && only(components, "Yd", dates);
  const weeks = only(components, "Xxw", dates) || only(components, "XW", dates);
  if (weeks) throw notReadable(offset);
  const times = "PHhmsf";
  const halfDays = !only(components, "Hmsf", times) && only(components, "Phmsf", times);
  const order = [...(ordinal ? ["Y", "D"] : calendar), ...(halfDays ? clock12 : clock24)];
  const filled = completed(components, order, nowMs, offset);
  const value = (name: string): number => filled.get(name) ?? components.get(name) ?? 0;
  const month = ordinal ? 0 : Math.max(value("M") - 1, 0);
  const day = ordinal ? value("d") : value("D");
  const hour = halfDays ? (value("h") % 12) + (value("P") === 1 ? 12 : 0) : value("H");
  const zone = (components.get("Z") || components.get("z")) ?? 0;
  const ms =
    Date.UTC(value("Y"), month, day, hour, value("m"), value("s"), value("f")) - zone * 60_000;
  if (Number.isNaN(ms)) throw notReadable(offset);
  return ms;
}

/** Missing components before the first given one are those of now, those behind the last one start values. */
function completed(
  components: Components,
  order: readonly string[],
  nowMs: number,
  offset: number,
): Components {
  const filled = new Map<string, number>();
  let started = false;
  let ended = false;
  for (const name of order) {
    const given = components.get(name);
    if (given === undefined) {
      filled.set(name, started ? (name === "M" || name === "D" ? 1 : 0) : fragment(nowMs, name));
      ended ||= started;
      continue;
    }
    if (ended) throw notReadable(offset);
    started = true;
    filled.set(name, given);
  }
  return filled;
}

function fragment(ms: number, component: string): number {
  const date = new Date(ms);
  switch (component) {
    case "Y":
      return date.getUTCFullYear();
    case "M":
      return date.getUTCMonth() + 1;
    case "D":
      return date.getUTCDate();
    case "H":
    case "h":
      return date.getUTCHours();
    case "m":
      return date.getUTCMinutes();
    case "s":
      return date.getUTCSeconds();
    case "f":
      return date.getUTCMilliseconds();
    default:
      return 0;
  }
}

function notReadable(offset: number): Error {
  return failure(
    "D3136",
    "The picture of $toMillis leaves a gap between the parts of a date, or uses weeks",
    offset,
  );
}
