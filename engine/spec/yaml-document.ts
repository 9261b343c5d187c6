import { Composer, Lexer, Parser, CST } from "yaml";
import type { ParsedNode, YAMLError } from "yaml";
import type { Finding } from "../core/finding.ts";
import { makeFinding } from "./findings.ts";
import type { FindingText } from "./findings.ts";
import { limits } from "./limits.ts";
import type { SourceRange, SourceText } from "./source-text.ts";

export interface YamlDocument {
  /** Undefined if the text is no YAML, or too much of it; null if it holds nothing. */
  readonly root: ParsedNode | null | undefined;
  readonly findings: readonly Finding[];
}

/** Lexemes that start a node or leave room for an empty one. */
const nodeLexemes: ReadonlySet<string> = new Set([
  "alias",
  "scalar",
  "single-quoted-scalar",
  "double-quoted-scalar",
  "block-scalar-header",
  "flow-map-start",
  "flow-seq-start",
  "seq-item-ind",
  "map-value-ind",
  "explicit-key-ind",
]);

/** YAML 1.2 text to the parser's tree: one document, no directives, no foreign tags, within the limits. */
export function parseYaml(file: string, source: SourceText): YamlDocument {
  const findings: Finding[] = [];
  const report = (range: SourceRange, text: FindingText) => {
    findings.push(makeFinding(file, source.span(range), text));
  };
  try {
    const tokens = readTokens(source.text, report);
    return { root: tokens && compose(tokens, source.text, report), findings };
  } catch (error) {
    // Text that drives the parser itself out of its bounds, such as argument lists beyond the stack.
    const reason = error instanceof Error ? error.message : String(error);
    report(
      { start: 0, end: 1 },
      { code: "SPEC_SYNTAX", message: `the YAML parser gave up on this text (${reason})` },
    );
    return { root: undefined, findings };
  }
}

type Report = (range: SourceRange, text: FindingText) => void;

/** The concrete syntax of the only document. The limits hold while reading: the tree never gets deeper or larger. */
function readTokens(text: string, report: Report): readonly CST.Token[] | undefined {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let lexemes = 0;
  let nodes = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    lexemes += 1;
    if (nodeLexemes.has(parser.stack.at(-1)?.type === "block-scalar" ? "" : lexemeType(lexeme)))
      nodes += 1;
    const tooLarge = excess(parser.stack, nodes, lexemes);
    if (tooLarge !== undefined) {
      const start = Math.max(0, parser.offset - 1);
      report({ start, end: start + 1 }, { code: "SPEC_TOO_LARGE", message: tooLarge });
      return undefined;
    }
  }
  for (const token of parser.end()) tokens.push(token);
  return withoutRefused(tokens, report);
}

