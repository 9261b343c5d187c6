// The orders job (jobs/orders.yaml) recomputed from its rules: one record after the other, nothing shared with the
// engine.
import { add, compare, decimal, inCents } from "./amounts.mjs";
import { NumberText, readJson, writeJson } from "./exact-json.mjs";

const minute = 60_000;
const windowMs = 5 * minute;
const outOfOrdernessMs = 10 * minute;
const ttlMs = 24 * 60 * minute;
/** ttl / 96. */
const granularityMs = 15 * minute;
const nestingMax = 64;

/** In hundredths. */
const taxRates = new Map([
  ["us", 8n],
  ["eu", 19n],
  ["uk", 20n],
  ["ca", 5n],
  ["au", 10n],
]);
const statuses = new Set(["confirmed", "pending_payment", "shipped", "delivered", "cancelled"]);
/** Currencies that are certainly in use, and texts that certainly are none; with any other the oracle gives up. */
const currencies = new Set(
  "USD EUR GBP CAD AUD JPY CHF SEK NOK DKK PLN CZK HUF CNY INR BRL MXN ZAR NZD SGD HKD KRW TRY KWD".split(
    " ",
  ),
);
const noCurrencies = new Set([
  "XYZ",
  "XXX",
  "XTS",
  "DEM",
  "usd",
  "Eur",
  "US",
  "USDD",
  "US$",
  "ÜSD",
  "__proto__",
]);

/** Stands for what derives from processing time, and for messages whose wording the rules leave open. */
const leftOpen = "*";

/**
 * A line of an output as the rules can foretell it, everything open replaced. A line that is not compact JSON, or
 * whose open fields make no sense, stays as it is and so differs from any foretold one.
 */
export function comparable(output, line) {
  let record;
  try {
    record = readJson(line);
    if (!(record instanceof Map) || writeJson(record) !== line) return line;
  } catch {
    return line;
  }
  if (!checks[output](record)) return line;
  for (const name of openFields(output, record)) record.set(name, leftOpen);
  return writeJson(record);
}

const checks = {
  processed: hasProcessingTime,
  late: hasProcessingTime,
  aggregations: (record) => /^[0-9]{1,15}$/.test(record.get("processing_timestamp_ms")?.text),
  dlq: (record) =>
    isProcessingTime(record.get("error_timestamp")) &&
    typeof record.get("error_message") === "string",
};

function hasProcessingTime(record) {
  const processed = record.get("processed_at");
  const duration = record.get("processing_duration_ms");
  return (
    isProcessingTime(processed) &&
    duration?.number === instant(processed) - instant(record.get("timestamp"))
  );
}

function isProcessingTime(text) {
  return instant(text) !== undefined && text === new Date(instant(text)).toISOString();
}

function openFields(output, record) {
  if (output === "aggregations") return ["processing_timestamp_ms"];
  if (output !== "dlq") return ["processed_at", "processing_duration_ms"];
  return record.get("error_type") === "BUSINESS_RULE_VIOLATION"
    ? ["error_timestamp"]
    : ["error_message", "error_timestamp"];
}

/**
 * Feed it the lines of an input in order, then `end()`. Of several lanes each may be fed whole before the next, if all
 * records of an order are in one of them: clocks are those of a lane, and windows fire by the slowest. Calls
 * `emit(output, line)` with lines as `comparable` leaves them; `output` is processed, late, aggregations or dlq.
 */
export class OrdersRules {
  /** Figures for the report. */
  counts = new Map();
  #emit;
  /** By lane: largest event time of the records that reach dedupe, and of those that reach by_region. */
  #dedupeClocks;
  #windowClocks;
  /** Order id -> F: event time of the accepted record, rounded up. */
  #accepted = new Map();
  /** Window start -> region -> accumulator. */
  #windows = new Map();
  #nextEnd = Infinity;

  constructor(emit, lanes = 1) {
    this.#emit = emit;
    this.#dedupeClocks = Array.from({ length: lanes }, () => -Infinity);
    this.#windowClocks = [...this.#dedupeClocks];
  }

  line(bytes, lane = 0) {
    if (isBlank(bytes)) return;
    this.#count("records");
    const text = decode(bytes);
    if (text === undefined) {
      this.#deadLetter(Buffer.from(bytes).toString("base64"), "MALFORMED_JSON", null);
      return;
    }
    const fault = this.#settle(text, lane);
    if (fault !== undefined) this.#deadLetter(text, fault.type, fault.record, fault.message);
  }

  end() {
    this.#fire(Infinity);
  }

