// Lines of orders of every kind, as text or, where no text can say it, as bytes.

const regions = ["US", "EU", "UK", "CA", "AU", "BR"];
const oddCustomers = [
  "walkin",
  "CUST-",
  "CUST--7",
  "-us-",
  "cust-eu-00009",
  "CUST-Uk-1",
  // The Kelvin sign is a k in lower case.
  "CUST-U\u212A-1",
  "CUST-UK-Łódź",
  "CUST-AU-日本-😀",
  "CUST-EU-e\u0301",
  "CUST-constructor-1",
  "CUST-__proto__-2",
  "CUST-us -3",
  "CUST-\\u0055S-4",
  'CUST-CA-\\"5\\"',
];
/** As JSON. */
const oddAmounts = [
  '"0.01"',
  "0.01",
  '"999999.99"',
  "999999.99",
  '"999999.990"',
  "12.10",
  '"12.10"',
  "12.1",
  '"12.005"',
  "12.005",
  '"0.015"',
  '"0.0149999999999999999999999999999999999"',
  '"007.50"',
  '"49.99"',
  '"49.999999"',
  '"50"',
  "50.00",
  '"500"',
  "500.0",
  '"500.01"',
  '"500.000000000000000000000000000000001"',
  "149.99",
  '"0.0625"',
  '"0.10"',
];
const currencies = ["USD", "EUR", "GBP", "CAD", "AUD", "JPY", "CHF"];
const statuses = ["confirmed", "pending_payment", "shipped", "delivered", "cancelled"];
/** Members that must leave as they came: `"name":value`. */
const extras = [
  '"note":"plain"',
  '"big":12345678901234567890',
  '"huge":1e400',
  '"tiny":-1E-400',
  '"price":0.10',
  '"ratio":1.0',
  '"zero":-0',
  '"sci":1.5e+3',
  '"digits":0.1000000000000000055511151231257827021181583404541015625',
  '"__proto__":{"order_id":"stolen","amount":1.50}',
  '"constructor":{"prototype":{"polluted":true}}',
  '"toString":null',
  '"10":"ten","2":"two","01":"text","4294967295":"no index"',
  '"twice":1,"other":[],"twice":2.0',
  '"":"no name"',
  '"escapes":"\\u00e9\\/\\b\\f\\n\\r\\t\\"\\\\\\u2028"',
  '"lone":"\\ud83d"',
  '"emoji":"😀","kyrillic":"Привет","nul":"\\u0000"',
  '"nested":{"list":[1,1.0,1E2,{"deep":[[[0.30]]]}],"3":3,"1":1}',
  '"region":"xx"',
  '"tax":"999.99"',
  '"processed_at":"never"',
  '"merchant_id":null,"order_value_category":7',
  '"looks":"{\\"amount\\": 1e400}"',
  `"deep":${"[".repeat(60)}0.50${"]".repeat(60)}`,
];

/** A valid order with this event time. `plain`: its time as UTC with its milliseconds. */
export function validOrder(dice, id, timeMs, plain) {
  const odd = dice.chance(0.15);
  return orderLine(
    dice,
    membersOf(dice, id, plain ? plainTime(timeMs) : anyTime(dice, timeMs), odd),
    odd,
  );
}

function membersOf(dice, id, timestamp, odd) {
  const number = String(dice.below(50_000)).padStart(5, "0");
  const customer =
    odd && dice.chance(0.5) ? dice.pick(oddCustomers) : `CUST-${dice.pick(regions)}-${number}`;
  const amount =
    odd && dice.chance(0.6)
      ? dice.pick(oddAmounts)
      : `"${1 + Math.floor(1000 * dice.fraction() ** 3)}.${String(dice.below(100)).padStart(2, "0")}"`;
  return new Map([
    ["order_id", `"${id}"`],
    ["customer_id", `"${customer}"`],
    ["amount", amount],
    ["currency", `"${dice.pick(currencies)}"`],
    ["status", `"${dice.pick(statuses)}"`],
    ["timestamp", `"${timestamp}"`],
    [
      "items_count",
      odd ? dice.pick(["0", "2.0", "1e1", "3", "9007199254740993"]) : String(1 + dice.below(9)),
    ],
  ]);
}