function lexemeType(lexeme: string): string {
  // A plain scalar is announced by one mark of its own, so its text need not be classified.
  return lexeme === CST.SCALAR
    ? "scalar"
    : lexeme.length > 2 && !/^["'*|>]/.test(lexeme)
      ? ""
      : (CST.tokenType(lexeme) ?? "");
}

function excess(stack: readonly CST.Token[], nodes: number, lexemes: number): string | undefined {
  if (stack.length > limits.depth + 1) {
    const depth = stack.filter((token) => CST.isCollection(token)).length;
    if (depth > limits.depth) return `lists and maps are nested deeper than ${limits.depth}`;
  }
  // Empty places are counted twice here; the exact count is made on the tree.
  if (nodes > 2 * limits.nodes) return tooManyNodes;
  if (lexemes > limits.lexemes) return "the spec holds more words and signs than a job needs";
  return undefined;
}

export const tooManyNodes = `the spec holds more than ${limits.nodes} keys and values`;

/** Takes out directives and further documents, which are reported. */
function withoutRefused(tokens: readonly CST.Token[], report: Report): readonly CST.Token[] {
  const kept: CST.Token[] = [];
  let documents = 0;
  for (const token of tokens) {
    if (token.type === "directive") {
      report(tokenRange(token), {
        code: "SPEC_DIRECTIVE",
        message: `the directive ${token.source.trim().split(/\s/, 1).join("")} is not supported`,
        suggestion: "remove the line: a spec is YAML 1.2 without directives",
      });
      continue;
    }
    if (token.type === "document") {
      documents += 1;
      if (documents === 2) {
        const start = token.start.find((part) => part.type === "doc-start") ?? token;
        report(tokenRange(start), {
          code: "SPEC_SEVERAL_DOCUMENTS",
          message: "a second YAML document starts here; a spec is one document",
          suggestion: "one job per file",
        });
      }
    }
    if (documents < 2) kept.push(token);
  }
  return kept;
}

function tokenRange(token: { readonly offset: number; readonly source?: unknown }): SourceRange {
  const length = typeof token.source === "string" ? token.source.trimEnd().length : 1;
  return { start: token.offset, end: token.offset + Math.max(1, length) };
}

function compose(
  tokens: readonly CST.Token[],
  text: string,
  report: Report,
): ParsedNode | null | undefined {
  const composer = new Composer({
    version: "1.2",
    schema: "core",
    merge: false,
    resolveKnownTags: false,
    // Theirs compares every key with every other; ours walks a set.
    uniqueKeys: false,
    intAsBigInt: true,
    keepSourceTokens: true,
    strict: true,
    prettyErrors: false,
    logLevel: "silent",
  });
  const document = composer.compose(tokens, true, text.length).next().value;
  if (!document) return null;
  // Warnings are faults too: each says that the text may not mean what it seems to.
  const broken = reportErrors([...document.errors, ...document.warnings], text, report);
  return broken ? undefined : document.contents;
}

/** True if the tree cannot be trusted. */
function reportErrors(errors: readonly YAMLError[], text: string, report: Report): boolean {
  let broken = false;
  let lost = false;
  const places = new Set<number>();
  for (const error of errors.toSorted((a, b) => a.pos[0] - b.pos[0])) {
    const finding = describeError(error, text);
    const [start, end] = error.pos;
    if (finding.code === "SPEC_SYNTAX") {
      broken = true;
      // Once the parser has lost its place, further unexpected signs are an echo of the first.
      if (lost && error.code === "UNEXPECTED_TOKEN") continue;
      lost ||= error.code === "UNEXPECTED_TOKEN";
    }
    if (places.has(start) || places.size >= limits.findingsOfAKind) continue;
    places.add(start);
    report({ start, end: Math.max(end, start + 1) }, finding);
  }
  return broken;
}

const syntaxSuggestions: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "indent with spaces",
  BAD_INDENT: "keys of one map start in the same column",
  BLOCK_AS_IMPLICIT_KEY: "put the text in quotes if it holds a colon and a space",
  BLOCK_IN_FLOW:
    "put the text in quotes if it holds a question mark, a dash or a second colon before a space",
  MULTILINE_IMPLICIT_KEY: "is a colon missing after the key?",
  BAD_SCALAR_START: "put the text in quotes",
  BAD_DQ_ESCAPE: "write a backslash as \\\\, or use single quotes",
};

function describeError(error: YAMLError, text: string): FindingText {
  const [start] = error.pos;
  if (error.code === "UNEXPECTED_TOKEN" && text.slice(start - 1, start + 1) === "${") {
    const message = "a brace ends the plain text here";
    return { code: "SPEC_SYNTAX", message, suggestion: 'inside { } write "${name}" in quotes' };
  }
  const message = sentenceOf(error.message);
  const missing = /must be sufficiently indented and end with a ([\]}])/.exec(message)?.[1];
  if (missing !== undefined) {
    return {
      code: "SPEC_SYNTAX",
      message,
      suggestion: `indent what is inside, and close it with ${missing}`,
    };
  }
  if (error.code === "TAG_RESOLVE_FAILED" || error.code === "BAD_COLLECTION_TYPE") {
    const suggestion = "write the value without a tag";
    return { code: "SPEC_TAG", message: `tags are not supported: ${message}`, suggestion };
  }
  if (error.code === "BAD_ALIAS" || error.code === "ALIAS_PROPS") {
    return { code: "SPEC_ALIAS", message };
  }
  if (error.code === "RESOURCE_EXHAUSTION") {
    return { code: "SPEC_SYNTAX", message: "the YAML parser ran out of room here" };
  }
  return { code: "SPEC_SYNTAX", message, suggestion: syntaxSuggestions[error.code] };
}

/** The parser's messages start with a capital and may run over several lines. */
function sentenceOf(message: string): string {
  const line = message.replace(/\s+/g, " ").trim().slice(0, 200);
  return /^[A-Z][a-z]/.test(line) ? line[0]?.toLowerCase() + line.slice(1) : line;
}
