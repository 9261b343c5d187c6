import type { Finding, RelatedPlace } from "../core/finding.ts";
import { makeFinding, relatedPlace } from "./findings.ts";
import type { FindingText } from "./findings.ts";
import type { Span, SpecPath, SpecPositions } from "./job-spec.ts";

type Text = Omit<FindingText, "path">;

/** Collects findings by paths into the document. */
export class SpecFindings {
  readonly #file: string;
  readonly #positions: SpecPositions;
  #list: Finding[] = [];

  constructor(file: string, positions: SpecPositions) {
    this.#file = file;
    this.#positions = positions;
  }

  get list(): readonly Finding[] {
    return this.#list;
  }

  atValue(path: SpecPath, text: Text): void {
    this.#add(this.#positions.value(path), path, text);
  }

  atKey(path: SpecPath, text: Text): void {
    this.#add(this.#positions.key(path), path, text);
  }

  /** About `path`, at the value of another one. */
  at(place: SpecPath, which: "key" | "value", path: SpecPath, text: Text): void {
    this.#add(this.#positions[which](place), path, text);
  }

  /** In the text of the scalar at `path`. */
  inside(path: SpecPath, offset: number, length: number, text: Text): void {
    this.#add(this.#positions.inside(path, offset, length), path, text);
  }

  place(path: SpecPath, which: "key" | "value", message: string): RelatedPlace {
    return relatedPlace(this.#file, this.#positions[which](path), message);
  }

  /** What `attempt` finds, without keeping it; its result. */
  try<T>(attempt: () => T): { readonly found: readonly Finding[]; readonly result: T } {
    const kept = this.#list;
    this.#list = [];
    try {
      const result = attempt();
      return { found: this.#list, result };
    } finally {
      this.#list = kept;
    }
  }

  keep(findings: readonly Finding[]): void {
    for (const finding of findings) this.#list.push(finding);
  }

  #add(span: Span, path: SpecPath, text: Text): void {
    this.#list.push(makeFinding(this.#file, span, { ...text, path }));
  }
}
