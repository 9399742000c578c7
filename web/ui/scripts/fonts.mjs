// SPDX-License-Identifier: Apache-2.0
// Makes the two web fonts of the dashboard from the fonts' own npm packages (both SIL OFL 1.1):
// Inter, variable 500 to 800, Latin, with tabular figures and the slashed zero, Vietnamese in a file of its own;
// JetBrains Mono 400 for logs. Chinese comes from the screen's own fonts (base.css names them).
// Runs before `vite build`; writes src/fonts/ (not in git). About one second, needs no network.
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import subsetFont from 'subset-font';

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '..', 'src', 'fonts');

const range = (from, to) =>
  Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i)).join('');
// Marks and letters of Vietnamese that the first file lacks; a browser asks for it only when one stands on the page.
const more = range(0x180, 0x24f) + range(0x300, 0x309) + '\u0323\u0331' + range(0x1ea0, 0x1ef9) + '₫';
const latin = range(0x20, 0x7e) + range(0xa0, 0x17f) + '–—‘’“”„†•…‰′″€™←↑→↓−≈≠≤≥×✓✕';

const packageDir = (name) => dirname(require.resolve(`${name}/package.json`));
const fonts = [
  {
    from: join(packageDir('inter-ui'), 'variable', 'InterVariable.woff2'),
    licence: join(packageDir('inter-ui'), 'LICENSE.txt'),
    to: 'inter',
    options: { targetFormat: 'woff2', variationAxes: { wght: { min: 500, max: 800 }, opsz: 14 } },
  },
  {
    from: join(packageDir('inter-ui'), 'variable', 'InterVariable.woff2'),
    licence: join(packageDir('inter-ui'), 'LICENSE.txt'),
    to: 'inter-more',
    text: more,
    options: { targetFormat: 'woff2', variationAxes: { wght: { min: 500, max: 800 }, opsz: 14 } },
  },
  {
    from: join(
      packageDir('@fontsource/jetbrains-mono'),
      'files',
      'jetbrains-mono-latin-400-normal.woff2',
    ),
    licence: join(packageDir('@fontsource/jetbrains-mono'), 'LICENSE'),
    to: 'mono',
    options: { targetFormat: 'woff2' },
  },
];

await mkdir(out, { recursive: true });
for (const font of fonts) {
  const target = join(out, `${font.to}.woff2`);
  const [source, made, script] = await Promise.all([
    stat(font.from),
    stat(target).catch(() => null),
    stat(fileURLToPath(import.meta.url)),
  ]);
  if (made && made.mtimeMs > source.mtimeMs && made.mtimeMs > script.mtimeMs) continue;
  const bytes = await subsetFont(await readFile(font.from), font.text ?? latin, font.options);
  await writeFile(target, bytes);
  await writeFile(join(out, `${font.to}-OFL.txt`), await readFile(font.licence));
  console.log(`fonts: ${font.to}.woff2 ${bytes.length} bytes`);
}
