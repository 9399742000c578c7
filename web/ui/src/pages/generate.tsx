// SPDX-License-Identifier: Apache-2.0
// Generate a batch: say what a serial looks like, preview, generate. The station counts, checks and draws the tokens;
// this page shows what would come out and makes nothing until a person says so.
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { api, ApiProblem } from '../api/client';
import type { BatchCheck, BatchLoaded } from '../api/types';
import { CheckView, LoadedAnswer, StepMarks, wrongLines, type CheckWords } from '../parts/batch_check';
import { ProblemPanel, useLoaded } from '../parts/load_state';
import { useOnce } from '../parts/once';
import { RangeFormView } from '../parts/range_form';
import { byNumber, emptyRange, fieldProblem, nextRange, requestOf, type RangeForm } from '../parts/range_model';
import { place } from '../router';
import { t } from '../i18n';
import { count } from '../i18n/format';

type Stage =
  | { at: 'say' }
  | { at: 'busy'; word: string }
  | { at: 'preview'; check: BatchCheck }
  | { at: 'done'; loaded: BatchLoaded };

const words = (): CheckWords => ({ one: t.generate.number, whole: t.generate.whole, mend: t.generate.mend, head: t.generate.numberHead });

function sentenceFor(check: BatchCheck): string {
  if (check.verdict === 'accept') return check.count === 1 ? t.generate.goodOne : t.generate.good(count(check.count));
  const wrong = Math.max(wrongLines(check), check.errors_total ?? 0);
  return t.generate.wrong(count(wrong), count(check.lines ?? 0));
}

function RangeCard({ form, check }: { form: RangeForm; check: BatchCheck }): JSX.Element {
  const sample = check.sample ?? [];
  const rows: [string, string][] = [
    [t.generate.first, sample[0]?.serial ?? ''], [t.generate.last, sample[sample.length - 1]?.serial ?? ''],
    [t.generate.check, form.check === 'luhn:' ? `luhn:${form.alphabet}` : t.generate.checks[form.check] ?? form.check],
    [t.load.token, Number(form.token_length) > 0 ? t.generate.tokensLong(form.token_length) : t.load.tokenNone],
    [t.load.into, form.pool], [t.load.as, form.batch === '' ? t.generate.stationNames : form.batch],
  ];
  if (form.order !== '') rows.push([t.generate.order, form.order]);
  if (form.ap_ssid !== '') rows.push([t.generate.ssid, form.ap_ssid]);
  if (form.test_only) rows.push([t.generate.use, t.pool.testOnly]);
  return (
    <section class="card">
      <div class="card-head"><h2>{t.generate.card}</h2></div>
      <dl class="facts wide">{rows.map(([label, value]) => <div key={label}><dt>{label}</dt><dd><b>{value}</b></dd></div>)}</dl>
    </section>
  );
}

export function GeneratePage(): JSX.Element {
  const { data: pools } = useLoaded((signal) => api.pool(signal), 'pools');
  const { data: orders } = useLoaded((signal) => api.orders(signal), 'orders');
  const [form, setForm] = useState<RangeForm>(() => emptyRange(place.value.query.get('pool') ?? ''));
  const [stage, setStage] = useState<Stage>({ at: 'say' });
  const [problem, setProblem] = useState<unknown>(null);
  const once = useOnce();
  useEffect(() => {
    document.title = `${t.product} – ${t.generate.title}`;
  }, []);
  useEffect(() => {
    const first = pools?.pools[0]?.name;
    if (first !== undefined) setForm((old) => (old.pool === '' ? { ...old, pool: first } : old));
  }, [pools]);

  const attempt = (word: string, work: () => Promise<Stage>): Promise<void> => once(async () => {
    setProblem(null);
    setStage({ at: 'busy', word });
    try {
      setStage(await work());
    } catch (caught) {
      // The pool may have changed since the preview: the refusal then carries its own findings.
      const findings = caught instanceof ApiProblem ? caught.body.check : undefined;
      setProblem(findings ? null : caught);
      setStage(findings ? { at: 'preview', check: byNumber(findings) } : { at: 'say' });
    }
  });
  const preview = (): Promise<void> =>
    attempt(t.generate.counting, async () => ({ at: 'preview', check: byNumber(await api.previewRange(requestOf(form))) }));
  const generate = (): Promise<void> =>
    attempt(t.generate.generating, async () => ({ at: 'done', loaded: await api.generateBatch(requestOf(form)) }));
  // Made once for each refusal, so that the focus is moved once.
  const atField = useMemo(() => fieldProblem(problem, form), [problem]);
  return (
    <main class="page">
      <div class="page-head"><h1>{t.generate.title}</h1><span class="spring" />
        <StepMarks words={[t.generate.say, t.load.preview, t.generate.generate]} at={stage.at === 'say' ? 0 : stage.at === 'done' ? 3 : 1} />
      </div>
      {problem != null && atField === null && <ProblemPanel problem={problem} />}
      {stage.at === 'busy' && <p class="busy" role="status">{stage.word}</p>}
      {stage.at === 'say' && (
        <RangeFormView form={form} change={setForm} problem={atField} pools={pools} orders={orders?.orders ?? []} preview={() => void preview()} />
      )}
      {stage.at === 'preview' && (
        <CheckView check={stage.check} file={form.batch === '' ? form.pool : form.batch} words={words()} card={<RangeCard form={form} check={stage.check} />}
          verdict={{
            sentence: sentenceFor(stage.check), hint: stage.check.verdict === 'accept' ? t.generate.goodHint : t.generate.wholeOrNot,
            load: t.generate.generateNow(count(stage.check.count)), mend: t.generate.change,
          }}
          load={() => void generate()} back={() => setStage({ at: 'say' })} />
      )}
      {stage.at === 'done' && (
        <LoadedAnswer loaded={stage.loaded} another={t.generate.another}
          again={() => { setForm(nextRange(form)); setStage({ at: 'say' }); }} />
      )}
    </main>
  );
}
