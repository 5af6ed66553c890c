// The verifier of docs/verifier.html in Node, as it stands in the page: a request in JSON on each line, an answer on each line.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { runInThisContext } from "node:vm";

const page = readFileSync(new URL("../../docs/verifier.html", import.meta.url), "utf8");
const [, script] = /<script id="verifier">(.*?)<\/script>/s.exec(page);
const counterfoil = runInThisContext(`${script};counterfoil`);

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const ALGORITHMS = { // of the Ion Hash suite; by the first the "digest" of bytes is the bytes
  identity: async (bytes) => bytes,
  md5: async (bytes) => createHash("md5").update(bytes).digest(),
};
const fieldIn = (value, name) => value.fields.find(([each]) => each === name)?.[1];
const octetsIn = (sexp) => sexp.items.map((each) => Number(each.number));

/** The cases of the Ion Hash suite that are written as text: what each should serialize to, and what it does. */
async function suiteOf(text, algorithm) {
  const digest = ALGORITHMS[algorithm];
  const found = [];
  for (const test of counterfoil.readTexts(text)) {
    const [value, expected] = [fieldIn(test, "ion"), fieldIn(fieldIn(test, "expect"), algorithm)];
    if (!value || !expected) continue;
    const last = expected.items.filter((each) => /^(final_)?digest$/.test(each.annotations[0])).at(-1);
    found.push({ expected: hex(octetsIn(last)), found: hex(await digest(await counterfoil.serialize(value, digest))) });
  }
  return found;
}

const ANSWERS = {
  verify: ({ text, kept }) => counterfoil.verify(text, kept),
  verifyBytes: ({ bytes }) => counterfoil.verify(counterfoil.decode(new Uint8Array(Buffer.from(bytes, "base64")))),
  serialize: async ({ text }) => hex(await counterfoil.serialize(counterfoil.readText(text))),
  serializeWithItself: async ({ text }) => hex(await counterfoil.serialize(counterfoil.readText(text), ALGORITHMS.identity)),
  suite: ({ text, algorithm }) => suiteOf(text, algorithm),
  isDigest: ({ text }) => counterfoil.isDigest(text),
};

const plain = (_, value) => {
  if (typeof value === "bigint") return String(value);
  return value instanceof Uint8Array ? counterfoil.base64(value) : value;
};

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  try {
    console.log(JSON.stringify({ answer: await ANSWERS[request.ask](request) }, plain));
  } catch (error) {
    console.log(JSON.stringify({ refusal: error.message }));
  }
}
