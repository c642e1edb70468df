// Writes FILE.br and FILE.gz beside every FILE named on the command line, as small as they get.
// The server hands them out to browsers that accept them.
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const brotli = (bytes) =>
  promisify(brotliCompress)(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
const deflate = (bytes) => promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION });

await Promise.all(
  process.argv.slice(2).map(async (file) => {
    const bytes = await readFile(file);
    await Promise.all([
      brotli(bytes).then((small) => writeFile(`${file}.br`, small)),
      deflate(bytes).then((small) => writeFile(`${file}.gz`, small)),
    ]);
  }),
);
