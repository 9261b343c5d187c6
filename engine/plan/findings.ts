import type { Finding, RelatedPlace } from "../core/finding.ts";
import { makeFinding, relatedPlace, sortFindings } from "../spec/findings.ts";
import type { JobSpec, Span, SpecPath, SpecPositions } from "../spec/job-spec.ts";

/** What is wrong and what to write instead; where it stands is said beside it. */
export interface Report {
  readonly code: string;
  readonly message: string;
  readonly suggestion?: string;
  readonly severity?: "error" | "warning";
  readonly related?: readonly RelatedPlace[];
}

/** Collects what the plan finds wrong with a spec and the files it names, with their positions. */
export class Findings {
  readonly #file: string;
  readonly #positions: SpecPositions;
  readonly #list: Finding[] = [];
  readonly #seen = new Set<string>();

  constructor(spec: JobSpec) {
    this.#file = spec.file;
    this.#positions = spec.positions;
  }

  /** At the value of `path`, or at the key that introduces it. */
  report(path: SpecPath, report: Report & { readonly at?: "key" | "value" }): void {
    const span = report.at === "key" ? this.#positions.key(path) : this.#positions.value(path);
    this.#add(this.#file, span, report, path);
  }

  /** At code unit `offset` of the scalar at `path`. */
  reportInside(path: SpecPath, offset: number, length: number, report: Report): void {
    this.#add(this.#file, this.#positions.inside(path, offset, length), report, path);
  }

  /** In a file that the spec names. */
  reportIn(file: string, span: Span, report: Report): void {
    this.#add(file, span, report, []);
  }

  place(path: SpecPath, message: string, at: "key" | "value" = "value"): RelatedPlace {
    const span = at === "key" ? this.#positions.key(path) : this.#positions.value(path);
    return relatedPlace(this.#file, span, message);
  }

  get failed(): boolean {
    return this.#list.some((finding) => finding.severity === "error");
  }

  /** By file, line and column. */
  get sorted(): readonly Finding[] {
    return sortFindings(this.#list);
  }

  #add(file: string, span: Span, report: Report, path: SpecPath): void {
    // Several parts of the plan may read the same bad value; it is one fault.
    const identity = [file, span.line, span.column, report.code, report.message].join("\n");
    if (this.#seen.has(identity)) return;
    this.#seen.add(identity);
    this.#list.push(makeFinding(file, span, { ...report, path }));
  }
}
