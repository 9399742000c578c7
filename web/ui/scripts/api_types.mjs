// SPDX-License-Identifier: Apache-2.0
// Makes src/api/generated.d.ts (not in git): the types of web/api/openapi.yaml, as openapi-typescript, that is a stranger's generator,
// reads that page. It checks the page first (Redocly); what it complains about fails the build. Needs no network.
import { readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';
import { createConfig } from '@redocly/openapi-core';

const page = new URL('../../api/openapi.yaml', import.meta.url);
const target = new URL('../src/api/generated.d.ts', import.meta.url);

const redocly = await createConfig({ extends: ['spec'] }, { extends: ['spec'] });
const text = `// Made by scripts/api_types.mjs from web/api/openapi.yaml: change that page, not this file.\n${astToString(await openapiTS(page, { redocly }))}`;
// An unchanged file keeps its time, so that nothing that reads it begins anew.
if (await readFile(target, 'utf8').catch(() => '') !== text) await writeFile(target, text);
