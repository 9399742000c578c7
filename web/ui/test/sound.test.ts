// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { soundOf, worstFirst } from '../src/live/sound';

describe('sound', () => {
  it('is of a verdict or a person’s turn, when it comes and not when the page is opened on it', () => {
    expect([soundOf('testing', 'pass'), soundOf('verifying', 'fail'), soundOf('flashing', 'error'), soundOf('flashing', 'timeout')])
      .toEqual(['pass', 'fail', 'problem', 'problem']);
    expect(soundOf('restarting', 'needs_operator')).toBe('turn');
    expect([soundOf(undefined, 'fail'), soundOf('fail', 'fail'), soundOf('pass', 'empty'), soundOf('flashing', 'stopped')]).toEqual([null, null, null, null]);
  });
  it('has the worst first', () => expect(worstFirst).toEqual(['fail', 'problem', 'turn', 'pass']));
});
