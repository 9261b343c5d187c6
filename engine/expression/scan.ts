/** How deep a source text nests, told from its characters alone. */
export interface SourceShape {
  readonly nesting: number;
  /** Nested brackets that hold `?:` or `??`, counted along the deepest line of them. */
  readonly defaultNesting: number;
  /** Operators beside each other and around each other, along the deepest line of them; a bracket counts as two. */
  readonly operators: number;
  /** Offset of the operator at which `operators` was reached. */
  readonly operatorsAt: number;
  /** Offset of the bracket at which `nesting` (or, if small, `defaultNesting`) was reached. */
  readonly deepestAt: number;
}

/** What is known of an open bracket. */
interface Bracket {
  /** It holds a default operator. */
  defaults: boolean;
  /** The deepest count of default brackets inside it. */
  inside: number;
  /** Since its last comma or semicolon. */
  operators: number;
  /** The deepest line of operators of the brackets since then. */
  within: number;
  /** The deepest line of operators so far. */
  deepest: number;
}

function newBracket(): Bracket {
  return { defaults: false, inside: 0, operators: 0, within: 0, deepest: 0 };
}

/** What a bracket costs the compiler's stack, in operators. */
const operatorsPerBracket = 2;

const wordCharacter = /[\p{L}\p{N}_$]/u;

/** Skips texts, quoted names, comments and regular expressions by the rules of jsonata's tokenizer. */
export function scan(source: string): SourceShape {
  let nesting = 0;
  let defaultNesting = 0;
  let deepestAt = 0;
  let operators = 0;
  let operatorsAt = 0;
  const open: Bracket[] = [newBracket()];
  const operator = (at: number): void => {
    const current = open.at(-1);
    if (current === undefined) return;
    current.operators++;
    note(current, at);
  };
  const note = (current: Bracket, at: number): void => {
    current.deepest = Math.max(current.deepest, current.operators + current.within);
    if (current.deepest <= operators) return;
    operators = current.deepest;
    operatorsAt = at;
  };
  const close = (at: number): void => {
    const closed = open.pop();
    if (closed === undefined) return;
    const count = closed.inside + (closed.defaults ? 1 : 0);
    if (count > defaultNesting) defaultNesting = count;
    const outer = open.at(-1);
    if (outer === undefined) return;
    if (count > outer.inside) outer.inside = count;
    outer.within = Math.max(outer.within, closed.deepest + operatorsPerBracket);
    note(outer, at);
  };
  let afterOperand = false;
  let operatorWord = false;
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
      const regex = regexAt(source, at);
      if (open.length - 1 + regex.nesting > nesting) {
        nesting = open.length - 1 + regex.nesting;
        deepestAt = at;
      }
      at = regex.end;
      afterOperand = true;
    } else if ("([{".includes(character)) {
      if (afterOperand) operator(at);
      open.push(newBracket());
      if (open.length - 1 > nesting) {
        nesting = open.length - 1;
        deepestAt = at;
      }
      afterOperand = false;
    } else if (")]}".includes(character)) {
      if (open.length > 1) close(at);
      afterOperand = true;
    } else if (character === "?" && (source[at + 1] === ":" || source[at + 1] === "?")) {
      const current = open.at(-1);
      if (current !== undefined) current.defaults = true;
      operator(at);
      at++;
      afterOperand = false;
    } else if (",;".includes(character)) {
      const current = open.at(-1);
      if (current !== undefined) Object.assign(current, { operators: 0, within: 0 });
      afterOperand = false;
    } else if (wordCharacter.test(character)) {
      // A word behind an operand is one of `and`, `or`, `in`.
      if (!wordCharacter.test(source[at - 1] ?? "")) {
        operatorWord = afterOperand;
        if (operatorWord) operator(at);
      }
      afterOperand = !operatorWord;
    } else {
      // The second half of an operator counts, the first does not.
      if (!":~!".includes(character)) operator(at);
      afterOperand = false;
    }
  }
  while (open.length > 0) close(source.length);
  return { nesting, defaultNesting, deepestAt, operators, operatorsAt };
}

function endOfQuoted(source: string, from: number): number {
  const quote = source[from];
  for (let at = from + 1; at < source.length; at++) {
    if (source[at] === "\\" && quote !== "`") at++;
    else if (source[at] === quote) return at;
  }
  return source.length;
}

function regexAt(source: string, from: number): { readonly end: number; readonly nesting: number } {
  let depth = 0;
  let nesting = 0;
  for (let at = from + 1; at < source.length; at++) {
    const character = source[at] ?? "";
    if (character === "\\") at++;
    else if ("([{".includes(character)) nesting = Math.max(nesting, ++depth);
    else if (")]}".includes(character)) depth--;
    else if (character === "/" && depth === 0) return { end: at, nesting };
  }
  return { end: source.length, nesting };
}