function orderLine(dice, members, odd) {
  const parts = [...members].map(([name, value]) => `"${name}":${value}`);
  if (odd && dice.chance(0.7)) {
    parts.splice(dice.below(parts.length + 1), 0, dice.pick(extras));
    if (dice.chance(0.3)) parts.push('"last":{"x":1.10}');
  }
  if (odd && dice.chance(0.1)) {
    return ` {\t${parts.map((part) => part.replace(":", " : ")).join(" ,\t")} }${dice.pick(["", " ", "\r", "\t\r"])}`;
  }
  return `{${parts.join(",")}}`;
}

function plainTime(timeMs) {
  return new Date(timeMs).toISOString();
}

/** The instant in one of many notations: offsets, and 0 to 9 digits of a second, of which three count. */
function anyTime(dice, timeMs) {
  const offsetMinutes = dice.chance(0.6)
    ? 0
    : dice.pick([330, -480, 60, 0, 345, -1439, 1439, -210]);
  const local = new Date(timeMs + offsetMinutes * 60_000).toISOString();
  const whole = local.slice(0, 19);
  const milliseconds = local.slice(20, 23);
  const zone = zoneText(dice, offsetMinutes);
  if (milliseconds === "000" && dice.chance(0.5)) return `${whole}${zone}`;
  const more = dice.chance(0.7)
    ? ""
    : String(dice.below(1_000_000))
        .padStart(6, "9")
        .slice(0, 1 + dice.below(6));
  const shortest =
    more === "" && dice.chance(0.5) ? milliseconds.replace(/(?<=.)0+$/, "") : milliseconds;
  return `${whole}.${shortest}${more}${zone}`;
}

