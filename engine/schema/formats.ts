import { parseDecimal } from "../core/decimal.ts";
import { parseRfc3339 } from "../core/event-time.ts";

/** The largest text that the formats of the network look at; each of them is shorter by its own rules. */
const emailLengthMax = 254;
const hostnameLengthMax = 253;

const dateParts = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/;
const timeParts =
  /^([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,9})?(?:Z|[+-]([0-9]{2}):([0-9]{2}))$/;
const uuidParts = /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;
const hostLabel = /^[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?$/;
/** RFC 5322 dot-atom; a quoted local part is refused. */
const localAtom = /^[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+$/;
const ipv4Octet = /^(?:0|[1-9][0-9]{0,2})$/;
const ipv6Group = /^[0-9A-Fa-f]{1,4}$/;
const uriScheme = /^[A-Za-z][0-9A-Za-z+.-]*:/;
/** The characters of RFC 3986; `%` only before two hex digits. */
const uriCharacters = /^(?:[0-9A-Za-z\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$/;
const portDigits = /^[0-9]*$/;

const daysOfMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** A date that exists, years 0001 to 9999. */
function isDate(text: string): boolean {
  const parts = dateParts.exec(text);
  if (parts === null) return false;
  const year = Number(parts[1]);
  const month = Number(parts[2]);
  const day = Number(parts[3]);
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = month === 2 && leap ? 29 : (daysOfMonth[month - 1] ?? 0);
  return year >= 1 && day >= 1 && day <= days;
}

/** RFC 3339 full-time: with a zone, without leap seconds. */
function isTime(text: string): boolean {
  const parts = timeParts.exec(text);
  return (
    parts !== null &&
    Number(parts[1]) <= 23 &&
    Number(parts[2]) <= 59 &&
    Number(parts[3]) <= 59 &&
    Number(parts[4] ?? 0) <= 23 &&
    Number(parts[5] ?? 0) <= 59
  );
}

function isIpv4(text: string): boolean {
  const octets = text.split(".");
  return (
    octets.length === 4 && octets.every((octet) => ipv4Octet.test(octet) && Number(octet) <= 255)
  );
}

/** Without zone. The last two groups may be an IPv4 address. */
function isIpv6(text: string): boolean {
  const halves = text.split("::");
  if (text.length > 45 || halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    if (half === "") continue;
    const parts = half.split(":");
    for (const [place, part] of parts.entries()) {
      const last = index === halves.length - 1 && place === parts.length - 1;
      if (last && part.includes(".")) {
        if (!isIpv4(part)) return false;
        groups += 2;
      } else if (ipv6Group.test(part)) groups += 1;
      else return false;
    }
  }
  // `::` stands for at least one group of zeros.
  return halves.length === 2 ? groups <= 7 : groups === 8;
}

/** RFC 1123: labels of letters, digits and inner hyphens. */
function isHostname(text: string): boolean {
  return (
    text.length <= hostnameLengthMax && text.split(".").every((label) => hostLabel.test(label))
  );
}

function isEmail(text: string): boolean {
  const at = text.lastIndexOf("@");
  if (at < 1 || at > 64 || text.length > emailLengthMax) return false;
  const local = text.slice(0, at);
  return local.split(".").every((atom) => localAtom.test(atom)) && isHostname(text.slice(at + 1));
}

/** RFC 3986 with a scheme; an authority, where there is one, must have a sound host and port. */
function isUri(text: string): boolean {
  const scheme = uriScheme.exec(text);
  if (scheme === null || !uriCharacters.test(text)) return false;
  const fragmentAt = text.indexOf("#");
  if (fragmentAt !== text.lastIndexOf("#")) return false;
  const hierarchy = text.slice(scheme[0].length);
  if (!hierarchy.startsWith("//")) return !/[[\]]/.test(hierarchy);
  const end = hierarchy.slice(2).search(/[/?#]/);
  const authority = end < 0 ? hierarchy.slice(2) : hierarchy.slice(2, end + 2);
  const rest = end < 0 ? "" : hierarchy.slice(end + 2);
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  if (/[[\]]/.test(rest) || authority.indexOf("@") !== authority.lastIndexOf("@")) return false;
  if (host.startsWith("[")) {
    const close = host.indexOf("]");
    const port = host.slice(close + 1);
    return (
      close > 0 &&
      isIpv6(host.slice(1, close)) &&
      (port === "" || (port.startsWith(":") && portDigits.test(port.slice(1))))
    );
  }
  const colon = host.indexOf(":");
  const name = colon < 0 ? host : host.slice(0, colon);
  const port = colon < 0 ? "" : host.slice(colon + 1);
  return !/[[\]]/.test(name) && portDigits.test(port);
}

/** The asserted formats and what they check of a text. `decimal` looks at JSON numbers too, elsewhere. */
export const formats: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ["decimal", (text: string) => parseDecimal(text) !== undefined],
  ["date-time", (text: string) => !Number.isNaN(parseRfc3339(text))],
  ["date", isDate],
  ["time", isTime],
  ["uuid", (text: string) => uuidParts.test(text)],
  ["email", isEmail],
  ["uri", isUri],
  ["ipv4", isIpv4],
  ["ipv6", isIpv6],
  ["hostname", isHostname],
]);

/** What a format wants, for messages. */
export const formatDescriptions: Readonly<Record<string, string>> = {
  decimal: "a decimal number of at most 38 digits such as 12.50",
  "date-time": "an RFC 3339 time with a zone such as 2025-01-13T15:00:00Z",
  date: "a calendar date such as 2025-01-13",
  time: "a time of day with a zone such as 15:00:00Z",
  uuid: "a UUID",
  email: "an e-mail address",
  uri: "an absolute URI",
  ipv4: "an IPv4 address",
  ipv6: "an IPv6 address",
  hostname: "a host name",
};
