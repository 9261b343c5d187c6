import { RE2JS } from "re2js";
import { LinearSearch } from "./linear-search.ts";

/** Pictures such as `[D1o] [MNn] [Y0001]` (XPath's format-dateTime), as far as reading a text needs them. */

interface PicturePart {
  /** The letter of the component; absent for literal text. */
  readonly component: string | undefined;
  /** What the part matches: a regular expression without groups. */
  readonly pattern: string;
  /** Reads what it matched; undefined if it is no such value. */
  readonly read: (text: string) => number | undefined;
}

export interface DatePicture {
  readonly parts: readonly PicturePart[];
  /** One group per part. */
  readonly search: LinearSearch;
}

interface Marker {
  readonly component: string;
  /** First presentation modifier, with the second behind a semicolon: an integer picture, or a kind of names. */
  readonly presentation: string;
  readonly widthMin: number | undefined;
  readonly widthMax: number | undefined;
}

/** Code units of a picture, digits that a width modifier may ask for, and components spelled in words. */
const pictureLimits = { length: 256, width: 100, words: 5 } as const;

const integerComponents = "YMDdFWwXxHhmsf";
const defaultPresentations: Readonly<Record<string, string>> = {
  Y: "1",
  M: "1",
  D: "1",
  d: "1",
  F: "n",
  W: "1",
  w: "1",
  X: "1",
  x: "1",
  H: "1",
  h: "1",
  P: "n",
  m: "01",
  s: "01",
  f: "1",
  Z: "01:01",
  z: "01:01",
  C: "n",
  E: "n",
};

/** What a hostile picture could ask for; undefined if it is within the limits. */
export function pictureFault(picture: string): string | undefined {
  if (picture.length > pictureLimits.length)
    return `A picture has at most ${pictureLimits.length} characters`;
  const markers = piecesOf(picture).filter((piece) => typeof piece !== "string");
  const spelled = markers.filter(({ presentation }) => /^(?:[wW]|Ww)(?:;|$)/.test(presentation));
  if (spelled.length > pictureLimits.words)
    return `A picture has at most ${pictureLimits.words} components in words`;
  const widths = markers.flatMap(({ widthMin, widthMax }) => [widthMin ?? 0, widthMax ?? 0]);
  return widths.some((width) => width > pictureLimits.width)
    ? `A width in a picture is at most ${pictureLimits.width}`
    : undefined;
}

/** `readInteger` reads a text by an integer picture. The picture must be well-formed. Throws if it cannot be matched. */
export function readPicture(
  picture: string,
  readInteger: (text: string, picture: string) => number | undefined,
): DatePicture {
  const found = piecesOf(picture);
  const parts = found.map((piece, index): PicturePart => {
    if (typeof piece === "string") {
      return { component: undefined, pattern: RE2JS.quote(piece), read: () => undefined };
    }
    const next = found[index + 1];
    const fixed = typeof next === "object" && isInteger(next) && isInteger(piece);
    return partOf(piece, fixed ? digitsOf(piece) : 0, readInteger);
  });
  const groups = parts.map((part) => `(${part.pattern})`).join("");
  const pattern = RE2JS.compile(`^${groups}$`, RE2JS.CASE_INSENSITIVE);
  return {
    parts,
    search: new LinearSearch(pattern, {
      foreign: undefined,
      anchored: true,
      stopsAtMatch: false,
    }),
  };
}

function piecesOf(picture: string): readonly (string | Marker)[] {
  const pieces: (string | Marker)[] = [];
  // `[[` and `]]` stand for brackets, everything else in brackets is a marker.
  for (const [text, marker] of picture.matchAll(/\[\[|\[([^\]]*)\]|(?:\]\]|[^[])+/g)) {
    if (marker !== undefined) pieces.push(markerOf(marker.replaceAll(/\s+/g, "")));
    else pieces.push(text === "[[" ? "[" : text.replaceAll("]]", "]"));
  }
  return pieces;
}

