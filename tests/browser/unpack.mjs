// Unpacks the Chromium of @sparticuz/chromium with the libraries that it needs: node unpack.mjs FOLDER, where its node_modules are.
import { createReadStream, createWriteStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";

const folder = process.argv[2];
const packed = join(folder, "node_modules/@sparticuz/chromium/bin");
const unpacked = (name) => createReadStream(join(packed, name)).pipe(createBrotliDecompress());

await pipeline(unpacked("chromium.br"), createWriteStream(join(folder, "chromium"), { mode: 0o755 }));
await pipeline(unpacked("al2023.tar.br"), createWriteStream(join(folder, "libraries.tar")));
await pipeline(unpacked("fonts.tar.br"), createWriteStream(join(folder, "fonts.tar")));
