import { compileExpression } from "../../engine/expression/compile.ts";
import { ExpressionError } from "../../engine/expression/expression.ts";
import { hostileRecord, languageAttacks } from "./attacks.ts";
import { emptyContext, emptyEvaluation } from "./context.ts";

/** Prints how each attack ends in this process: its reason, its message and its place. */
const endings = languageAttacks.map(({ source }) => {
  try {
    compileExpression(source, emptyContext).evaluate(hostileRecord, emptyEvaluation);
    return "value";
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return `${error.reason} ${error.offset} ${error.message}`;
  }
});
process.stdout.write(JSON.stringify(endings));
