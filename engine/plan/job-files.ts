import { JsonTextError, parseJsonExact, plainValue } from "../core/json-text.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { checkSchemaDocument } from "../schema/check-schema.ts";
import type { SpecPath } from "../spec/job-spec.ts";
import type { Findings } from "./findings.ts";
import { jsonPlaces, spanOf } from "./json-places.ts";
import type { JsonPlaces } from "./json-places.ts";
import { isObject } from "./raw.ts";

/** A file inside the project root: what messages call it, and its text. */
export interface TextFile {
  readonly file: string;
  readonly text: string;
}

interface FileProblem {
  readonly error: "missing" | "outside" | "unreadable";
}

export interface JsonFile extends TextFile {
  readonly value: JsonValue;
  readonly places: JsonPlaces;
}

/** What the plan may ask of the file system. Paths are relative to the spec's folder. */
export interface PlanFiles {
  /** Text of a file inside the project root. */
  readFile(path: string): TextFile | FileProblem;
  /** False if the path leaves the project root, links followed; the file need not exist. */
  isInside(path: string): boolean;
}

/** Deeper documents are refused before they are walked. */
const depthMax = 64;

/** The files that a spec names, read once each; what is wrong with them is reported where it stands. */
export class JobFiles {
  readonly #files: PlanFiles;
  readonly #findings: Findings;
  readonly #schemas = new Map<string, JsonObject | undefined>();

  constructor(files: PlanFiles, findings: Findings) {
    this.#files = files;
    this.#findings = findings;
  }

  /** The text of the file named at `place` of the spec. Undefined after reporting. */
  text(path: string, place: SpecPath): TextFile | undefined {
    if (!this.checkPath(path, place)) return undefined;
    const read = this.#files.readFile(path);
    if ("text" in read) return { file: read.file, text: read.text.replace(/^\uFEFF/, "") };
    if (read.error === "outside") this.#reportOutside(path, place);
    else if (read.error === "missing") {
      this.#findings.report(place, {
        code: "SPEC_FILE_MISSING",
        message: `there is no file ${JSON.stringify(path)}`,
        suggestion: "paths are relative to the folder of the spec",
      });
    } else {
      this.#findings.report(place, {
        code: "SPEC_FILE_UNREADABLE",
        message: `${JSON.stringify(path)} cannot be read as a text file in UTF-8`,
      });
    }
    return undefined;
  }

  /** False after reporting that `path` is no path inside the project root. */
  checkPath(path: string, place: SpecPath): boolean {
    const url = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(path);
    const absolute = path.startsWith("/") || path.startsWith("\\") || /^[A-Za-z]:[\\/]/.test(path);
    if (path === "" || path.includes("\0") || url || absolute) {
      this.#findings.report(place, {
        code: "SPEC_FILE_PATH",
        message: `${JSON.stringify(path)} is no path of a file${url ? ": nothing is loaded from the network" : ""}`,
        suggestion: "write a path relative to the folder of the spec",
      });
      return false;
    }
    if (this.#files.isInside(path)) return true;
    this.#reportOutside(path, place);
    return false;
  }

  /** The JSON document of a file. Undefined after reporting. */
  json(path: string, place: SpecPath, code: string): JsonFile | undefined {
    const read = this.text(path, place);
    if (read === undefined) return undefined;
    const { file, text } = read;
    if (depthOf(text) > depthMax) {
      this.#findings.reportIn(file, spanOf(text, 0, 0), {
        code,
        message: `the document is nested deeper than ${depthMax}`,
      });
      return undefined;
    }
    try {
      return { file, text, value: plainValue(parseJsonExact(text)), places: jsonPlaces(text) };
    } catch (error) {
      if (!(error instanceof JsonTextError)) throw error;
      const end = Math.min(error.offset + 1, text.length);
      this.#findings.reportIn(file, spanOf(text, Math.min(error.offset, end), end), {
        code,
        message: `no JSON: ${error.message}`,
      });
      return undefined;
    }
  }

  /** A record schema that passed its own checks. Undefined after reporting. */
  schema(path: string, place: SpecPath): JsonObject | undefined {
    if (!this.#schemas.has(path)) this.#schemas.set(path, this.#readSchema(path, place));
    return this.#schemas.get(path);
  }

  #readSchema(path: string, place: SpecPath): JsonObject | undefined {
    const document = this.json(path, place, "SCHEMA_JSON");
    if (document === undefined) return undefined;
    const { file, value, places } = document;
    for (const { name, span } of places.repeated) {
      this.#findings.reportIn(file, span, {
        code: "SCHEMA_KEY_REPEATED",
        message: `the name ${JSON.stringify(name)} stands twice in one object`,
      });
    }
    const faults = checkSchemaDocument(value);
    for (const { code, message, pointer, suggestion } of faults) {
      const aboutKey = code === "SCHEMA_UNKNOWN_KEYWORD" || code === "SCHEMA_UNSUPPORTED";
      const span = aboutKey ? places.key(pointer) : places.value(pointer);
      this.#findings.reportIn(file, span, {
        code,
        message,
        ...(suggestion === undefined ? {} : { suggestion }),
      });
    }
    return faults.length === 0 && places.repeated.length === 0 && isObject(value)
      ? value
      : undefined;
  }

  #reportOutside(path: string, place: SpecPath): void {
    this.#findings.report(place, {
      code: "SPEC_FILE_OUTSIDE",
      message: `${JSON.stringify(path)} lies outside the project`,
      suggestion:
        "the project is the nearest folder above the spec with .git or package.json, else the spec's folder",
    });
  }
}

/** Brackets open at once, strings left out. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === "{" || token === "[") deepest = Math.max(deepest, ++depth);
    else if (token === "}" || token === "]") depth -= 1;
  }
  return deepest;
}