function zoneText(dice, offsetMinutes) {
  if (offsetMinutes === 0) return dice.chance(0.9) ? "Z" : dice.pick(["+00:00", "-00:00"]);
  const minutes = Math.abs(offsetMinutes);
  const pad = (number) => String(number).padStart(2, "0");
  return `${offsetMinutes < 0 ? "-" : "+"}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
}

/** A line that leaves as a dead letter, whatever its event time. */
export function faultyLine(dice, id, timeMs) {
  const members = membersOf(dice, id, plainTime(timeMs), false);
  const line = () => orderLine(dice, members, false);
  const withMember = (name, value) => {
    if (value === undefined) members.delete(name);
    else members.set(name, value);
    return orderLine(dice, members, dice.chance(0.3));
  };
  return dice.pick(faults)(dice, withMember, line, timeMs);
}

const names = [
  "order_id",
  "customer_id",
  "amount",
  "currency",
  "status",
  "timestamp",
  "items_count",
];
const badAmounts = [
  '"1e3"',
  '"0x10"',
  '" 12"',
  '"12 "',
  '"1,000"',
  '"+5"',
  '".5"',
  '"5."',
  '""',
  '"-"',
  '"NaN"',
  '"Infinity"',
  '"١٢"',
  "1e3",
  "1E-2",
  "1.5e400",
  "null",
  "true",
  "[12]",
  '{"amount":12}',
  `"${"9".repeat(39)}"`,
  "9".repeat(39),
  `"0.${"0".repeat(38)}"`,
  '"12\\n"',
];
const unfitAmounts = [
  '"0"',
  "0",
  '"0.00"',
  "-0.0",
  '"-0"',
  '"-5"',
  "-12.50",
  '"0.001"',
  '"0.0099999"',
  '"1000000.00"',
  "1000000",
  '"999999.991"',
  `"${"9".repeat(38)}"`,
];
const badTimes = [
  "2025-02-30T10:00:00Z",
  "2025-02-29T10:00:00Z",
  "2025-13-01T10:00:00Z",
  "2025-00-10T10:00:00Z",
  "2025-01-00T10:00:00Z",
  "2025-04-31T00:00:00Z",
  "1900-02-29T00:00:00Z",
  "2025-01-13T24:00:00Z",
  "2025-01-13T10:60:00Z",
  "2025-01-13T10:00:60Z",
  "2025-01-13T10:00:00",
  "2025-01-13t10:00:00Z",
  "2025-01-13T10:00:00z",
  "2025-01-13 10:00:00Z",
  "2025-01-13T10:00:00+0530",
  "2025-01-13T10:00:00+14",
  "2025-01-13T10:00:00+24:00",
  "2025-01-13T10:00:00+05:60",
  "2025-01-13T10:00:00.1234567890Z",
  "2025-01-13",
  "13/01/2025",
  "",
  " 2025-01-13T10:00:00Z",
  "2025-01-13T10:00:00Z ",
  "0000-01-01T00:00:00Z",
  "2025-1-13T10:00:00Z",
];
const faults = [
  (dice, withMember) => withMember(dice.pick(names), undefined),
  (dice, withMember) => withMember(dice.pick(names), dice.pick(["null", "[]", "{}", "true"])),
  (dice, withMember) =>
    withMember(dice.pick(["order_id", "customer_id", "currency", "status"]), '""'),
  (dice, withMember) =>
    withMember(
      "order_id",
      dice.pick(["17", "12345678901234567890", '["a","b"]', '{"a":0.10}', "false"]),
    ),
  (dice, withMember) => withMember("items_count", dice.pick(['"3"', "3.5", "-1", "1e400", "-0.5"])),
  (dice, withMember) => withMember("amount", dice.pick(badAmounts)),
  (dice, withMember) => withMember("timestamp", JSON.stringify(dice.pick(badTimes))),
  (dice, withMember, _line, timeMs) => withMember("timestamp", String(timeMs)),
  (dice, withMember) => withMember("amount", dice.pick(unfitAmounts)),
  (dice, withMember) => withMember("amount", dice.pick(unfitAmounts)),
  (dice, withMember) =>
    withMember(
      "currency",
      `"${dice.pick(["XYZ", "XXX", "XTS", "DEM", "usd", "Eur", "US", "USDD", "US$", "ÜSD", "__proto__"])}"`,
    ),
  (dice, withMember) =>
    withMember("status", `"${dice.pick(["lost", "Confirmed", "confirmed ", "constructor"])}"`),
  (dice, _withMember, line) => line().slice(0, 1 + dice.below(line().length - 1)),
  (dice, _withMember, line) =>
    `${line()}${dice.pick(["x", "{}", ",", "}", " null", "// comment"])}`,
  (dice) =>
    dice.pick([
      "{",
      "}",
      "NaN",
      "{'a':1}",
      "{a:1}",
      '{"a":1,}',
      '{"a":01}',
      '{"a":.5}',
      '{"a":+1}',
      '{"a":"\t"}',
      "undefined",
      '{"a":1e}',
      '"\\x"',
    ]),
  (dice) =>
    dice.pick(["null", "5", '"text"', "[]", "[{}]", "true", "-0", '[{"order_id":"x"}]', "1e400"]),
  (dice, _withMember, line) => `${"[".repeat(65 + dice.below(100))}${line()}`,
  (dice, withMember) => withMember("deep", `${"[".repeat(64)}${"]".repeat(64)}`),
  (dice, _withMember, line) => Buffer.concat([Buffer.from(line()), dice.pick(brokenBytes)]),
  (dice, _withMember, line) =>
    Buffer.concat([
      Buffer.from('{"order_id":"'),
      dice.pick(brokenBytes),
      Buffer.from(line().slice(14)),
    ]),
];
/** Lone continuation, overlong slash, UTF-16 surrogate, cut sequence, beyond Unicode, Latin-1 e acute. */
const brokenBytes = ["80", "c0af", "eda080", "e282", "f4908080", "e9"].map((hex) =>
  Buffer.from(hex, "hex"),
);
