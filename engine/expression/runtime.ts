import { add, divide, multiply, negate, remainder, subtract } from "./arithmetic.ts";
import { builtinValue, callBuiltin, checkedValue } from "./builtins/builtin.ts";
import { filter, map } from "./builtins/higher-order.ts";
import { codePointsOf, isCurrency, round } from "./builtins/job-functions.ts";
import { numberOf, sum } from "./builtins/numbers.ts";
import { after, before, pad, splitPart, splitText } from "./builtins/strings.ts";
import {
  errorEnvelope,
  isFinal,
  lateFacts,
  millisBetween,
  processingTime,
  revision,
  windowFacts,
} from "./builtins/times.ts";
import { call, chain, lambda, partial, signedLambda, tailCall } from "./calls.ts";
import {
  differs,
  equals,
  greater,
  greaterOrEqual,
  includes,
  less,
  lessOrEqual,
} from "./comparison.ts";
import { arrayOf, groupContext, grouped, objectOf, range } from "./grouping.ts";
import { ordered, orderedLast } from "./ordering.ts";
import {
  descendants,
  eachItem,
  filterItems,
  itemAt,
  keptPath,
  lastItem,
  markConstructed,
  startItems,
  walkNames,
  wildcard,
} from "./paths.ts";
import { concatenable, joined, textOf } from "./text.ts";
import { transform } from "./transform.ts";
import { truthy } from "./truth.ts";
import {
  eachTuple,
  filterTuples,
  groupedTuples,
  numberedTuples,
  orderedTuples,
  startTuples,
  tupleAt,
  tupleStream,
  tupleValues,
} from "./tuples.ts";
import { collapse, itemsOf, kept, member, plain } from "./values.ts";

/** Everything that generated code may call, by the name it has there. */
export const runtime = {
  add,
  after,
  arrayOf,
  before,
  builtinValue,
  call,
  callBuiltin,
  chain,
  checkedValue,
  codePointsOf,
  collapse,
  concatenable,
  descendants,
  differs,
  divide,
  eachItem,
  equals,
  errorEnvelope,
  filter,
  filterItems,
  greater,
  greaterOrEqual,
  groupContext,
  grouped,
  includes,
  isArray: Array.isArray,
  isCurrency,
  isFinal,
  itemAt,
  itemsOf,
  joined,
  kept,
  keptPath,
  lambda,
  lastItem,
  lateFacts,
  less,
  lessOrEqual,
  map,
  markConstructed,
  member,
  millisBetween,
  multiply,
  negate,
  numberOf,
  objectOf,
  ordered,
  orderedLast,
  pad,
  partial,
  plain,
  processingTime,
  range,
  remainder,
  revision,
  round,
  signedLambda,
  splitPart,
  splitText,
  startItems,
  subtract,
  sum,
  tailCall,
  textOf,
  transform,
  truthy,
  walkNames,
  wildcard,
  eachTuple,
  filterTuples,
  groupedTuples,
  numberedTuples,
  orderedTuples,
  startTuples,
  tupleAt,
  tupleStream,
  tupleValues,
  windowFacts,
} as const;

export type RuntimeName = keyof typeof runtime;
