// SPDX-License-Identifier: Apache-2.0
// The serials of a range, with the check characters and the refusals of serial-pool/serial_range.h and check_digit.h,
// so that the mock answers a wrong form as the station does. test/contract.test.ts holds it against known characters.

const digits = '0123456789';
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
// name: alphabet of the check characters, how many of it may stand in the text, modulus, radix, characters added
const pure = {
  'iso7064-11-2': [`${digits}X`, 10, 11, 2, 1], 'iso7064-37-2': [`${digits}${letters}*`, 36, 37, 2, 1], 'iso7064-97-10': [digits, 10, 97, 10, 2],
  'iso7064-661-26': [letters, 26, 661, 26, 2], 'iso7064-1271-36': [digits + letters, 36, 1271, 36, 2],
};
const hybrid = { 'iso7064-11-10': digits, 'iso7064-27-26': letters, 'iso7064-37-36': digits + letters };
const names = ['luhn', 'luhn:ALPHABET', 'iso7064-11-2', 'iso7064-37-2', 'iso7064-97-10', 'iso7064-661-26', 'iso7064-1271-36', 'iso7064-11,10', 'iso7064-27,26', 'iso7064-37,36'];

export const most = 2_000_000;
export class Refusal extends Error {}
const refuse = (sentence) => { throw new Refusal(sentence); };

function valuesOf(text, known, name) {
  const values = [...text].filter((c) => !'._-'.includes(c)).map((c) => {
    const at = known.indexOf(c.toUpperCase());
    return at === -1 ? refuse(`check: ${name} is not for '${c}' (it knows ${known}); choose another, or let it cover the counter alone`) : at;
  });
  return values.length === 0 ? refuse('check: no character that counts stands before it') : values;
}

// The check system of that name; how many characters it adds is known before any serial is made.
function schemeOf(given) {
  if (given.startsWith('luhn')) {
    const alphabet = given === 'luhn' ? digits : given.startsWith('luhn:') ? given.slice(5) : null;
    if (alphabet === null) refuse(`check: there is ${names.join(', ')}`);
    if (!/^[0-9A-Z]{2,36}$/.test(alphabet) || new Set(alphabet).size !== alphabet.length) {
      refuse('check: the alphabet behind "luhn:" has 2 to 36 different digits and capital letters');
    }
    return { name: given, kind: 'luhn', alphabet, known: alphabet, length: 1 };
  }
  const name = given.replaceAll(',', '-');
  if (hybrid[name]) return { name, kind: 'hybrid', alphabet: hybrid[name], known: hybrid[name], length: 1 };
  if (!pure[name]) return refuse(`check: there is ${names.join(', ')}`);
  const [alphabet, known, modulus, radix, length] = pure[name];
  return { name, kind: 'pure', alphabet, known: alphabet.slice(0, known), modulus, radix, length };
}

export function checkOf(given, text) {
  const { name, kind, alphabet, known, modulus, radix, length } = schemeOf(given);
  const values = valuesOf(text, known, name);
  const n = alphabet.length;
  if (kind === 'luhn') {
    const sum = values.reverse().reduce((all, value, i) => {
      const product = i % 2 === 0 ? value * 2 : value;
      return all + Math.floor(product / n) + (product % n);
    }, 0);
    return alphabet[(n - (sum % n)) % n];
  }
  if (kind === 'hybrid') {
    let rest = n;
    for (const value of values) {
      rest = (rest + value) % n;
      rest = ((rest === 0 ? n : rest) * 2) % (n + 1);
    }
    return alphabet[(n + 1 - rest) % n];
  }
  const rest = values.reduce((all, value) => ((all + value) * radix) % modulus, 0);
  if (length === 1) return alphabet[(modulus + 1 - rest) % modulus];
  const both = (modulus + 1 - ((rest * radix) % modulus)) % modulus;
  return alphabet[Math.floor(both / radix)] + alphabet[both % radix];
}

