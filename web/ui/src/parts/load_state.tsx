// SPDX-License-Identifier: Apache-2.0
// Fetching for a page: the answer, or the sentence why not, with a way to try again. An older answer stays on show
// while a newer one is on its way, and an answer that comes late for another question is dropped.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { JSX } from 'preact';
import { sentenceOf } from '../api/client';
import { live } from '../live/store';
import { t } from '../i18n';
import { Icon } from './icon';

export interface Loaded<T> {
  data: T | null;
  problem: unknown;
  tookMs: number | null;
  reload: () => void;
}

export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, key: string): Loaded<T> {
  const [state, setState] = useState<{ key: string; data: T | null; problem: unknown; tookMs: number | null }>({
    key, data: null, problem: null, tookMs: null,
  });
  const [again, setAgain] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  const isLive = live.value === 'live';
  const reload = useCallback(() => setAgain((n) => n + 1), []);
  useEffect(() => {
    const abort = new AbortController();
    const started = performance.now();
    latest.current(abort.signal).then(
      (data) => setState({ key, data, problem: null, tookMs: Math.round(performance.now() - started) }),
      (problem: unknown) => {
        if (!abort.signal.aborted) setState((old) => ({ ...old, key, problem }));
      },
    );
    return () => abort.abort();
  }, [key, again, isLive]);
  return { data: state.data, problem: state.problem, tookMs: state.tookMs, reload };
}

export function ProblemPanel({ problem, reload }: { problem: unknown; reload?: () => void }): JSX.Element {
  const { sentence, hint, code } = sentenceOf(problem);
  return (
    <div class="problem" role="alert">
      <Icon name="refused" />
      <p>
        <strong>{sentence}</strong>
        {hint !== null && <span>{hint}</span>}
        {code !== null && <span class="dim">{code}</span>}
      </p>
      {reload && <button type="button" onClick={reload}>{t.loadFailed.again}</button>}
    </div>
  );
}
