/** What people write out of habit from other languages: text up to the fault, text from there on, what to write here. */
const habits: readonly (readonly [before: RegExp, after: RegExp, advice: string])[] = [
  [/=$/, /^=/, "equality is a single ="],
  [/&$/, /^&/, 'write "and"; a single & joins texts'],
  [/$/, /^\|\|/, 'write "or"'],
  [/<$/, /^>/, "write !="],
  [/$/, /^!(?!=)/, "write $not(...)"],
  [/\bif\s*\(?$/, /^./, "write condition ? value : other value"],
  [
    /\/[im]*$/,
    /^[a-z]/,
    "a regular expression takes the flags i and m; $match, $replace and $split find all matches",
  ],
  [/(?:^|[^\w.])$/, /^\.\d/, "write the digit before the point: 0.5"],
  [/\$\{[^}]*$/, /^\}/, "a field is written without a mark: amount"],
];

/** Advice for a syntax error at `offset`, if it looks like a habit. */
export function syntaxAdvice(source: string, offset: number): string | undefined {
  const before = source.slice(0, offset);
  const after = source.slice(offset);
  return habits.find(([end, start]) => end.test(before) && start.test(after))?.[2];
}