const isSerial = (text) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text);

function serialAt(range, n, check = range.check) {
  const counter = String(BigInt(range.from) + BigInt(n) * BigInt(range.step)).padStart(range.width, '0');
  const bare = range.prefix + counter + range.suffix;
  if (check === '') return bare;
  const characters = checkOf(check, range.check_counter_only ? counter : bare);
  if (!isSerial(bare + characters)) {
    refuse(`check: number ${n + 1} of the range gets the check character ${characters}, which no serial may hold; choose iso7064-37,36`);
  }
  return bare + characters;
}

function checkRange(range) {
  if (range.count < 1 || range.count > most) refuse(`count: 1 to ${most} serials at once`);
  if (range.from < 0) refuse('from: the counter begins at 0 or above');
  if (range.step < 1) refuse('step: the counter goes up by 1 or more');
  if (range.width > 18) refuse('width: at most 18 digits');
  const last = String(BigInt(range.from) + BigInt(range.count - 1) * BigInt(range.step));
  if (last.length > 18) refuse('from, step, count: the last counter has more than 18 digits');
  if (range.width !== 0 && last.length > range.width) {
    refuse(`width: the last counter is ${last}, which has ${last.length} digits; give at least that width, or fewer serials`);
  }
  const longest = serialAt(range, range.count - 1, '');
  const added = range.check === '' ? 0 : schemeOf(range.check).length;
  if (longest.length + added > 64) refuse(`prefix, suffix, width: the serials would have ${longest.length + added} characters, at most 64 are allowed`);
  if (!isSerial(longest)) refuse("prefix, suffix: a serial holds letters, digits, '.', '_' and '-' only, and begins with a letter or a digit");
}

function checkTokens(range, testOnly) {
  if (range.token_length === 0) {
    if (!testOnly) refuse('token length: without tokens a batch is for tests only; say so, or give a length');
    return;
  }
  const alphabet = range.token_alphabet === '' ? digits + letters + letters.toLowerCase() : range.token_alphabet;
  if (alphabet.length < 2 || !/^[!#-~]+$/.test(alphabet) || new Set(alphabet).size !== alphabet.length) {
    refuse('token alphabet: at least 2 different printable ASCII characters, no quotation mark');
  }
  if (range.token_length < 1 || range.token_length > 4096) refuse('token length: 1 to 4096 characters');
  const least = Math.ceil(64 / Math.log2(alphabet.length));
  if (range.token_length < least) {
    refuse(`token length: with ${alphabet.length} different characters at least ${least} are needed, or the tokens can be guessed`);
  }
}

// The template of the access points' names, as serial-pool/unit_fields.cpp reads it.
function checkTemplate(text) {
  const refuseIt = (what) => refuse(`ap_ssid: ${what}; write it like Cam-{serial} or Cam-{serial:-4}`);
  const rest = text.replace(/\{serial(:?)([^}]*)\}/g, (_, colon, inside) => {
    const length = Number(inside);
    if ((colon === ':' || inside !== '') && !(colon === ':' && /^-?\d+$/.test(inside) && length !== 0 && Math.abs(length) <= 64)) {
      refuseIt('behind {serial: stands how many characters of it, 1 to 64, with - from its end');
    }
    return '';
  });
  if (/[{}]/.test(rest)) refuseIt('a brace in the template stands for nothing');
  if (rest === text) refuseIt('without {serial} all units would have one name');
}

// All serials of the range, or a Refusal that names the part and the remedy.
export function serialsOf(range, testOnly) {
  if (range.ap_ssid !== '') checkTemplate(range.ap_ssid);
  if (range.width < 0) refuse('width: 0 or more digits');
  if (range.check !== '') schemeOf(range.check);
  checkTokens(range, testOnly);
  checkRange(range);
  return Array.from({ length: range.count }, (_, n) => serialAt(range, n));
}
