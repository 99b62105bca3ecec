import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Certificates of the tests' own, made by openssl. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly file: string;
  readonly fingerprint: string;
}

/** For the skip option of a test. */
export const withoutOpenssl =
  spawnSync("openssl", ["version"]).status === 0
    ? false
    : "there is no openssl here: apt-get install --no-install-recommends openssl";

const authority = ["-x509", "-days", "2", "-addext", "basicConstraints=critical,CA:TRUE"];

/** @param names alternative names: `IP:127.0.0.1` */
export function makeCertificate(
  folder: string,
  name: string,
  names: string,
  issuer: Certificate | null = null,
  days = 2,
): Certificate {
  const [key, request, file] = [`${name}.key`, `${name}.csr`, `${name}.pem`].map((each) =>
    join(folder, each),
  ) as [string, string, string];
  const fresh = [
    "req",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-keyout",
    key,
    "-subj",
    `/CN=${name}`,
  ];
  if (issuer === null)
    openssl([
      ...fresh,
      ...authority,
      ...(names === "" ? [] : ["-addext", `subjectAltName=${names}`]),
      "-out",
      file,
    ]);
  else {
    const extensions = join(folder, `${name}.ext`);
    writeFileSync(extensions, `subjectAltName=${names}\n`);
    openssl([...fresh, "-out", request]);
    const by = ["-CA", issuer.file, "-CAkey", issuer.file.replace(/\.pem$/, ".key"), "-CAcreateserial"];
    openssl([
      "x509",
      "-req",
      "-in",
      request,
      ...by,
      "-days",
      String(days),
      "-extfile",
      extensions,
      "-out",
      file,
    ]);
  }
  const cert = readFileSync(file, "utf8");
  return {
    cert,
    key: readFileSync(key, "utf8"),
    file,
    fingerprint: new X509Certificate(cert).fingerprint256,
  };
}

function openssl(args: readonly string[]): void {
  const { status, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}
