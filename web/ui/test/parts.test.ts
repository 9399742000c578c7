// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it, vi } from 'vitest';
import { tile } from '../mock/states.mjs';
import { t } from '../src/i18n';
import { api, sentenceOf } from '../src/api/client';
import { count, duration, shortHex, size } from '../src/i18n/format';
import { bestOffset, percentile } from '../src/live/latency';
import { cell, complaintsCsv } from '../src/parts/csv';
import { inForceText } from '../src/parts/in_force';
import { layoutFor, sizeOf } from '../src/parts/layout';
import { findHits, LogWindow, maxBytes, maxLines, shownText } from '../src/parts/log_model';
import { addressOf, apiQuery, filtersOf, withResult } from '../src/parts/record_query';
import { mostSaved, readSaved, withSaved, writeSaved } from '../src/parts/saved_filters';
import { tileClasses, tileShrink } from '../src/parts/tile_classes';
import { factOf, shortWord, smallFact, spokenTile, timeText, walkUpText } from '../src/parts/tile_text';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('what is in force of the steps before the flash', () => {
  it('is named with its arguments', () => {
    expect(inForceText({ 'install-mcutool': { enabled: true }, 'set-wifi-ap': { address: '10.0.0.1', ssid: 'Line', password: 'set' } }))
      .toBe('install-mcutool, set-wifi-ap (address 10.0.0.1, ssid Line, password set)');
    expect(inForceText({ 'install-camera': { installer: 'copied' } })).toBe('install-camera (installer copied)');
    expect(t.orders.inForce(inForceText({}))).toBe('Before the flash: ');
  });
});

describe('what a tile says', () => {
  it('is read out as slot, verdict with code, reason, action', () => {
    expect(spokenTile(tile('3', 'fail'))).toBe('Slot 3, FAIL F12, Did not start, Put in repair bin');
    expect(spokenTile(tile('6', 'error'))).toBe('Slot 6, STATION PROBLEM, E12 · unit not judged, Press Try again');
    expect(spokenTile(tile('2', 'pass'))).toBe('Slot 2, PASS, RC26-04127, Take out');
  });

  it('has one fact in the right place', () => {
    expect(factOf(tile('1', 'flashing'))).toEqual({ text: '47 %', size: 'big' });
    expect(factOf(tile('1', 'testing'))).toEqual({ text: '7 of 9', size: 'big' });
    expect(factOf(tile('1', 'waiting'))).toEqual({ text: '3rd in line', size: 'middle' });
    expect(factOf(tile('1', 'personalising'))).toEqual({ text: 'RC26-04133', size: 'serial' });
    expect(factOf(tile('1', 'failNext'))).toEqual({ text: 'Acknowledge the failed unit first', size: 'note' });
    expect(factOf(tile('1', 'noOrder'))?.text).toBe('No order is open for Xavier NX');
  });

  it('is short on small tiles', () => {
    expect(['flashing', 'testing', 'waiting', 'personalising', 'verifying', 'error'].map((kind) => shortWord(tile('1', kind))))
      .toEqual(['Flash 47 %', 'Test 7 of 9', 'Waiting 3rd', 'Serial', 'Check 82 %', 'STATION']);
    expect(smallFact(tile('1', 'pass'), null)).toBe('4127');
    expect(smallFact(tile('1', 'fail'), null)).toBe('F12');
    expect(smallFact(tile('1', 'flashing'), 312)).toBe('5:12');
  });

  it('says what a unit in the line waits for, beside its place', () => {
    const waits = tile('1', 'waiting', { reason: 'USB port carries 4 best' });
    expect(walkUpText(waits)).toBe('USB port carries 4 best');
    expect(factOf(waits)?.text).toBe('3rd in line');
    expect(walkUpText(tile('1', 'waiting', { reason: 'Image is being prepared', position_in_line: null }))).toBeNull();
  });

  it('says which chip id check applies while it is written, and never in the place of the fact', () => {
    expect((['before_write', 'after_boot', 'never', null] as const).map((chip_check) => walkUpText(tile('1', 'flashing', { chip_check }))))
      .toEqual(['Chip id before writing', 'Chip id after boot', 'No chip id', null]);
    expect(walkUpText(tile('1', 'verifying', { chip_check: 'before_write' }))).toBeNull();
    expect(factOf(tile('1', 'flashing', { chip_check: 'after_boot' }))?.text).toBe('47 %');
  });

  it('says time as the station wants it said', () => {
    expect(timeText(tile('1', 'flashing'), 312)).toBe('5:12 left');
    expect(timeText(tile('1', 'waiting'), 130)).toBe('in 2:10');
    expect(timeText(tile('1', 'restarting'), 96)).toBe('Back within 1:36');
    expect(timeText(tile('1', 'pass'), null)).toBeNull();
  });
});

