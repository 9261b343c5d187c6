/** Bounds of a spec (spec.md): they keep every check below a second whatever the text is. */
export const limits = {
  bytes: 1_000_000,
  /** Keys and values, aliases counted as what they stand for. */
  nodes: 20_000,
  /** Collections inside each other. */
  depth: 64,
  /** Spaces, comments, punctuation and scalars: what the parser has to look at. */
  lexemes: 200_000,
  /** Beyond these more findings of one kind tell nothing new. */
  findingsOfAKind: 20,
} as const;
