import type { JsonObject } from "../core/json.ts";
import type { SinkDefinition, SourceDefinition } from "../connectors/connector.ts";
import type { PortKind, StepDefinition } from "../operators/operator.ts";
import type { JobSpec, SpecPath } from "../spec/job-spec.ts";
import { nameGrammar } from "../spec/parameter-schema.ts";
import type { Catalog } from "./catalog.ts";
import type { Findings } from "./findings.ts";
import { isLost } from "./lost-parts.ts";
import { isObject, objectOf, textOf } from "./raw.ts";

/** A node of the graph as the spec wrote it, before anything refers to anything. */
interface DraftNode<Definition> {
  readonly id: string;
  readonly raw: JsonObject;
  readonly path: SpecPath;
  readonly definition: Definition;
}

export type DraftSource = DraftNode<SourceDefinition>;
export type DraftStep = DraftNode<StepDefinition>;
export type DraftSink = DraftNode<SinkDefinition>;

export interface Draft {
  readonly sources: ReadonlyMap<string, DraftSource>;
  /** In the order of the spec. */
  readonly steps: ReadonlyMap<string, DraftStep>;
  readonly sinks: ReadonlyMap<string, DraftSink>;
  /** Ids that the spec uses for nodes too broken to take part; references to them are not reported again. */
  readonly broken: ReadonlySet<string>;
  /** True if there are nodes whose id is not known: a name that nothing has may be theirs. */
  readonly nameless: boolean;
  /** False if nodes are missing, so that what looks unread or unknown may only be a consequence. */
  readonly complete: boolean;
}

/** Ports of a source; those of a step come from its definition. */
export const sourcePorts: Readonly<Record<string, PortKind>> = { main: "main", rejected: "error" };

/** The definition of a node's type; an unknown or missing type has been reported by the structural check. */
function definitionOf<D extends { readonly type: string }>(
  definitions: readonly D[],
  raw: JsonObject,
): D | undefined {
  return definitions.find((definition) => definition.type === raw["type"]);
}

export function readDraft(spec: JobSpec, catalog: Catalog, findings: Findings): Draft {
  const broken = new Set<string>();
  const places = new Map<string, { readonly path: SpecPath; readonly at: "key" | "value" }>();
  let complete = true;
  let nameless = false;

  function claim(id: string, path: SpecPath, at: "key" | "value"): boolean {
    const before = places.get(id);
    if (id === "errors") {
      findings.report(path, {
        code: "SPEC_ID_RESERVED",
        message: `"errors" is reserved: as the input of a sink it means every error port that nothing else consumes`,
        at,
      });
      return false;
    }
    if (before !== undefined) {
      findings.report(path, {
        code: "SPEC_ID_REPEATED",
        message: `the id "${id}" is used twice; sources and steps share one namespace`,
        at,
        related: [findings.place(before.path, "used here first", before.at)],
      });
      return false;
    }
    places.set(id, { path, at });
    return true;
  }

  function named<D extends { readonly type: string }>(
    section: "sources" | "sinks",
    definitions: readonly D[],
  ): Map<string, DraftNode<D>> {
    const nodes = new Map<string, DraftNode<D>>();
    for (const [id, raw] of Object.entries(objectOf(spec.root[section]))) {
      const path = [section, id];
      const definition = isObject(raw) ? definitionOf(definitions, raw) : undefined;
      const free = section === "sinks" || claim(id, path, "key");
      if (!free || !isObject(raw) || definition === undefined || !nameGrammar.test(id)) {
        if (section === "sources") broken.add(id);
        else broken.add(`sinks.${id}`);
        complete = false;
        continue;
      }
      nodes.set(id, { id, raw, path, definition });
    }
    return nodes;
  }

  const sources = named("sources", catalog.sources);
  const steps = new Map<string, DraftStep>();
  const list = spec.root["steps"];
  for (const [index, raw] of (Array.isArray(list) ? list : []).entries()) {
    const path = ["steps", index];
    const id = isObject(raw) ? textOf(raw["id"]) : undefined;
    const definition = isObject(raw) ? definitionOf(catalog.steps, raw) : undefined;
    const free = id !== undefined && claim(id, [...path, "id"], "value");
    if (!free || !isObject(raw) || definition === undefined || !nameGrammar.test(id)) {
      if (id === undefined) nameless = true;
      else broken.add(id);
      complete = false;
      continue;
    }
    steps.set(id, { id, raw, path, definition });
  }
  const sinks = named("sinks", catalog.sinks);
  const lostInputs =
    [...steps.values(), ...sinks.values()].some(({ path }) => isLost(spec, [...path, "input"])) ||
    [...sinks.values()].some(({ raw }) => raw["input"] === undefined);
  const lostSections = ["sources", "steps", "sinks", "discard"].some((name) =>
    isLost(spec, [name]),
  );
  if (lostInputs || lostSections) complete = false;
  if (lostSections) nameless = true;

  if (!lostSections && Object.keys(objectOf(spec.root["sources"])).length === 0) {
    findings.report(["sources"], {
      code: "SPEC_NO_SOURCE",
      message: "the job has no source",
      suggestion: "name at least one under `sources:`",
      at: "key",
    });
    complete = false;
  }
  if (!lostSections && Object.keys(objectOf(spec.root["sinks"])).length === 0) {
    findings.report(["sinks"], {
      code: "SPEC_NO_SINK",
      message: "the job has no sink: nothing it makes would go anywhere",
      suggestion: "name at least one under `sinks:`",
      at: "key",
    });
    complete = false;
  }
  return { sources, steps, sinks, broken, nameless, complete };
}
