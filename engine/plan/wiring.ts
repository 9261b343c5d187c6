import { nearestName } from "../core/nearest.ts";
import type { PortKind } from "../operators/operator.ts";
import type { JobSpec, SpecPath } from "../spec/job-spec.ts";
import { sourcePorts } from "./draft.ts";
import type { Draft, DraftSink, DraftStep } from "./draft.ts";
import type { Findings } from "./findings.ts";
import { isLost } from "./lost-parts.ts";
import type { PortReference } from "./plan.ts";

/** Who reads what, by name. */
export interface Wiring {
  /** Inputs of each step, by its id. */
  readonly steps: ReadonlyMap<string, readonly PortReference[]>;
  /** Inputs of each sink, by its id; `errors` is spelled out. */
  readonly sinks: ReadonlyMap<string, readonly PortReference[]>;
  readonly discarded: readonly PortReference[];
  /** Steps that read an error port, at once or through other steps. */
  readonly behindErrors: ReadonlySet<string>;
  /** Sinks that consume error ports: they have no `rejected` port of their own. */
  readonly errorSinks: ReadonlySet<string>;
}

export function portName(reference: PortReference): string {
  return `${reference.node}.${reference.port}`;
}

type Reader = "step" | "sink" | "discard";

/** An input as written: one port, or the word `errors`. */
type Input = { readonly path: SpecPath; readonly port: PortReference | "errors" };

/** Resolves every name of an input against the nodes of the draft. */
export class WiringReader {
  readonly #draft: Draft;
  readonly #findings: Findings;

  constructor(draft: Draft, findings: Findings) {
    this.#draft = draft;
    this.#findings = findings;
  }

