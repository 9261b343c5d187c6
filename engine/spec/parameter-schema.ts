import type { JsonObject } from "../core/json.ts";

/** The grammar of ids and of the names of parameters. */
export const namePattern = "^[a-z][a-z0-9_]*$";
export const nameGrammar: RegExp = new RegExp(namePattern);

/** The `parameters:` block: this layer reads it itself, whatever else a job may hold. */
export const parametersSchema: JsonObject = {
  type: "object",
  description: "Values that `${name}` and `$param('name')` refer to.",
  propertyNames: { pattern: namePattern },
  additionalProperties: {
    type: "object",
    properties: {
      default: {
        type: ["string", "number", "boolean"],
        description: "Value if nothing overrides it; without one the parameter must be given.",
      },
      env: {
        type: "string",
        minLength: 1,
        description: "Environment variable that overrides the default.",
      },
      secret: {
        type: "boolean",
        description: "Never shown, never read by an expression, only put into `kafka:`.",
      },
      type: {
        enum: ["text", "number", "boolean"],
        description: "What overriding text is read as; without it, what the default is.",
      },
      description: { type: "string" },
    },
    additionalProperties: false,
  },
};
