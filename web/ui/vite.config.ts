// SPDX-License-Identifier: Apache-2.0
// Build of the dashboard: hashed assets, and beside each text asset a .gz and a .br made once, so that the
// station only hands out files. Assets are served immutable; index.html is served no-cache.
import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const compressible = new Set(['.html', '.js', '.css', '.svg', '.json']);

// What is in the bundle, with the terms it comes under.
const licences = {
  'inter.txt': 'src/fonts/inter-OFL.txt',
  'jetbrains-mono.txt': 'src/fonts/mono-OFL.txt',
  'diff.txt': 'node_modules/diff/LICENSE',
  'lucide.txt': 'node_modules/lucide/LICENSE',
  'preact.txt': 'node_modules/preact/LICENSE',
  'preact-signals.txt': 'node_modules/@preact/signals/LICENSE',
  'preact-signals-core.txt': 'node_modules/@preact/signals-core/LICENSE',
};

// Own walk: readdir's `recursive` is newer than the first nodejs of Debian 12.
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const parts = entries.map((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
  return (await Promise.all(parts)).flat();
}

async function compress(file: string): Promise<void> {
  const bytes = await readFile(file);
  if (!compressible.has(extname(file)) || bytes.length < 512) return;
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = constants;
  await writeFile(`${file}.gz`, gzipSync(bytes, { level: 9 }));
  await writeFile(
    `${file}.br`,
    brotliCompressSync(bytes, {
      params: { [BROTLI_PARAM_QUALITY]: 11, [BROTLI_PARAM_SIZE_HINT]: bytes.length },
    }),
  );
}

function precompress(): Plugin {
  let root = '.';
  let dist = 'dist';
  return {
    name: 'lineside-precompress',
    apply: 'build',
    configResolved(config) {
      root = config.root;
      dist = join(config.root, config.build.outDir);
    },
    async closeBundle() {
      await mkdir(join(dist, 'licences'), { recursive: true });
      for (const [name, from] of Object.entries(licences)) {
        await copyFile(join(root, from), join(dist, 'licences', name));
      }
      for (const file of await filesBelow(dist)) await compress(file);
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