  /** Takes the record through the job; the fault that sends it to the dead letters, if any. */
  #settle(text, lane) {
    const body = text.startsWith("\uFEFF") ? text.slice(1) : text;
    if (nesting(body) > nestingMax) return { type: "MALFORMED_JSON", record: null };
    if (!hasWholeCharacters(body)) return { type: "MALFORMED_JSON", record: null };
    let record;
    try {
      record = readJson(body);
    } catch {
      return { type: "MALFORMED_JSON", record: null };
    }
    if (!(record instanceof Map)) return { type: "SCHEMA_VIOLATION", record: null };
    const time = instant(record.get("timestamp"));
    const amount = decimal(record.get("amount"));
    if (time === undefined || amount === undefined || !fitsSchema(record)) {
      return { type: "SCHEMA_VIOLATION", record };
    }
    const message = violatedRule(record, amount);
    if (message !== undefined) return { type: "BUSINESS_RULE_VIOLATION", record, message };
    const region = enrich(record, amount);
    const outcome = this.#dedupe(record.get("order_id"), time, lane);
    if (outcome === "expired") return { type: "LATE", record };
    if (outcome === "accepted") {
      const line = writeJson(record);
      this.#put("processed", line);
      this.#toWindow({ region, amount, time, line, lane });
    }
    // A duplicate moves the clock of the windows as well.
    if (time > this.#windowClocks[lane]) {
      this.#windowClocks[lane] = time;
      this.#fire(Math.min(...this.#windowClocks) - outOfOrdernessMs);
    }
    return outcome === "duplicate" ? { type: "DUPLICATE", record } : undefined;
  }

  #dedupe(id, time, lane) {
    const watermark = this.#dedupeClocks[lane] - outOfOrdernessMs;
    this.#dedupeClocks[lane] = Math.max(this.#dedupeClocks[lane], time);
    const up = Math.ceil(time / granularityMs) * granularityMs;
    if (up + ttlMs <= watermark) {
      this.#count("expired");
      return "expired";
    }
    const first = this.#accepted.get(id);
    if (first !== undefined && time < first + ttlMs && watermark < first + ttlMs) {
      this.#count("duplicates");
      return "duplicate";
    }
    if (first !== undefined) this.#count("accepted again");
    this.#accepted.set(id, first === undefined ? up : Math.max(first, up));
    return "accepted";
  }

  #toWindow({ region, amount, time, line, lane }) {
    const start = Math.floor(time / windowMs) * windowMs;
    const end = start + windowMs;
    if (this.#windowClocks[lane] - outOfOrdernessMs >= end) {
      this.#put("late", line);
      return;
    }
    let regions = this.#windows.get(start);
    if (regions === undefined) this.#windows.set(start, (regions = new Map()));
    this.#nextEnd = Math.min(this.#nextEnd, end);
    const sums = regions.get(region);
    if (sums === undefined) {
      regions.set(region, { count: 1n, total: amount, most: amount });
      return;
    }
    sums.count += 1n;
    sums.total = add(sums.total, amount);
    if (compare(amount, sums.most) > 0) sums.most = amount;
  }

  #fire(watermark) {
    if (watermark < this.#nextEnd) return;
    const due = [...this.#windows.keys()]
      .filter((start) => start + windowMs <= watermark)
      .sort((a, b) => a - b);
    for (const start of due) {
      const regions = this.#windows.get(start);
      for (const region of [...regions.keys()].toSorted(byText)) {
        const { count, total, most } = regions.get(region);
        this.#put(
          "aggregations",
          writeJson(
            new Map([
              ["region", region],
              ["total_orders", new NumberText(String(count))],
              ["total_amount", inCents(total, 1n)],
              ["avg_order_value", inCents(total, count)],
              ["max_order_value", inCents(most, 1n)],
              ["window_start", wholeSeconds(start)],
              ["window_end", wholeSeconds(start + windowMs)],
              ["processing_timestamp_ms", leftOpen],
            ]),
          ),
        );
        if (watermark !== Infinity) this.#count("windows before the end");
      }
      this.#windows.delete(start);
    }
    this.#nextEnd = Infinity;
    for (const start of this.#windows.keys()) {
      this.#nextEnd = Math.min(this.#nextEnd, start + windowMs);
    }
  }

  #deadLetter(original, type, record, message) {
    this.#count(type);
    const letter = new Map([
      ["original_message", original],
      ["error_type", type],
      ["error_message", message ?? leftOpen],
      ["error_timestamp", leftOpen],
      ["attempted_order_id", record?.get("order_id") ?? null],
    ]);
    this.#put("dlq", writeJson(letter));
  }

  #put(output, line) {
    this.#count(output);
    this.#emit(output, line);
  }

  #count(name) {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}

