// SPDX-License-Identifier: Apache-2.0
// A stretch of time in five figures, and the codes it failed with; of the numbers and the hand-over page.
import type { JSX } from 'preact';
import type { Numbers, NumbersCode } from '../api/types';
import { t } from '../i18n';
import { count, duration, percent } from '../i18n/format';
import { Card } from './chart';
import { takt } from './numbers_model';

export function Sums({ numbers }: { numbers: Numbers }): JSX.Element {
  const { sums } = numbers;
  const seconds = takt(sums);
  const figures: readonly [string, string, string, string][] = [
    ['made', t.numbers.made, count(sums.made), t.numbers.ofAttempts(count(sums.attempts))],
    ['first-pass', t.numbers.firstPass, sums.first_judged === 0 ? '–' : percent(sums.first_passed / sums.first_judged), t.numbers.of(count(sums.first_passed), count(sums.first_judged))],
    ['takt', t.numbers.takt, seconds === null ? '–' : duration(seconds), t.numbers.taktIs],
    ['after', t.numbers.afterRework, count(sums.passed_after_fail), t.numbers.ofFailed(count(sums.failed_units))],
    ['problems', t.numbers.problems, count(sums.outcomes.ERROR ?? 0), t.numbers.ofAttempts(count(sums.attempts))],
  ];
  return (
    <dl class="card sums">
      {figures.map(([key, word, value, more]) => <div key={key} data-figure={key}><dt>{word}</dt><dd><strong>{value}</strong> <span class="dim">{more}</span></dd></div>)}
    </dl>
  );
}

function CodeRows({ codes, hollow }: { codes: readonly NumbersCode[]; hollow: boolean }): JSX.Element {
  const most = Math.max(1, ...codes.map((one) => one.cases));
  const sum = codes.reduce((all, one) => all + one.cases, 0);
  let running = 0;
  return (
    <ol class="pareto">
      {codes.map((one) => {
        running += one.cases;
        return (
          <li key={one.code} data-code={one.code}>
            <b>{one.display_code}</b>
            <span>{one.sentence}</span>
            <span class="pareto-room"><span class={hollow ? 'pareto-bar hollow' : 'pareto-bar'} style={{ width: `${(one.cases / most) * 100}%` }} /></span>
            <b class="right">{count(one.cases)}</b>
            <span class="right dim">{percent(running / sum, 0)}</span>
          </li>
        );
      })}
    </ol>
  );
}

export function Codes({ numbers }: { numbers: Numbers }): JSX.Element {
  const bad = numbers.codes.filter((one) => one.outcome === 'FAIL');
  const problems = numbers.codes.filter((one) => one.outcome === 'ERROR');
  const sum = (all: readonly NumbersCode[]): string => count(all.reduce((n, one) => n + one.cases, 0));
  return (
    <Card name="codes" title={t.numbers.codes} corner={t.numbers.codesCorner}>
      <div class="chart-text">
        {numbers.codes.length === 0 && <p class="dim">{t.numbers.noCodes}</p>}
        {bad.length > 0 && <h3>{t.numbers.bad(sum(bad))}</h3>}
        {bad.length > 0 && <CodeRows codes={bad} hollow={false} />}
        {problems.length > 0 && <h3>{t.numbers.problem(sum(problems))}</h3>}
        {problems.length > 0 && <CodeRows codes={problems} hollow />}
      </div>
    </Card>
  );
}