  read(spec: JobSpec): Wiring {
    const { steps, sinks } = this.#draft;
    const stepInputs = new Map<string, readonly Input[]>();
    for (const step of steps.values()) stepInputs.set(step.id, this.#stepInputs(step, spec));
    const sinkInputs = new Map<string, readonly Input[]>();
    for (const sink of sinks.values()) sinkInputs.set(sink.id, this.#inputs(sink, "sink"));
    const discard = spec.root["discard"];
    const discarded = (Array.isArray(discard) ? discard : []).flatMap((text, index) =>
      typeof text === "string" ? this.#input(text, ["discard", index], "discard") : [],
    );

    const wiredSteps = new Map([...stepInputs].map(([id, inputs]) => [id, portsOf(inputs)]));
    const behindErrors = this.#behindErrors(wiredSteps);
    const errorSinks = new Set<string>();
    for (const [id, inputs] of sinkInputs) {
      const errors = inputs.some(
        ({ port }) =>
          port === "errors" || behindErrors.has(port.node) || this.kindOf(port) === "error",
      );
      if (errors) errorSinks.add(id);
    }
    const all = [...stepInputs.values(), ...sinkInputs.values(), discarded].flat();
    this.#refuseMissingRejected(all, errorSinks);
    const open = this.#openErrorPorts(portsOf(all), errorSinks);
    return {
      steps: wiredSteps,
      sinks: new Map(
        [...sinkInputs].map(([id, inputs]) => [
          id,
          inputs.flatMap(({ port }) => (port === "errors" ? open : [port])),
        ]),
      ),
      discarded: portsOf(discarded),
      behindErrors,
      errorSinks,
    };
  }

  /** Undefined if there is no such port. */
  kindOf(reference: PortReference): PortKind | undefined {
    const ports = this.#portsOf(reference.node);
    return ports !== undefined && Object.hasOwn(ports, reference.port)
      ? ports[reference.port]
      : undefined;
  }

  #portsOf(node: string): Readonly<Record<string, PortKind>> | undefined {
    if (this.#draft.sources.has(node)) return sourcePorts;
    if (node.startsWith("sinks.")) {
      return this.#draft.sinks.has(node.slice("sinks.".length)) ? { rejected: "error" } : undefined;
    }
    return this.#draft.steps.get(node)?.definition.ports;
  }

  #stepInputs(step: DraftStep, spec: JobSpec): readonly Input[] {
    if (isLost(spec, [...step.path, "input"])) return [];
    if (step.raw["input"] !== undefined) return this.#inputs(step, "step");
    const index = Number(step.path[1]);
    if (index > 0) {
      const above = [...this.#draft.steps.values()].find(({ path }) => path[1] === index - 1);
      return above === undefined
        ? []
        : [{ path: [...step.path, "id"], port: { node: above.id, port: "main" } }];
    }
    const sources = [...this.#draft.sources.keys()];
    const [only] = sources;
    if (only !== undefined && sources.length === 1) {
      return [{ path: [...step.path, "id"], port: { node: only, port: "main" } }];
    }
    if (sources.length > 1) {
      this.#findings.report([...step.path, "id"], {
        code: "SPEC_INPUT_UNCLEAR",
        message: `step ${step.id} must name its input: the job has ${sources.length} sources`,
        suggestion: `write \`input: ${sources[0]}\` or \`input: [${sources.join(", ")}]\``,
      });
    }
    return [];
  }

  #inputs(node: DraftStep | DraftSink, reader: Reader): readonly Input[] {
    const raw = node.raw["input"];
    const path = [...node.path, "input"];
    const inputs = Array.isArray(raw)
      ? raw.flatMap((text, index) =>
          typeof text === "string" ? this.#input(text, [...path, index], reader) : [],
        )
      : typeof raw === "string"
        ? this.#input(raw, path, reader)
        : [];
    const seen = new Set<string>();
    return inputs.filter((input) => {
      const name = input.port === "errors" ? "errors" : portName(input.port);
      if (!seen.has(name)) {
        seen.add(name);
        return true;
      }
      this.#findings.report(input.path, {
        code: "SPEC_INPUT_REPEATED",
        message: `${name} is named twice: each of its records would arrive twice`,
      });
      return false;
    });
  }

  #input(text: string, path: SpecPath, reader: Reader): readonly Input[] {
    if (text === "errors") {
      if (reader === "sink") return [{ path, port: "errors" }];
      this.#findings.report(path, {
        code: "SPEC_INPUT_ERRORS",
        message: "`errors` can only be the input of a sink",
        suggestion: "name the error port, such as `validate.rejected`",
      });
      return [];
    }
    const parts = text.split(".");
    const ofSink = parts[0] === "sinks" && parts.length > 2;
    const node = ofSink ? `sinks.${parts[1]}` : (parts[0] ?? "");
    const port = parts.slice(ofSink ? 2 : 1).join(".");
    if (this.#draft.broken.has(node)) return [];
    const ports = this.#portsOf(node);
    if (ports === undefined) {
      this.#unknownNode(node, path, reader);
      return [];
    }
    if (port === "" && (reader === "discard" || parts.length > 1)) {
      this.#findings.report(path, {
        code: "SPEC_PORT_UNKNOWN",
        message: `"${text}" names no port`,
        suggestion: `the ports of ${node} are ${Object.keys(ports).join(", ")}`,
      });
      return [];
    }
    const name = port === "" ? "main" : port;
    if (!Object.hasOwn(ports, name)) {
      const near = nearestName(name, Object.keys(ports));
      this.#findings.report(path, {
        code: "SPEC_PORT_UNKNOWN",
        message: `${node} has no port "${name}"; its ports are ${Object.keys(ports).join(", ")}`,
        ...(near === undefined ? {} : { suggestion: `did you mean "${node}.${near}"?` }),
      });
      return [];
    }
    if (ofSink && reader === "step") {
      this.#findings.report(path, {
        code: "SPEC_INPUT_SINK",
        message: `a step cannot read ${text}: sinks come after all steps`,
        suggestion: "let a sink read it",
      });
      return [];
    }
    return [{ path, port: { node, port: name } }];
  }

  #unknownNode(node: string, path: SpecPath, reader: Reader): void {
    const { sources, steps, sinks } = this.#draft;
    const names = [...sources.keys(), ...steps.keys(), ...(reader === "sink" ? ["errors"] : [])];
    const near = nearestName(node, names);
    if (near === undefined && this.#draft.nameless) return;
    const isSink = sinks.has(node);
    this.#findings.report(path, {
      code: "SPEC_INPUT_UNKNOWN",
      message: isSink
        ? `"${node}" is a sink; only its port sinks.${node}.rejected can be read`
        : `there is no source or step "${node}"`,
      suggestion: near === undefined ? `there are ${names.join(", ")}` : `did you mean "${near}"?`,
    });
  }

  #behindErrors(inputs: ReadonlyMap<string, readonly PortReference[]>): ReadonlySet<string> {
    const behind = new Set<string>();
    // Grows until nothing changes: it must also end on a graph with a cycle.
    for (let size = -1; size !== behind.size;) {
      size = behind.size;
      for (const [id, ports] of inputs) {
        if (ports.some((port) => behind.has(port.node) || this.kindOf(port) === "error")) {
          behind.add(id);
        }
      }
    }
    return behind;
  }

  #refuseMissingRejected(inputs: readonly Input[], errorSinks: ReadonlySet<string>): void {
    for (const { path, port } of inputs) {
      if (port === "errors" || !port.node.startsWith("sinks.")) continue;
      const sink = port.node.slice("sinks.".length);
      if (!errorSinks.has(sink)) continue;
      this.#findings.report(path, {
        code: "SPEC_PORT_UNKNOWN",
        message: `sink ${sink} consumes error ports, so it has no port "rejected": where its \`set\` fails it writes the bare envelope`,
      });
    }
  }

  /** Every error port that nothing names, in the order sources, steps, sinks. */
  #openErrorPorts(
    named: readonly PortReference[],
    errorSinks: ReadonlySet<string>,
  ): readonly PortReference[] {
    const taken = new Set(named.map(portName));
    return this.errorPorts(errorSinks).filter((port) => !taken.has(portName(port)));
  }

  errorPorts(errorSinks: ReadonlySet<string>): readonly PortReference[] {
    const { sources, steps, sinks } = this.#draft;
    const nodes = [
      ...sources.keys(),
      ...steps.keys(),
      ...[...sinks.keys()].filter((id) => !errorSinks.has(id)).map((id) => `sinks.${id}`),
    ];
    return nodes.flatMap((node) =>
      Object.entries(this.#portsOf(node) ?? {})
        .filter(([, kind]) => kind === "error")
        .map(([port]) => ({ node, port })),
    );
  }
}

function portsOf(inputs: readonly Input[]): readonly PortReference[] {
  return inputs.flatMap(({ port }) => (port === "errors" ? [] : [port]));
}