describe('classes of a tile', () => {
  it.each<[number, number, string]>([
    [460, 212, 'tablet'], [460, 310, 'tall'], [419, 310, 'narrow'], [360, 200, 'narrow tablet'], [339, 200, 'narrow medium'], [460, 163, 'medium'],
    [199, 170, 'narrow medium small'], [300, 139, 'narrow medium small'], [300, 164, 'narrow medium'],
  ])('of %d by %d design pixels are %s', (width, height, classes) => {
    expect(tileClasses({ width, height })).toEqual(classes.split(' ').map((one) => `tiles-${one}`));
  });

  it('keep the pixel of a tile that is high enough', () => {
    expect(tileShrink({ width: 460, height: 300 })).toBe(1);
    expect(tileShrink({ width: 460, height: 104 })).toBe(0.5);
  });
});

describe('layout of the wall', () => {
  it.each([
    [8, 1920, 1080, 4, 'L'], [16, 1920, 1080, 4, 'L'], [32, 1920, 1080, 8, 'M'], [64, 1920, 1080, 8, 'S'],
    [8, 800, 1280, 2, 'N'], [1, 1920, 1080, 1, 'L'], [16, 1920, 1200, 4, 'L'],
  ])('%d slots on %d x %d: %d columns, %s', (slots, width, height, columns, tileSize) => {
    expect(layoutFor(slots, width, height)).toMatchObject({ columns, size: tileSize });
  });

  it('classes by the cell', () => {
    expect([sizeOf(464, 208), sizeOf(384, 230), sizeOf(229, 198), sizeOf(224, 98), sizeOf(100, 50)]).toEqual(['L', 'N', 'M', 'S', 'none']);
  });
});

describe('log window', () => {
  it('joins pieces that cut lines and characters', () => {
    const whole = bytes('eins ä\nzwei\ndrei');
    const window = new LogWindow(0);
    for (const one of whole) window.append(Uint8Array.of(one));
    expect(window.lines).toEqual([{ at: 0, text: 'eins ä' }, { at: 8, text: 'zwei' }, { at: 13, text: 'drei' }]);
    expect(window.end).toBe(whole.length);
  });

  it('leaves out the cut line at its start, and takes earlier bytes in', () => {
    const all = bytes('one\ntwo\nthree\n');
    const window = LogWindow.from(all.subarray(5), 5);
    expect(window.lines.map((line) => line.text)).toEqual(['three']);
    expect(window.firstNumber).toBeNull();
    window.prepend(all.subarray(0, window.start), 0);
    expect(window.lines).toEqual([{ at: 0, text: 'one' }, { at: 4, text: 'two' }, { at: 8, text: 'three' }]);
    expect(window.firstNumber).toBe(1);
  });

  it('shows the last form of an overwritten line, without colours', () => {
    expect(shownText(bytes(' 10 %\r 50 %\r100 %\r'))).toBe('100 %');
    expect(shownText(bytes('\u001b[31mError\u001b[0m\ttab'))).toBe('Error    tab');
    expect(shownText(bytes('bell\u0007'))).toBe('bell\ufffd');
  });

  it('keeps its memory bounded and its line numbers right', () => {
    const window = new LogWindow(0);
    const piece = bytes('x'.repeat(9) + '\n');
    const many = new Uint8Array(piece.length * 1000);
    for (let i = 0; i < 1000; i += 1) many.set(piece, i * piece.length);
    for (let i = 0; i < maxLines / 1000 + 5; i += 1) window.append(many);
    expect(window.lines).toHaveLength(maxLines);
    expect(window.firstNumber).toBe(5001);
    const wide = new LogWindow(0);
    for (let i = 0; i < 12; i += 1) wide.append(bytes(`${'y'.repeat(499_999)}\n`));
    expect(wide.end - wide.start).toBeLessThanOrEqual(maxBytes);
  });

  it('finds without regard to case', () => {
    const { lines } = new LogWindow(0).append(bytes('Serial=1\nno\nSERIAL=2\n'));
    expect(findHits(lines, 'serial')).toEqual([0, 2]);
    expect(findHits(lines, '')).toEqual([]);
  });
});

