/** How deep a source text nests, told from its characters alone. */
export interface SourceShape {
  readonly nesting: number;
  /** Nested brackets that hold `?:` or `??`, counted along the deepest line of them. */
  readonly defaultNesting: number;
  /** Offset of the bracket at which `nesting` (or, if small, `defaultNesting`) was reached. */
  readonly deepestAt: number;
}

/** Skips texts, quoted names, comments and regular expressions by the rules of jsonata's tokenizer. */
export function scan(source: string): SourceShape {
  let nesting = 0;
  let defaultNesting = 0;
  let deepestAt = 0;
  // One entry per open bracket: whether it holds a default operator, and the deepest count inside it.
  const open: { at: number; defaults: boolean; inside: number }[] = [
    { at: 0, defaults: false, inside: 0 },
  ];
  const close = (): void => {
    const bracket = open.pop();
    if (bracket === undefined) return;
    const count = bracket.inside + (bracket.defaults ? 1 : 0);
    if (count > defaultNesting) defaultNesting = count;
    const outer = open.at(-1);
    if (outer !== undefined && count > outer.inside) outer.inside = count;
  };
  let afterOperand = false;
  for (let at = 0; at < source.length; at++) {
    const character = source[at] ?? "";
    if (" \t\n\r\v".includes(character)) continue;
    if (character === '"' || character === "'" || character === "`") {
      at = endOfQuoted(source, at);
      afterOperand = true;
    } else if (character === "/" && source[at + 1] === "*") {
      const end = source.indexOf("*/", at + 2);
      at = end < 0 ? source.length : end + 1;
    } else if (character === "/" && !afterOperand) {
      at = endOfRegex(source, at);
      afterOperand = true;
    } else if ("([{".includes(character)) {
      open.push({ at, defaults: false, inside: 0 });
      if (open.length - 1 > nesting) {
        nesting = open.length - 1;
        deepestAt = at;
      }
      afterOperand = false;
    } else if (")]}".includes(character)) {
      if (open.length > 1) close();
      afterOperand = true;
    } else if (character === "?" && (source[at + 1] === ":" || source[at + 1] === "?")) {
      const current = open.at(-1);
      if (current !== undefined) current.defaults = true;
      at++;
      afterOperand = false;
    } else {
      afterOperand = /[\p{L}\p{N}_$]/u.test(character);
    }
  }
  while (open.length > 0) close();
  return { nesting, defaultNesting, deepestAt };
}

function endOfQuoted(source: string, from: number): number {
  const quote = source[from];
  for (let at = from + 1; at < source.length; at++) {
    if (source[at] === "\\" && quote !== "`") at++;
    else if (source[at] === quote) return at;
  }
  return source.length;
}

function endOfRegex(source: string, from: number): number {
  let depth = 0;
  for (let at = from + 1; at < source.length; at++) {
    const character = source[at] ?? "";
    if (character === "\\") at++;
    else if ("([{".includes(character)) depth++;
    else if (")]}".includes(character)) depth--;
    else if (character === "/" && depth === 0) return at;
  }
  return source.length;
}
