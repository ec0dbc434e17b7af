// SPDX-License-Identifier: Apache-2.0
// The fleet at a glance.
import { bytes, day, digest, duration, number, percent, rate } from './format.js';
import { CONTACTS, Enrol, Nodes } from './nodes.jsx';
import { Card, Facts, Select, Split, Stat } from './parts.jsx';
import { Link, go, here, rangeOf, usePlace, view } from './place.jsx';
import { useAnswer } from './query.js';
import { RangeBar } from './range.jsx';
import { Charts } from './series.jsx';
import { t } from './strings.js';

function Contacts({ nodes }) {
  const others = ['pending', 'revoked'].filter((state) => nodes.by_state[state] > 0);
  return (
    <>
      <Split label={CONTACTS.map((one) => `${nodes.by_contact[one]} ${t(`contact.${one}`)}`).join(', ')}
        parts={CONTACTS.map((one) => ({ key: one, n: nodes.by_contact[one], tone: one }))} />
      <ul class="tally">
        {CONTACTS.map((one) => (
          <li key={one}>
            <Link to={here({ contact: one, state: null })} class={`quiet ${nodes.by_contact[one] ? '' : 'soft'}`}>
              <span class={`dot ${one}`} aria-hidden="true" />
              <b translate={false} data-stat={`contact-${one}`}>{number(nodes.by_contact[one])}</b> {t(`contact.${one}`)}
            </Link>
          </li>
        ))}
        {['active', ...others].map((state) => (
          <li key={state}>
            <Link to={here({ state, contact: null })} class="quiet">
              <span class={`dot ${state}`} aria-hidden="true" />
              <b translate={false} data-stat={`state-${state}`}>{number(nodes.by_state[state])}</b> {t(`state.${state}`)}
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}

function Numbers({ fleet }) {
  const { nodes, predictions, reports } = fleet ?? {};
  const all = fleet ? reports.acknowledged + reports.refused : 0;
  return (
    <dl class="stats" aria-label={t('fleet.numbers')}>
      <Stat id="nodes" label={t('fleet.nodes')} value={fleet && number(nodes.total)}>
        {fleet && <Contacts nodes={nodes} />}
      </Stat>
      <Stat id="per_s" label={t('fleet.rate')} value={fleet && rate(predictions.per_s)}
        hint={fleet && (
          <>
            <span data-stat="today">{t('fleet.today', { n: number(predictions.today) })}</span>
            <span data-stat="stored">{t('fleet.stored', { n: number(predictions.stored) })}</span>
          </>
        )} />
      <Stat id="acknowledged" label={t('fleet.acknowledged')} value={fleet && number(reports.acknowledged)}
        hint={fleet && (
          <>
            <span>{t('fleet.reportrate', { n: rate(reports.per_s) })}</span>
            <span data-stat="duplicates">{t('fleet.duplicates', { n: number(reports.duplicates) })}</span>
          </>
        )} />
      <Stat id="refused" label={t('fleet.refused')} value={fleet && number(reports.refused)} tone={fleet && reports.refused ? 'warn' : ''}
        hint={fleet && <span>{reports.refused ? t('fleet.refused.some', { share: percent(reports.refused / all, reports.refused / all < 0.001 ? 3 : 1) }) : t('fleet.refused.none')}</span>} />
    </dl>
  );
}

function VersionRow({ one, total }) {
  const name = one.version ?? digest(one.artifact);
  return (
    <li>
      <Link class="version" to={one.version ? here({ model: one.model, version: one.version }) : view({ view: 'model', name: one.model })} translate={false}>
        <span class="version-name">{one.model} <b>{name}</b> {one.variant && <span class="tag">{one.variant}</span>}</span>
        <span class="version-n" data-version={`${one.model} ${name}`}>{number(one.nodes)}</span>
        <span class="meter" aria-hidden="true"><span style={{ width: `${(100 * one.nodes) / Math.max(1, total)}%` }} /></span>
      </Link>
    </li>
  );
}

function Versions({ fleet }) {
  if (!fleet) {
    return <div class="ghost" aria-hidden="true" />;
  }
  const total = fleet.nodes.total - fleet.nodes.by_state.revoked;
  const running = fleet.versions.reduce((sum, one) => sum + one.nodes, 0);
  return (
    <>
      {running === 0 && <p class="note">{t('fleet.versions.none')}</p>}
      <ul class="versions">
        {fleet.versions.slice(0, 6).map((one) => <VersionRow key={one.artifact} one={one} total={total} />)}
        {running > 0 && total > running && (
          <li class="version still">
            <span class="version-name soft">{t('fleet.noversion')}</span>
            <span class="version-n" translate={false}>{number(total - running)}</span>
          </li>
        )}
      </ul>
    </>
  );
}

function Server({ fleet }) {
  if (!fleet) {
    return <div class="ghost" aria-hidden="true" />;
  }
  const roles = Object.entries(fleet.repository?.expires_ms ?? {}).sort((a, b) => a[1] - b[1]);
  const left = roles.length > 0 ? roles[0][1] - fleet.server_ms : null;
  return (
    <Facts items={[
      [t('fleet.expires'), roles.length === 0 ? <span translate={true}>{t('fleet.norepository')}</span>
        : <span class={left < 2 * 86400e3 ? 'warn' : ''}>{day(roles[0][1])} <span class="soft">({roles[0][0]}, {duration(left)})</span></span>, 'expires'],
      [t('fleet.database'), bytes(fleet.database.bytes), 'database'],
      [t('fleet.wal'), bytes(fleet.database.wal_bytes), 'wal'],
      [t('fleet.version'), fleet.version, 'server-version'],
    ]} />
  );
}

export function Fleet({ fleet, tick }) {
  const place = usePlace();
  const range = rangeOf(place);
  const models = useAnswer('/v1/models?limit=100', { keep: 'models' });
  const names = (models.data?.items ?? []).map((one) => one.model);
  const filter = { model: place.model, version: place.version };
  return (
    <>
      <div class="view-head">
        <h1 tabIndex={-1}>{t('fleet.title')}</h1>
        <div class="view-side">
          <Select label={t('model.choose')} value={place.model ?? ''}
              options={[['', t('model.all')], ...names.map((name) => [name, name, true])]}
              onChange={(model) => go(here({ model, version: null }))} />
          <RangeBar />
        </div>
      </div>
      <Numbers fleet={fleet} />
      {fleet?.nodes.total === 0 && <section class="card"><Enrol /></section>}
      {fleet?.nodes.total !== 0 && (
        <Charts filter={filter} range={range} tick={tick} keep={`fleet ${place.model} ${place.version}`} />
      )}
      <div class="pair">
        <Card title={t('fleet.versions')} id="versions-title"><Versions fleet={fleet} /></Card>
        <Card title={t('fleet.server')} id="server-title"><Server fleet={fleet} /></Card>
      </div>
      {fleet?.nodes.total !== 0 && <Nodes fleet={fleet} />}
    </>
  );
}