function byText(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isBlank(bytes) {
  for (const byte of bytes) if (byte !== 32 && byte !== 9 && byte !== 13) return false;
  return true;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(bytes) {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Deepest nesting of brackets outside of strings. */
function nesting(text) {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (quoted) {
      if (code === 92) at += 1;
      else if (code === 34) quoted = false;
    } else if (code === 34) quoted = true;
    else if (code === 123 || code === 91) deepest = Math.max(deepest, (depth += 1));
    else if (code === 125 || code === 93) depth -= 1;
  }
  return deepest;
}

function fitsSchema(record) {
  for (const name of ["order_id", "customer_id", "currency", "status"]) {
    const value = record.get(name);
    if (typeof value !== "string" || value === "") return false;
  }
  const items = record.get("items_count");
  return items instanceof NumberText && Number.isInteger(items.number) && items.number >= 0;
}

function violatedRule(record, amount) {
  if (amount.digits <= 0n) return "Amount must be > 0";
  const least = { digits: 1n, scale: 2 };
  const largest = { digits: 99_999_999n, scale: 2 };
  if (compare(amount, least) < 0 || compare(amount, largest) > 0) {
    return "Amount must be between 0.01 and 999999.99";
  }
  const currency = record.get("currency");
  if (!currencies.has(currency)) {
    if (!noCurrencies.has(currency))
      throw new Error(`the oracle does not know currency ${currency}`);
    return "Currency must be a valid ISO 4217 code";
  }
  return statuses.has(record.get("status")) ? undefined : "Status is not known";
}

/** Adds the derived fields; gives the region. */
function enrich(record, amount) {
  const customer = record.get("customer_id");
  const part = customer.split("-")[1]?.toLowerCase();
  const region = taxRates.has(part) ? part : "ca";
  const tax = { digits: amount.digits * taxRates.get(region), scale: amount.scale + 2 };
  let codes = 0;
  for (const character of customer) codes += character.codePointAt(0);
  record.set("region", region);
  record.set("tax", inCents(tax, 1n));
  record.set("order_value_category", category(amount));
  record.set(
    "merchant_id",
    `MERCH-${region.toUpperCase()}-${String(codes % 100).padStart(3, "0")}`,
  );
  record.set("processed_at", leftOpen);
  record.set("processing_duration_ms", leftOpen);
  return region;
}

function category(amount) {
  if (compare(amount, { digits: 50n, scale: 0 }) < 0) return "small";
  return compare(amount, { digits: 500n, scale: 0 }) <= 0 ? "medium" : "large";
}

const daysOfMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** RFC 3339 with a zone as ms since the epoch; undefined for anything else. */
function instant(text) {
  if (typeof text !== "string") return undefined;
  const match =
    /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/.exec(
      text,
    );
  if (match === null) return undefined;
  const [year, month, day, hour, minutes, second] = match.slice(1, 7).map(Number);
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 && leap ? 29 : daysOfMonth[month - 1];
  if (year < 1 || days === undefined || day < 1 || day > days) return undefined;
  if (hour > 23 || minutes > 59 || second > 59) return undefined;
  const offsetHours = Number(match[9] ?? 0);
  const offsetMinutes = Number(match[10] ?? 0);
  if (offsetHours > 23 || offsetMinutes > 59) return undefined;
  const before = year - 1;
  let dayNumber =
    before * 365 + Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  for (let at = 0; at < month - 1; at += 1) dayNumber += at === 1 && leap ? 29 : daysOfMonth[at];
  // Days from 0001-01-01 to 1970-01-01.
  dayNumber += day - 1 - 719_162;
  const milliseconds = Number((match[7] ?? "").slice(0, 3).padEnd(3, "0"));
  const offset = (offsetHours * 60 + offsetMinutes) * (match[8] === "-" ? -1 : 1);
  const inDay = ((hour * 60 + minutes - offset) * 60 + second) * 1000 + milliseconds;
  return dayNumber * 86_400_000 + inDay;
}

function wholeSeconds(ms) {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

/** False if an escape such as \\ud83d stands without its other half: half a character has no UTF-8. */
function hasWholeCharacters(text) {
  return text
    .replace(/\\(?:u([0-9a-fA-F]{4})|.)/gsu, (_, code) =>
      code === undefined ? " " : String.fromCharCode(Number.parseInt(code, 16)),
    )
    .isWellFormed();
}
