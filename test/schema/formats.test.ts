import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDescriptions, formats } from "../../engine/schema/formats.ts";

const labels = (length: number): string => "a".repeat(length);

const rows: readonly {
  readonly format: string;
  readonly good: readonly string[];
  readonly bad: readonly string[];
}[] = [
  {
    format: "decimal",
    good: ["0", "-0", "12", "12.50", "-0.01", "007", "9".repeat(38), `0.${"1".repeat(37)}`],
    bad: [
      "",
      "1e3",
      "0x10",
      " 12",
      "12 ",
      "1,000",
      "+5",
      ".5",
      "5.",
      "-",
      "NaN",
      "٣",
      "9".repeat(39),
    ],
  },
  {
    format: "date-time",
    good: [
      "2025-01-13T15:00:00Z",
      "2024-02-29T23:59:59.123456789+23:59",
      "0001-01-01T00:00:00Z",
      "9999-12-31T23:59:59Z",
    ],
    bad: [
      "",
      "2025-01-13",
      "2025-01-13T15:00:00",
      "2025-01-13 15:00:00Z",
      "2025-01-13t15:00:00z",
      "2025-02-30T00:00:00Z",
      "2025-01-13T24:00:00Z",
      "2025-01-13T23:59:60Z",
      "2025-01-13T15:00:00+14",
      "2025-01-13T15:00:00+1400",
    ],
  },
  {
    format: "date",
    good: ["2025-01-13", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31"],
    bad: [
      "",
      "2025-02-29",
      "1900-02-29",
      "2025-13-01",
      "2025-00-01",
      "2025-01-32",
      "2025-01-00",
    ].concat(["0000-01-01", "25-01-13", "2025-1-13", "2025-01-13Z", "2025-01-13\n"]),
  },
  {
    format: "time",
    good: ["15:00:00Z", "00:00:00.000000001-23:59", "23:59:59+00:00"],
    bad: [
      "",
      "15:00:00",
      "24:00:00Z",
      "15:60:00Z",
      "23:59:60Z",
      "15:00Z",
      "15:00:00.Z",
      "15:00:00+24:00",
    ],
  },
  {
    format: "uuid",
    good: ["123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000"],
    bad: ["", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g"].concat([
      "{123e4567-e89b-12d3-a456-426614174000}",
      "123e4567-e89b-12d3-a456-4266141740000",
    ]),
  },
  {
    format: "email",
    good: ["a@b", "first.last+tag@example.com", `${labels(64)}@example.com`],
    bad: [
      "",
      "a",
      "@b",
      "a@",
      "a@b@c",
      ".a@b",
      "a.@b",
      "a..b@c",
      "a b@c",
      "a@-b.com",
      '"a b"@c',
    ].concat([`${labels(65)}@example.com`, "a@b_c.com"]),
  },
  {
    format: "uri",
    good: [
      "https://example.com",
      "https://user@example.com:8080/path?q=1#top",
      "http://[::1]:80/",
      "mailto:someone@example.com",
      "urn:isbn:0451450523",
      "file:///etc/hosts",
      "https://example.com/%E2%82%AC",
    ],
    bad: [
      "",
      "example.com",
      "/path",
      "1http://example.com",
      "https://exa mple.com",
      "https://example.com/%zz",
      "https://example.com/€",
      "https://example.com:80a/",
      "https://[::1",
      "https://[nonsense]/",
      "https://example.com/a#b#c",
      "https://example.com/[x]",
      "http://a@b@c/",
    ],
  },
  {
    format: "ipv4",
    good: ["0.0.0.0", "127.0.0.1", "255.255.255.255"],
    bad: ["", "256.0.0.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4 ", "1.2.3.-4", "0x1.2.3.4"],
  },
  {
    format: "ipv6",
    good: [
      "::",
      "::1",
      "2001:db8::8a2e:370:7334",
      "1:2:3:4:5:6:7:8",
      "::ffff:192.0.2.1",
      "1::",
      "1:2:3:4:5:6:7::",
    ],
    bad: ["", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "g::"].concat(
      ["fe80::1%eth0", "::192.0.2.256", "192.0.2.1::", "1:2:3:4:5:6:7:8::", ":1:2:3:4:5:6:7:8"],
    ),
  },
  {
    format: "hostname",
    good: ["a", "example.com", "xn--bcher-kva.example", "1.2.3", labels(63), `${labels(63)}.com`],
    bad: [
      "",
      ".",
      "example.com.",
      "-a.com",
      "a-.com",
      "a_b.com",
      "bücher.example",
      labels(64),
    ].concat(["a..b", [labels(63), labels(63), labels(63), labels(63)].join(".")]),
  },
];

for (const { format, good, bad } of rows) {
  test(`the format ${format} takes what it names and nothing else`, () => {
    const check = formats.get(format);
    assert.ok(check);
    for (const text of good) assert.equal(check(text), true, JSON.stringify(text));
    for (const text of bad) assert.equal(check(text), false, JSON.stringify(text));
  });
}

test("every format has a table here and a description for messages", () => {
  assert.deepEqual([...formats.keys()].sort(), rows.map(({ format }) => format).sort());
  for (const format of formats.keys()) assert.ok(formatDescriptions[format]);
});
