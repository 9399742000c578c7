// SPDX-License-Identifier: Apache-2.0
// Build of the dashboard: hashed assets, and beside each text asset a .gz and a .br made once, so that the
// station only hands out files. Assets are served immutable; index.html is served no-cache.
import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const compressible = new Set(['.html', '.js', '.css', '.svg', '.txt', '.json']);

function precompress(): Plugin {
  let dist = 'dist';
  return {
    name: 'lineside-precompress',
    apply: 'build',
    configResolved(config) {
      dist = join(config.root, config.build.outDir);
    },
    async closeBundle() {
      await mkdir(join(dist, 'licences'), { recursive: true });
      for (const font of ['inter', 'mono']) {
        await copyFile(`src/fonts/${font}-OFL.txt`, join(dist, 'licences', `${font}-OFL.txt`));
      }
      for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
        // Node 18 before 18.20 names the folder `path`, later ones `parentPath` too.
        const folder = entry.parentPath ?? entry.path;
        if (!entry.isFile() || !compressible.has(extname(entry.name))) continue;
        const file = join(folder, entry.name);
        const bytes = await readFile(file);
        if (bytes.length < 512) continue;
        await writeFile(`${file}.gz`, gzipSync(bytes, { level: 9 }));
        await writeFile(
          `${file}.br`,
          brotliCompressSync(bytes, {
            params: {
              [constants.BROTLI_PARAM_QUALITY]: 11,
              [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
            },
          }),
        );
      }
    },
  };
}

export default defineConfig({
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    target: ['chrome123', 'firefox128', 'safari17.5'],
    assetsInlineLimit: 0, // the CSP allows no data: URL
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    sourcemap: false,
  },
  plugins: [precompress()],
  server: {
    proxy: { '/api': process.env.LINESIDE_URL ?? 'http://127.0.0.1:8480' },
  },
});
