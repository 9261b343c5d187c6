import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Certificates {
  /** PEM files: the authority, another one, a server's key with its certificate, one that has expired, a client's. */
  readonly authority: string;
  readonly stranger: string;
  readonly server: string;
  readonly expired: string;
  readonly client: { readonly certificate: string; readonly key: string };
}

/** An authority of our own and what it has signed, for 127.0.0.1, in a folder. */
export function makeCertificates(folder: string): Certificates {
  const path = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  for (const name of ["authority", "stranger"]) {
    const files = ["-keyout", `${name}.key`, "-out", `${name}.pem`];
    openssl("req", "-x509", ...key, ...files, "-subj", `/CN=${name}`, "-days", "2");
  }
  writeFileSync(path("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  const sign = (name: string, days: string): void => {
    openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    const by = ["-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial"];
    const made = ["-in", `${name}.csr`, "-out", `${name}.pem`, "-extfile", "names"];
    openssl("x509", "-req", ...made, ...by, "-days", days);
  };
  const store = (name: string): string => {
    const parts = [`${name}.key`, `${name}.pem`].map((part) => readFileSync(path(part), "utf8"));
    writeFileSync(path(`${name}-store.pem`), parts.join(""));
    return path(`${name}-store.pem`);
  };
  sign("server", "2");
  sign("expired", "-1");
  sign("client", "2");
  return {
    authority: path("authority.pem"),
    stranger: path("stranger.pem"),
    server: store("server"),
    expired: store("expired"),
    client: { certificate: path("client.pem"), key: path("client.key") },
  };
}