function markerOf(text: string): Marker {
  const comma = text.lastIndexOf(",");
  const [min, max] = comma < 0 ? [] : text.slice(comma + 1).split("-", 2);
  const width = (part: string | undefined): number | undefined =>
    part === undefined || part === "*" ? undefined : Number.parseInt(part, 10);
  const component = text[0] ?? "";
  const given = comma < 0 ? text.slice(1) : text.slice(1, comma);
  const second = given.length > 1 && "atco".includes(given.at(-1) ?? "");
  const presentation =
    given === ""
      ? (defaultPresentations[component] ?? "")
      : second
        ? `${given.slice(0, -1)};${given.at(-1)}`
        : given;
  return { component, presentation, widthMin: width(min), widthMax: width(max) };
}

function isInteger({ component, presentation }: Marker): boolean {
  return integerComponents.includes(component) && !/^[nN]/.test(presentation);
}

/** How many digits an integer has that another one follows directly. */
function digitsOf({ component, presentation, widthMin, widthMax }: Marker): number {
  if (component === "Y" && widthMax !== undefined) return widthMax;
  const picture = presentation.split(";")[0] ?? "";
  const digits = /^(?:[aAiIwW]|Ww)$/.test(picture) ? 0 : (picture.match(/\p{Nd}/gu) ?? []).length;
  return Math.max(digits, widthMin ?? 0);
}

function partOf(
  marker: Marker,
  digits: number,
  readInteger: (text: string, picture: string) => number | undefined,
): PicturePart {
  const { component, presentation } = marker;
  if (component === "Z" || component === "z") return zonePart(component, presentation);
  if (component === "f") {
    return {
      component,
      pattern: "[0-9]+",
      read: (text) => Number(`0.${text.slice(0, 3)}`) * 1000,
    };
  }
  if (!isInteger(marker)) return namesPart(marker);
  return {
    component,
    pattern: integerPattern(presentation, digits),
    read: (text) => readInteger(text, presentation),
  };
}

const words =
  "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|" +
  "zeroth|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|" +
  "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|twentieth|thirtieth|fortieth|fiftieth|sixtieth|seventieth|eightieth|ninetieth|hundredth|" +
  "thousand|million|billion|trillion|thousandth|millionth|billionth|trillionth|and|[-, ]";

function integerPattern(presentation: string, digits: number): string {
  const [picture, modifier] = presentation.split(";");
  if (picture === "a" || picture === "A") return "[a-z]+";
  if (picture === "i" || picture === "I") return "[mdclxvi]+";
  if (picture === "w" || picture === "W" || picture === "Ww") return `(?:${words})+`;
  const suffix = modifier === "o" ? "(?:th|st|nd|rd)" : "";
  return `[0-9]${digits > 0 ? `{${digits}}` : "+"}${suffix}`;
}

function zonePart(component: string, presentation: string): PicturePart {
  const [separator] = /[^0-9#]/.exec(presentation.split(";")[0] ?? "") ?? [];
  const prefix = component === "z" ? "GMT" : "";
  const minutes = separator === undefined ? "" : `${RE2JS.quote(separator)}[0-9]+`;
  return {
    component,
    pattern: `${prefix}[-+][0-9]+${minutes}`,
    read: (text) => zoneMinutes(text.slice(prefix.length), separator),
  };
}

/** Minutes count forwards even behind a negative hour, as in jsonata. */
function zoneMinutes(text: string, separator: string | undefined): number {
  const split =
    separator === undefined ? (text.length > 3 ? 3 : text.length) : text.indexOf(separator);
  const hours = Number.parseInt(text.slice(0, split), 10);
  const rest = text.slice(separator === undefined ? split : split + separator.length);
  return hours * 60 + (rest === "" ? 0 : Number.parseInt(rest, 10));
}

const months =
  "January February March April May June July August September October November December".split(
    " ",
  );
const days = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(" ");

function namesPart({ component, widthMax }: Marker): PicturePart {
  const cut = (name: string): string => (widthMax === undefined ? name : name.slice(0, widthMax));
  const names =
    component === "M" || component === "x" ? months : component === "F" ? days : undefined;
  const values = new Map(
    names?.map((name, index) => [cut(name), index + 1]) ?? [
      ["am", 0],
      ["AM", 0],
      ["pm", 1],
      ["PM", 1],
    ],
  );
  return { component, pattern: "[a-zA-Z]+", read: (text) => values.get(text) };
}
