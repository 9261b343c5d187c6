import { spend } from "./meter.ts";

/**
 * Up to this product of the lengths the host's `indexOf` is fast whatever the texts are. Beyond, a token that nearly
 * matches everywhere takes it time in proportion to the product: minutes for two texts of a megabyte.
 */
const productMax = 1_000_000;
/** Such tokens have no product to speak of. */
const shortToken = 16;

/** The first place of `token` at or behind `from`, -1 if there is none. */
export function indexOf(text: string, token: string, from: number): number {
  const fast = token.length <= shortToken || (text.length - from) * token.length <= productMax;
  const at = fast ? text.indexOf(token, from) : linearIndexOf(text, token, from);
  const looked = token.length + (at < 0 ? text.length : at + token.length) - from;
  if (looked > 1000) spend(Math.trunc(looked / 32 + (fast ? (looked * token.length) / 1000 : 0)));
  return at;
}

/** By Knuth, Morris and Pratt: never looks back in the text. */
function linearIndexOf(text: string, token: string, from: number): number {
  if (token.length > text.length - from) return -1;
  const borders = bordersOf(token);
  let matched = 0;
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    while (matched > 0 && unit !== token.charCodeAt(matched)) matched = borders[matched - 1] ?? 0;
    if (unit === token.charCodeAt(matched)) matched++;
    if (matched === token.length) return at + 1 - matched;
  }
  return -1;
}

/** For each beginning of the token: the length of the longest shorter beginning that is also its end. */
function bordersOf(token: string): Int32Array {
  const borders = new Int32Array(token.length);
  let length = 0;
  for (let at = 1; at < token.length; at++) {
    const unit = token.charCodeAt(at);
    while (length > 0 && unit !== token.charCodeAt(length)) length = borders[length - 1] ?? 0;
    if (unit === token.charCodeAt(length)) length++;
    borders[at] = length;
  }
  return borders;
}
