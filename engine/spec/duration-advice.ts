import { formatDuration, parseDuration } from "../core/duration.ts";

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  msec: 1,
  millis: 1,
  millisecond: 1,
  milliseconds: 1,
  s: 1_000,
  sec: 1_000,
  secs: 1_000,
  second: 1_000,
  seconds: 1_000,
  m: 60_000,
  min: 60_000,
  mins: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  hrs: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
  w: 604_800_000,
  week: 604_800_000,
  weeks: 604_800_000,
};

const rule = "an integer and one unit of ms, s, m, h, d, such as 10s or 24h";

/** Why `text` is no duration, and what to write. Only for text that `parseDuration` refuses. */
export function adviseDuration(text: string): { message: string; suggestion: string } {
  const shown = JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
  const trimmed = text.trim();
  if (/^[0-9]+$/.test(trimmed)) {
    return {
      message: `${trimmed.slice(0, 40)} has no unit`,
      suggestion: `write "${trimmed.slice(0, 15)}s" if seconds are meant; a duration is ${rule}`,
    };
  }
  if (/^[-−]\s*[0-9P]/.test(trimmed)) {
    return { message: `${shown} is negative`, suggestion: "a duration is 0s or longer" };
  }
  const ms = readLoosely(trimmed);
  if (ms === undefined) {
    return { message: `${shown} is no duration`, suggestion: `a duration is ${rule}` };
  }
  const written = Number.isSafeInteger(ms) ? formatDuration(ms) : undefined;
  if (written === undefined || parseDuration(written) === undefined) {
    const value = written === undefined ? "" : ` (${written})`;
    return {
      message: `${shown}${value} is out of range`,
      suggestion: "a duration is whole milliseconds, shorter than 100 years",
    };
  }
  return {
    message: `${shown} is no duration: ${rule} is expected`,
    suggestion: `write "${written}"`,
  };
}

/** `10 min`, `1.5h`, `1h30m`, `1e3s`, `PT5M` in ms. */
function readLoosely(text: string): number | undefined {
  if (text.length > 60) return undefined;
  const iso = /^P(?:([0-9.]+)D)?(?:T(?:([0-9.]+)H)?(?:([0-9.]+)M)?(?:([0-9.]+)S)?)?$/i.exec(text);
  const parts: [string, string][] =
    iso === null
      ? Array.from(
          text.matchAll(/([0-9]+(?:\.[0-9]+)?(?:e[0-9]{1,3})?)\s*([a-z]+)[\s,]*/gi),
          (match) => [match[1] ?? "", (match[2] ?? "").toLowerCase()],
        )
      : (["d", "h", "m", "s"] as const).flatMap((unit, index) => {
          const amount = iso[index + 1];
          return amount === undefined ? [] : [[amount, unit] as [string, string]];
        });
  const rest =
    iso === null
      ? text.replace(/([0-9]+(?:\.[0-9]+)?(?:e[0-9]{1,3})?)\s*([a-z]+)[\s,]*/gi, "")
      : "";
  if (parts.length === 0 || rest !== "") return undefined;
  let ms = 0;
  for (const [amount, unit] of parts) {
    const unitMs = Object.hasOwn(unitsMs, unit) ? unitsMs[unit] : undefined;
    if (unitMs === undefined) return undefined;
    ms += Number(amount) * unitMs;
  }
  return ms;
}
