// SPDX-License-Identifier: Apache-2.0
// One node: what it is, how it is, what it runs and why.
import { ago, bytes, duration, number, time } from './format.js';
import { NodeBadge } from './nodes.jsx';
import { Badge, Card, Command, Digest, Empty, Facts, Failure, Icon, Labels, Name, Stat, Table } from './parts.jsx';
import { Link, rangeOf, usePlace, view } from './place.jsx';
import { useAnswer } from './query.js';
import { RangeBar } from './range.jsx';
import { VolumeChart } from './series.jsx';
import { t } from './strings.js';

const REFRESH_MS = 5000;
const list = (items) => (items?.length ? items.join(', ') : null);

function Numbers({ node }) {
  const health = node?.health ?? {};
  return (
    <dl class="stats low" aria-label={t('node.health')}>
      <Stat id="node-version" label={t('node.runs')} value={node && (node.version ?? node.model)}
        hint={node?.model && <Link to={view({ view: 'model', name: node.model })} translate={false}>{node.model}</Link>} />
      <Stat id="last_report" label={t('nodes.last_report')} value={node && ago(node.last_report_ms, Date.now())}
        hint={node?.last_report_ms && <span translate={false}>{time(node.last_report_ms)}</span>} />
      <Stat id="queued" label={t('node.queued')} value={node && number(node.queued)}
        hint={node && <span>{t('node.rejected')}: <span translate={false}>{number(health.rejected ?? 0)}</span></span>} />
      <Stat id="predictions" label={t('node.stored')} value={node && number(node.predictions)}
        hint={node && <span>{t('node.inferred')}: <span translate={false}>{number(health.inferred)}</span></span>} />
    </dl>
  );
}

function Health({ node }) {
  const health = node.health ?? {};
  return (
    <Facts items={[
      [t('node.cpu'), health.cpu_pct === undefined ? null : `${number(health.cpu_pct, 1)} %`],
      [t('node.memory'), bytes(health.rss_bytes)],
      [t('node.temperature'), health.temp_c === undefined ? null : `${number(health.temp_c, 1)} °C`],
      [t('node.power'), health.power_mw === undefined ? null : `${number(health.power_mw / 1000, 2)} W`],
      [t('node.lag'), duration(node.lag_ms)],
    ]} />
  );
}

function About({ node }) {
  const facts = node.facts ?? {};
  return (
    <Facts items={[
      [t('node.id'), node.id],
      [t('node.arch'), facts.arch],
      [t('node.cores'), facts.cores],
      [t('node.ram'), bytes(facts.ram_bytes)],
      [t('node.flash'), bytes(facts.flash_bytes)],
      [t('node.features'), list(facts.features)],
      [t('node.formats'), list(facts.formats)],
      [t('node.runtime'), facts.runtime],
      [t('node.agent'), facts.agent],
      [t('node.enrolled'), time(node.enrolled_ms)],
    ]} />
  );
}

const TONES = { runs: 'current', too_big_or_new: 'late', other_hardware: 'never' };

