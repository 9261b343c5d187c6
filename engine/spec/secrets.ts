import type { SpecPath } from "./job-spec.ts";
import { nameGrammar } from "./parameter-schema.ts";
import type { Parameters } from "./parameters.ts";
import type { SpecFindings } from "./spec-findings.ts";
import type { SpecMap, SpecNode } from "./spec-node.ts";
import { snakeCase } from "./vocabulary.ts";

/** Fields whose value is a secret, whatever else their name says; `..._file` names the place of one. */
const secretField =
  /(^|_)(password|passwd|passphrase|secret|token|jaas_config|private_key|credentials?|api_key|access_key|secret_key)(_(?!file$)|$)/;
const privateKeyText = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const suggestion =
  "declare a parameter with `secret: true` and an environment variable `env`, and write ${name} here";

/** Secrets stand in a spec only as `${name}` of parameters that are marked `secret: true` and have no default. */
export function checkSecrets(root: SpecMap, parameters: Parameters, findings: SpecFindings): void {
  const kafka = root.members.get("kafka")?.value;
  if (kafka !== undefined) checkNode(kafka, ["kafka"], false, parameters, findings);
  const declared = root.members.get("parameters")?.value;
  if (declared?.kind !== "map") return;
  for (const [name, { value }] of declared.members) {
    const fallback = value.kind === "map" ? value.members.get("default")?.value : undefined;
    const marked = value.kind === "map" ? value.members.get("secret")?.value : undefined;
    const secret = marked?.kind === "scalar" && marked.value === true;
    if (secret && fallback?.kind === "scalar" && fallback.text !== "") {
      findings.atValue(["parameters", name, "default"], {
        code: "SPEC_SECRET_LITERAL",
        message: `the default of the secret parameter ${name} is a secret in the spec`,
        suggestion: "remove the default and name an environment variable: `env: ...`",
      });
    }
  }
}

function checkNode(
  node: SpecNode,
  path: SpecPath,
  secret: boolean,
  parameters: Parameters,
  findings: SpecFindings,
): void {
  if (node.kind === "map") {
    for (const [name, { value }] of node.members) {
      const named = secret || secretField.test(snakeCase(name));
      checkNode(value, [...path, name], named, parameters, findings);
    }
  } else if (node.kind === "list") {
    for (const [index, item] of node.items.entries()) {
      checkNode(item, [...path, index], secret, parameters, findings);
    }
  } else if (node.value !== null && node.text !== "") {
    checkText(node.text, path, secret, parameters, findings);
  }
}

function checkText(
  text: string,
  path: SpecPath,
  secret: boolean,
  parameters: Parameters,
  findings: SpecFindings,
): void {
  if (!secret && !privateKeyText.test(text)) return;
  const name = /^\$\{([^}]*)\}$/.exec(text)?.[1];
  if (name === undefined || !nameGrammar.test(name)) {
    const message = `${String(path.at(-1))} is a secret and must not be written into the spec`;
    findings.atValue(path, { code: "SPEC_SECRET_LITERAL", message, suggestion });
  } else if (parameters.values.get(name)?.secret === false) {
    findings.atValue(path, {
      code: "SPEC_SECRET_LITERAL",
      message: `the parameter ${name} holds a secret and is not marked as one`,
      suggestion: `write \`secret: true\` under parameters.${name}`,
    });
  }
}
