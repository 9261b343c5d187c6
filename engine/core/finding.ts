/** One thing that `validate` found in a spec, schema or table. Lines and columns count from 1, columns in code points. */
export interface Finding {
  /** Stable, such as SPEC_UNKNOWN_FIELD. */
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly end_line: number;
  /** Exclusive. */
  readonly end_column: number;
  /** Place in the spec, such as `steps[3].ttl`. */
  readonly path?: string;
  /** What to write instead: `did you mean "ttl"?`. */
  readonly suggestion?: string;
  readonly related?: readonly RelatedPlace[];
}

export interface RelatedPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}