describe('record filters', () => {
  it('go into the address and back', () => {
    const filters = { serial_from: 'RC26-1', since: '2026-11-20T06:00', result: 'FAIL,ERROR' };
    expect(filtersOf(new URLSearchParams(addressOf(filters).split('?')[1]))).toEqual(filters);
    expect(addressOf({})).toBe('/records');
  });

  it('send local times as UTC milliseconds and drop what cannot be read', () => {
    expect(apiQuery({ since: '2026-11-20T06:00' }).get('since')).toBe(String(new Date(2026, 10, 20, 6).getTime()));
    expect(apiQuery({ until: '2026-11-20' }).get('until')).toBe(String(new Date(2026, 10, 20).getTime()));
    expect(apiQuery({ since: 'yesterday' }).has('since')).toBe(false);
  });

  it('all results or none is no filter', () => {
    expect(withResult({}, 'PASS', false)).toEqual({ result: 'FAIL,ERROR,ABORTED' });
    expect(withResult({ result: 'FAIL,ERROR,ABORTED' }, 'PASS', true)).toEqual({});
    expect(withResult({ result: 'FAIL', slot: '3' }, 'FAIL', false)).toEqual({ slot: '3' });
  });
});

describe('latency', () => {
  it('takes the offset of the quickest round trip', () => {
    const samples = [
      { sentAt: 0, gotAt: 40, monoNs: 5_000e6 }, { sentAt: 100, gotAt: 102, monoNs: 5_101e6 }, { sentAt: 200, gotAt: 230, monoNs: 5_290e6 },
    ];
    expect(bestOffset(samples)).toEqual({ offsetMs: 5000, rttMs: 2 });
    expect(bestOffset([])).toBeNull();
  });

  it('percentiles', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect([percentile(values, 50), percentile(values, 99), percentile([7], 99), percentile([], 99)]).toEqual([50, 99, 7, null]);
  });
});

describe('a station that does not answer', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('is no proof that a press did nothing', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
    const hintOf = (work: Promise<unknown>): Promise<string | null> => work.then(() => 'answered', (problem: unknown) => sentenceOf(problem).hint);
    expect(await hintOf(api.closeBatch('2611-b'))).toContain('may have been done');
    expect(await hintOf(api.pool())).toContain('Nothing was changed');
  });
});

describe('formats', () => {
  it('times, counts, sizes', () => {
    expect([duration(0), duration(75), duration(3725), duration(-3)]).toEqual(['0:00', '1:15', '1:02:05', '0:00']);
    expect([1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(t.ordinal)).toEqual(['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '102nd', '111th']);
    expect([size(12), size(4_200), size(6_100_000)]).toEqual(['12 B', '4.2 kB', '6.1 MB']);
    expect([count(12_840), shortHex('0x80021911651462240000000012fc0140'), shortHex('2611-b')]).toEqual(['12,840', '0x8002…fc0140', '2611-b']);
  });

  it('complaints as CSV without formulas', () => {
    expect([cell('=1+1'), cell('a,b'), cell('say "x"'), cell('RC26-1')]).toEqual(["'=1+1", '"a,b"', '"say ""x"""', 'RC26-1']);
    expect(complaintsCsv([{ file: 'f.csv', line: 2, column: 1, field: 'serial', message: 'twice', serial: '@x' }]))
      .toBe("file,line,column,field,serial,message\r\nf.csv,2,1,serial,'@x,twice\r\n");
  });
});

describe('saved filters', () => {
  it('come back as they were, newest first, one of a name, a bounded number', () => {
    const failed = { order: '2611-07', result: 'FAIL' };
    let saved = withSaved([], 'failed', failed);
    saved = withSaved(saved, 'slot 7', { slot: '7' });
    expect(readSaved(writeSaved(saved))).toEqual([{ name: 'slot 7', filters: { slot: '7' } }, { name: 'failed', filters: failed }]);
    expect(withSaved(saved, 'failed', { result: 'ERROR' }).map((one) => one.name)).toEqual(['failed', 'slot 7']);
    for (let i = 0; i < 30; ++i) saved = withSaved(saved, `n ${i}`, {});
    expect(saved).toHaveLength(mostSaved);
  });
  it('that are not ours are left out', () => {
    expect([readSaved(null), readSaved('{'), readSaved('7'), readSaved('[{"name":7},{"name":"","query":""},{"name":"a","query":"result=FAIL&evil=1"}]')])
      .toEqual([[], [], [], [{ name: 'a', filters: { result: 'FAIL' } }]]);
  });
});
