/**
 * A JSON number whose double would print other digits (`12345678901234567890`, `1e400`, `0.10`).
 * It computes as its double and leaves the engine as its source text (semantics.md section 1).
 */
export class NumberToken {
  readonly text: string;
  readonly number: number;

  constructor(text: string) {
    this.text = text;
    this.number = Number(text);
  }

  /** Keeps all digits visible in logs; records are written by `serializeValue`. */
  toJSON(): string {
    return this.text;
  }
}
