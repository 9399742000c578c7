// SPDX-License-Identifier: Apache-2.0
// What `lineside doctor` says of this host, with the command that mends it.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { api } from '../api/client';
import type { HostFinding } from '../api/types_technician';
import { Icon } from '../parts/icon';
import { ProblemPanel, useLoaded } from '../parts/load_state';
import { TechnicianHead } from '../parts/technician_head';
import { t } from '../i18n';

const signs = { fine: 'tick', warning: 'warning', error: 'circle-x' } as const;
const order = { error: 0, warning: 1, fine: 2 } as const;

const nameOf = (code: string): string =>
  (t.host.names as Readonly<Record<string, string>>)[code.replace('host.', '')] ?? code;

function Finding({ one }: { one: HostFinding }): JSX.Element {
  return (
    <li class={`finding finding-${one.weight}`} data-finding={one.code} data-weight={one.weight}>
      <span class="finding-word"><Icon name={signs[one.weight]} />{t.host.weights[one.weight]}</span>
      <div>
        <p><b>{nameOf(one.code)}</b> <span class="dim mono">{one.code}</span></p>
        {one.cause !== '' && <p>{one.cause}</p>}
        {one.mend !== '' && <p class="mend"><span class="dim">{t.host.mend}</span> <code>{one.mend}</code></p>}
      </div>
    </li>
  );
}

export function HostPage(): JSX.Element {
  const { data, problem, tookMs, reload } = useLoaded((signal) => api.doctor(signal), 'doctor');
  useEffect(() => { document.title = `${t.product} – ${t.host.title}`; }, []);
  const count = (weight: HostFinding['weight']): number => data?.findings.filter((one) => one.weight === weight).length ?? 0;
  return (
    <main class="page host-page">
      <TechnicianHead at="host"><button type="button" class="main" data-again onClick={reload}><Icon name="retry" />{t.host.again}</button></TechnicianHead>
      {problem !== null && <ProblemPanel problem={problem} reload={reload} />}
      {data === null && problem === null && <p class="dim" role="status">{t.host.looking}</p>}
      {data !== null && (
        <section class="card" aria-live="polite" data-took={tookMs ?? ''}>
          <div class="card-head">
            <h2 class={data.verdict === 'fit' ? 'good' : 'bad'} data-host={data.verdict}>{t.host.verdict[data.verdict]}</h2>
            <span class="dim">{t.host.sum(count('fine'), count('warning'), count('error'))}</span>
          </div>
          <ul class="findings">
            {[...data.findings].sort((a, b) => order[a.weight] - order[b.weight]).map((one) => <Finding key={one.code} one={one} />)}
          </ul>
          <p class="card-note">{t.host.asService}</p>
        </section>
      )}
    </main>
  );
}
