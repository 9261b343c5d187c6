import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { copyJob, JobFolder, lines } from "./job-folder.ts";

describe("P4: a command line that does not fit", () => {
  const cases: readonly (readonly [args: string, says: RegExp])[] = [
    [
      "run job.yaml --until-endd",
      /no such option or argument: until-endd\n.*did you mean --until-end\?/,
    ],
    ["validate job.yaml --formt json", /formt\n.*did you mean --format\?/],
    ["run job.yaml other.yaml", /no such option or argument: other\.yaml/],
    ["runn job.yaml", /did you mean run\?/],
    ["run", /an argument is missing/],
    ["", /Name a command/],
    ["run job.yaml --state-dir", /--state-dir needs a value/],
    ["run job.yaml --format", /--format needs a value/],
    ["run job.yaml --threads", /--threads needs a value/],
    ["run job.yaml --batch-size", /--batch-size needs a value/],
    ["consume nothing --max", /--max needs a value/],
    ["explain job.yaml --format", /--format needs a value/],
    ["run job.yaml --topics-dir", /--topics-dir needs a value/],
    ["state job.yaml --topics-dir", /--topics-dir needs a value/],
    ["produce nothing --topics-dir", /--topics-dir needs a value/],
    ["consume nothing --isolation --max 2", /--isolation needs a value/],
    ["run job.yaml --state-dir=", /--state-dir needs a value/],
    ["run job.yaml --state-dir a --state-dir b", /--state-dir is given 2 times/],
    ["run job.yaml --format xml", /format/],
    ["run job.yaml --checkpoint-interval soon", /write a duration above zero, such as 10s/],
    ["run job.yaml --checkpoint-interval 0s", /write a duration above zero, such as 10s/],
    ["run job.yaml --input lines=a --input lines=b", /--input lines= is given more than once/],
    ["run job.yaml --param a=1 --param a=2", /--param a= is given more than once/],
    ["run job.yaml --input lines", /write --input SOURCE=FILE/],
    ["run job.yaml --input nothing=in.jsonl", /nothing/],
    ["run job.yaml --param name", /write --param name=value/],
    ["run job.yaml --params-file /dev/null", /no such regular file/],
    ["run job.yaml --params-file in.jsonl", /is not JSON/],
    ["run missing.yaml", /there is no job file missing\.yaml/],
    ["run .", /is not a file/],
    ["run /proc/self/mem", /the job file \/proc\/self\/mem cannot be read/],
    ["run job.yaml --reset nobody", /nobody/],
    ["consume nothing --max -1", /max/],
  ];
  for (const [args, says] of cases) {
    it(`is refused with exit 2 and nothing done: ${args || "no command"}`, async (context) => {
      const folder = new JobFolder(context);
      folder.write("in.jsonl", lines(2));
      const { exit, stdout, stderr } = await folder.pipeline(...args.split(" ").filter(Boolean));
      assert.match(stderr, says);
      assert.equal(exit, 2, stderr);
      assert.equal(stdout, "");
      assert.doesNotMatch(stderr, /\n {4}at /);
      assert.throws(() => folder.read("out/copy.jsonl"));
    });
  }
});

describe("What the program says of itself", () => {
  for (const [option, says] of [
    ["--version", /^\d+\.\d+\.\d+\n$/],
    ["--help", /^pipeline <command>[^]*pipeline run <job>[^]*Show help/],
  ] as const) {
    it(`${option} is the same in any folder and language`, async (context) => {
      const folder = new JobFolder(context);
      folder.write("package.json", '{"name":"other","version":"other"}');
      const { exit, stdout } = await folder.pipeline(option);
      assert.equal(exit, 0);
      assert.match(stdout, says);
    });
  }
});

describe("validate", () => {
  it("checks every file that it is given, and tells the place, the text and what to write", async (context) => {
    const folder = new JobFolder(context);
    folder.write("bad.yaml", copyJob.replace("ttl: 1h", "tll: 1h"));
    folder.write("worse.yaml", copyJob.replace("type: dedupe", "type: distinct"));
    const { exit, stdout } = await folder.pipeline(
      "validate",
      "job.yaml",
      "bad.yaml",
      "worse.yaml",
    );
    assert.equal(exit, 3);
    assert.match(stdout, /^bad\.yaml:\d+:5 SPEC_UNKNOWN_FIELD .*did you mean "ttl"\?$/m);
    assert.match(stdout, /^worse\.yaml:\d+:11 SPEC_UNKNOWN_TYPE /m);
    assert.match(stdout, /in 3 files/);
  });

  it("P8: with --format json prints one JSON document and nothing else", async (context) => {
    const folder = new JobFolder(context);
    folder.write("bad.yaml", copyJob.replace("ttl: 1h", "tll: 1h"));
    const { exit, stdout } = await folder.pipeline("validate", "bad.yaml", "--format", "json");
    assert.equal(exit, 3);
    const result = JSON.parse(stdout) as {
      ok: boolean;
      findings: { code: string; file: string }[];
    };
    assert.equal(result.ok, false);
    assert.deepEqual(
      result.findings.map(({ code, file }) => `${file} ${code}`),
      ["bad.yaml SPEC_UNKNOWN_FIELD"],
    );
  });
});

describe("run", () => {
  it("P8: with --format json prints one JSON document and nothing else", async (context) => {
    const folder = new JobFolder(context);
    folder.write("in.jsonl", lines(50));
    const { exit, stdout, stderr } = await folder.run("--format", "json");
    assert.equal(exit, 0, stderr);
    const summary = JSON.parse(stdout) as { outcome: string; epoch: number };
    assert.equal(summary.outcome, "finished");
    assert.ok(summary.epoch > 0);
  });

  it("P3: writes no escape codes where there is no terminal", async (context) => {
    const folder = new JobFolder(context);
    folder.write("in.jsonl", lines(50));
    const { stdout, stderr } = await folder.run();
    assert.ok(stdout.length > 0 && stderr.length > 0);
    assert.ok(!`${stdout}${stderr}`.includes("\u001b"));
  });

  it("does nothing for a job that is not valid", async (context) => {
    const folder = new JobFolder(context, copyJob.replace("ttl: 1h", "tll: 1h"));
    folder.write("in.jsonl", lines(5));
    const { exit, stderr } = await folder.run();
    assert.equal(exit, 3);
    assert.match(stderr, /^job\.yaml:\d+:5 SPEC_UNKNOWN_FIELD /m);
    assert.throws(() => folder.read("out/copy.jsonl"));
  });
});

describe("A reader that goes away", () => {
  it("ends consume without a message", async (context) => {
    const folder = new JobFolder(context);
    folder.write("many.jsonl", lines(20_000));
    const made = await folder.pipeline("produce", "numbers", "--file", "many.jsonl");
    assert.equal(made.exit, 0, made.stderr);
    const { stdout, stderr } = folder.intoHead("consume", "numbers", "--from-beginning");
    assert.equal(stderr, "");
    assert.equal(stdout.split("\n").length, 2);
  });
});
