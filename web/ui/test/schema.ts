// SPDX-License-Identifier: Apache-2.0
// A small checker of answers against the schemas of web/api/openapi.yaml: the part of JSON Schema that page uses, and
// an error for any part it does not know. Shared by test/contract.test.ts (mock) and e2e (real station).
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Schema = { [key: string]: Json };

const page = parse(readFileSync(new URL('../../api/openapi.yaml', import.meta.url), 'utf8')) as Schema;
const known = new Set([
  '$ref', 'type', 'enum', 'const', 'pattern', 'minimum', 'maximum', 'minLength', 'maxLength', 'format', 'items', 'maxItems',
  'properties', 'required', 'additionalProperties', 'oneOf', 'allOf', 'description', 'example', 'default',
]);

function isObject(value: unknown): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function resolve(ref: string): Schema {
  let at: Json = page;
  for (const part of ref.slice(2).split('/')) {
    if (!isObject(at)) throw new Error(`no ${ref}`);
    at = at[part] ?? null;
  }
  if (!isObject(at)) throw new Error(`no ${ref}`);
  return at;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function fits(type: string, value: unknown): boolean {
  const own = typeOf(value);
  return own === type || (type === 'number' && own === 'integer');
}

const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);

function checkScalars(schema: Schema, value: unknown, at: string, out: string[]): void {
  if (schema.type !== undefined) {
    const types = Array.isArray(schema.type) ? schema.type : [schema.type];
    if (!types.some((type) => fits(String(type), value))) out.push(`${at}: ${typeOf(value)} is not ${types.join('|')}`);
  }
  if (schema.enum !== undefined && !list(schema.enum).some((one) => one === value)) out.push(`${at}: ${String(value)} not in enum`);
  if (schema.const !== undefined && schema.const !== value) out.push(`${at}: not ${String(schema.const)}`);
  if (typeof schema.pattern === 'string' && typeof value === 'string' && !new RegExp(schema.pattern, 'u').test(value)) {
    out.push(`${at}: "${value}" does not match ${schema.pattern}`);
  }
  if (typeof schema.minimum === 'number' && typeof value === 'number' && value < schema.minimum) out.push(`${at}: below ${schema.minimum}`);
  if (typeof schema.maximum === 'number' && typeof value === 'number' && value > schema.maximum) out.push(`${at}: above ${schema.maximum}`);
}

function checkParts(schema: Schema, value: unknown, at: string, out: string[]): void {
  if (isObject(value)) {
    for (const name of list(schema.required)) {
      if (!(String(name) in value)) out.push(`${at}: ${String(name)} is missing`);
    }
    const properties = isObject(schema.properties) ? schema.properties : {};
    for (const [name, one] of Object.entries(value)) {
      const own = properties[name];
      if (isObject(own)) check(own, one, `${at}.${name}`, out);
    }
  }
  if (Array.isArray(value) && isObject(schema.items)) {
    const { items } = schema;
    value.forEach((one, i) => check(items, one, `${at}[${i}]`, out));
    if (typeof schema.maxItems === 'number' && value.length > schema.maxItems) out.push(`${at}: more than ${schema.maxItems}`);
  }
}

function check(schema: Schema, value: unknown, at: string, out: string[]): void {
  for (const word of Object.keys(schema)) if (!known.has(word)) throw new Error(`${at}: the checker does not know ${word}`);
  if (typeof schema.$ref === 'string') check(resolve(schema.$ref), value, at, out);
  for (const part of list(schema.allOf)) if (isObject(part)) check(part, value, at, out);
  if (schema.oneOf !== undefined) {
    const tries = list(schema.oneOf).filter(isObject).map((part) => {
      const own: string[] = [];
      check(part, value, at, own);
      return own;
    });
    if (!tries.some((own) => own.length === 0)) out.push(...(tries.sort((a, b) => a.length - b.length)[0] ?? []));
  }
  checkScalars(schema, value, at, out);
  checkParts(schema, value, at, out);
}

// What is wrong with `value` as components/schemas/<name>; empty when it fits.
export function complaints(name: string, value: unknown): string[] {
  const out: string[] = [];
  check(resolve(`#/components/schemas/${name}`), value, name, out);
  return out;
}

// The answer schema of a GET route, for those that are written in place.
export function answerComplaints(path: string, value: unknown): string[] {
  const out: string[] = [];
  const paths = page.paths;
  const route = isObject(paths) ? paths[path] : null;
  const get = isObject(route) ? route.get : null;
  const responses = isObject(get) ? get.responses : null;
  const ok = isObject(responses) ? responses['200'] : null;
  const content = isObject(ok) ? ok.content : null;
  const json = isObject(content) ? content['application/json'] : null;
  const schema = isObject(json) ? json.schema : null;
  if (!isObject(schema)) throw new Error(`${path} has no JSON answer`);
  check(schema, value, path, out);
  return out;
}
