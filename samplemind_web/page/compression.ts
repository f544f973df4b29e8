/** Compresses what the build wrote, beside it, so that the server sends it as it lies there. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const WORTH_IT = /\.(js|css|html|svg)$/;
const LEAST = 1024; // bytes

/** The plugin. */
export function compression(): Plugin {
  return {
    name: "compression",
    apply: "build",
    async writeBundle({ dir }) {
      for (const entry of await readdir(dir ?? "dist", { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !WORTH_IT.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        const content = await readFile(path);
        if (content.length < LEAST) continue;
        await writeFile(`${path}.br`, brotliCompressSync(content));
        await writeFile(`${path}.gz`, gzipSync(content, { level: 9 }));
      }
    },
  };
}