function Offer({ offer }) {
  const { deployment } = offer;
  const named = { model: offer.model, version: offer.version, variant: offer.offered };
  return (
    <div class="offer">
      <p>{t(offer.offered ? 'node.why.offered' : 'node.why.nothing', named)}</p>
      {deployment && (
        <p class="soft">{t('node.why.deployment', { id: deployment.id, by: deployment.created_by, selector: deployment.selector || t('node.why.all') })}</p>
      )}
      <ul class="variants">
        {offer.variants.map((one) => (
          <li key={one.variant}>
            <span class="tag" translate={false}>{one.variant}</span>
            <Badge tone={TONES[one.verdict]}>{t(`verdict.${one.verdict}`)}</Badge>
            {one.reason && <span class="soft" translate={false}>{one.reason}</span>}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Why({ node }) {
  if (!node.offers?.length) {
    return (
      <>
        <p class="note">{t('empty.deploy')}</p>
        <Command>{`muster model deploy MODEL --version VERSION --selector id=${node.id} --server ${location.origin}`}</Command>
      </>
    );
  }
  return node.offers.map((offer) => <Offer key={offer.model} offer={offer} />);
}

function History({ node }) {
  if (!node.history?.length) {
    return <p class="note">{t('node.versions.none')}</p>;
  }
  return (
    <Table caption={t('node.versions')} rows={node.history} columns={[
      { key: 'version', head: t('nodes.version'), cell: (one) => <Name>{one.model} <b>{one.version ?? '?'}</b></Name> },
      { key: 'digest', head: <Name>SHA-256</Name>, cell: (one) => <Digest hex={one.artifact} /> },
      { key: 'from', head: t('node.versions.from'), cell: (one) => <Name>{time(one.first_received_ms)}</Name> },
      { key: 'to', head: t('node.versions.to'), cell: (one) => <Name>{time(one.last_received_ms)}</Name> },
      { key: 'predictions', head: t('chart.count'), kind: 'number', cell: (one) => <Name>{number(one.predictions)}</Name> },
    ]} />
  );
}

function Reports({ node }) {
  if (!node.reports?.length) {
    return <p class="note">{t('node.reports.none')}</p>;
  }
  return (
    <Table caption={t('node.reports')} rows={node.reports} columns={[
      { key: 'received', head: t('node.reports.received'), cell: (one) => <time translate={false} title={time(one.received_ms)}>{ago(one.received_ms, Date.now())}</time> },
      { key: 'version', head: t('nodes.version'), cell: (one) => <Name>{one.model} <b>{one.version ?? '?'}</b></Name> },
      { key: 'seq', head: t('node.reports.seq'), kind: 'number', cell: (one) => <Name>{one.stream} / {one.seq}</Name> },
      { key: 'rows', head: t('node.reports.rows'), kind: 'number', cell: (one) => <Name>{number(one.predictions ?? one.rows)}</Name> },
      { key: 'dropped', head: t('node.dropped'), kind: 'number', cell: (one) => <Name>{number(one.dropped)}</Name> },
    ]} />
  );
}

function Silent({ node }) {
  return (
    <Empty icon="chip" title={t('empty.silent.title')} lead={t('empty.silent.lead')}>
      <Command>{'journalctl -u muster-agent -n 50'}</Command>
      {node.state === 'pending' && <Command>{`muster node activate ${node.id} --server ${location.origin}`}</Command>}
    </Empty>
  );
}

function Details({ node, range, tick }) {
  if (!node) {
    return <div class="ghost tall" aria-hidden="true" />;
  }
  return (
    <>
      {node.model ? <VolumeChart filter={{ node: node.id }} range={range} tick={tick} keep={`node ${node.id}`} />
        : <section class="card"><Silent node={node} /></section>}
      <div class="pair">
        <Card title={t('node.why')} id="why-title"><Why node={node} /></Card>
        <Card title={t('node.health')} id="health-title"><Health node={node} /></Card>
      </div>
      <div class="pair">
        <Card title={t('node.reports')} id="reports-title"><Reports node={node} /></Card>
        <Card title={t('node.facts')} id="facts-title"><About node={node} /></Card>
      </div>
      <Card title={t('node.versions')} id="history-title"><History node={node} /></Card>
    </>
  );
}

export function NodeView({ tick }) {
  const place = usePlace();
  const id = encodeURIComponent(place.id ?? '');
  const answer = useAnswer(`/v1/nodes/${id}`, { everyMs: REFRESH_MS, keep: `node ${id}` });
  const node = answer.data;
  return (
    <>
      <div class="view-head">
        <div>
          <Link to={view({})} class="back"><Icon name="back" />{t('fleet.title')}</Link>
          <h1 tabIndex={-1}><Name>{node?.name ?? `#${place.id}`}</Name>{node && <NodeBadge node={node} />}</h1>
          <Labels labels={node?.labels} />
        </div>
        <div class="view-side"><RangeBar /></div>
      </div>
      {answer.error ? <section class="card"><Failure error={answer.error} again={answer.again} /></section> : (
        <>
          <Numbers node={node} />
          <Details node={node} range={rangeOf(place)} tick={tick} />
        </>
      )}
    </>
  );
}
