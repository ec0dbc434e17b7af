// SPDX-License-Identifier: Apache-2.0
// All models, and one of them: versions, variants, sizes, signatures, what runs where.
import { bytes, day, duration, number, time } from './format.js';
import { Badge, Card, Command, Digest, Empty, Facts, Failure, Icon, Name, Table } from './parts.jsx';
import { Link, rangeOf, usePlace, view } from './place.jsx';
import { useAnswer } from './query.js';
import { RangeBar } from './range.jsx';
import { Charts } from './series.jsx';
import { t } from './strings.js';

function Publish() {
  return (
    <Empty icon="box" title={t('empty.models.title')} lead={t('empty.models.lead')}>
      <Command label={t('empty.models.import')}>{'muster model import model.onnx -o model.mnet --name NAME --version 1.0.0'}</Command>
      <Command label={t('empty.models.publish')}>{`muster model publish model.mnet --repo repo --model NAME --version 1.0.0 --server ${location.origin}`}</Command>
      <Command label={t('empty.models.deploy')}>{`muster model deploy NAME --version 1.0.0 --server ${location.origin}`}</Command>
    </Empty>
  );
}

const task = (name) => (['classify', 'regress', 'anomaly'].includes(name) ? t(`task.${name}`) : <Name>{name}</Name>);

export function Models() {
  const answer = useAnswer('/v1/models?limit=200', { everyMs: 15000, keep: 'models' });
  const items = answer.data?.items;
  return (
    <>
      <div class="view-head"><h1 tabIndex={-1}>{t('models.title')}</h1></div>
      <section class="card" aria-busy={answer.busy}>
        {answer.error && <Failure error={answer.error} again={answer.again} />}
        {!answer.data && !answer.error && <div class="ghost" aria-hidden="true" />}
        {items?.length === 0 && <Publish />}
        {items?.length > 0 && (
          <Table caption={t('models.title')} rows={items} keyOf={(one) => one.model} columns={[
            { key: 'model', head: t('nodes.name'), cell: (one) => <Link to={view({ view: 'model', name: one.model })} translate={false}>{one.model}</Link> },
            { key: 'task', head: t('models.task'), cell: (one) => task(one.task) },
            { key: 'newest', head: t('models.newest'), cell: (one) => <Name>{one.newest?.version}</Name> },
            { key: 'versions', head: t('models.versions'), kind: 'number', cell: (one) => <Name>{number(one.versions)}</Name> },
            { key: 'floor', head: t('models.floor'), kind: 'number', cell: (one) => <Name>{number(one.floor)}</Name> },
          ]} />
        )}
      </section>
    </>
  );
}

function Transports({ variant, versions }) {
  const name = (one) => {
    if (one.transport === 'zst') {
      return t('models.zst');
    }
    const base = versions.find((version) => version.variants.some((other) => other.artifact === one.base));
    return t('models.delta', { seq: base?.seq ?? '?' });
  };
  return (
    <ul class="transports">
      {(variant.transports ?? []).map((one) => (
        <li key={one.path}>{name(one)} <b translate={false}>{bytes(one.length)}</b></li>
      ))}
    </ul>
  );
}

function variantRows(model) {
  const newestFirst = [...model.versions].sort((a, b) => b.seq - a.seq);
  return newestFirst.flatMap((version) => version.variants.map((variant, i) => ({ version, variant, first: i === 0 })));
}

function VersionCell({ model, row, newest }) {
  if (!row.first) {
    return null;
  }
  return (
    <span class="version-cell">
      <b translate={false}>{row.version.version}</b>
      {row.version.seq === newest && <span class="tag good">{t('models.hint.newest')}</span>}
      {row.version.seq < model.floor && <span class="tag warn">{t('models.belowfloor')}</span>}
    </span>
  );
}

function Versions({ model }) {
  const newest = Math.max(...model.versions.map((version) => version.seq));
  return (
    <Table caption={t('models.versions')} rows={variantRows(model)} columns={[
      { key: 'version', head: t('models.version'), cell: (row) => <VersionCell model={model} row={row} newest={newest} /> },
      { key: 'published', head: t('models.published'), cell: (row) => row.first && <time translate={false} title={time(row.version.published_ms)}>{day(row.version.published_ms)}</time> },
      { key: 'variant', head: t('models.variant'), cell: (row) => <span class="tag" translate={false}>{row.variant.variant}</span> },
      { key: 'size', head: t('models.size'), kind: 'number', cell: (row) => <Name title={number(row.variant.length)}>{bytes(row.variant.length)}</Name> },
      { key: 'transports', head: t('models.transports'), cell: (row) => <Transports variant={row.variant} versions={model.versions} /> },
      { key: 'digest', head: <Name>SHA-256</Name>, cell: (row) => <Digest hex={row.variant.artifact} /> },
      {
        key: 'nodes', head: t('models.nodes'), kind: 'number',
        cell: (row) => (
          <Link class="quiet" to={view({ model: model.model, version: row.version.version })} translate={false}>
            {number(row.variant.nodes ?? row.version.nodes)}
          </Link>
        ),
      },
    ]} />
  );
}

function Signatures({ model }) {
  const now = Date.now();
  const left = (one) => one.expires_ms - now;
  const tone = (one) => (left(one) < 0 ? 'silent' : left(one) < 2 * 86400e3 ? 'late' : 'current');
  return (
    <Table caption={t('models.signatures')} rows={model.signatures ?? []} keyOf={(one) => one.role} columns={[
      { key: 'role', head: t('models.role'), cell: (one) => <Name>{one.role}</Name> },
      { key: 'seq', head: t('models.version'), kind: 'number', cell: (one) => <Name>{number(one.version)}</Name> },
      {
        key: 'keys', head: t('models.keys'),
        cell: (one) => <span title={one.keys.map((key) => `${key.keytype} ${key.keyid}`).join('\n')}>{t('models.threshold', { threshold: one.threshold, keys: one.keys.length })}</span>,
      },
      { key: 'expires', head: t('models.expires'), cell: (one) => <Badge tone={tone(one)}><time translate={false} title={time(one.expires_ms)}>{day(one.expires_ms)} ({duration(left(one))})</time></Badge> },
    ]} />
  );
}

function About({ model }) {
  return (
    <Facts items={[
      [t('models.task'), <span translate={true}>{task(model.task)}</span>],
      [t('models.floor'), number(model.floor)],
      [t('models.classes'), model.classes?.length ? model.classes.join(', ') : null],
    ]} />
  );
}

function Details({ model, place, tick }) {
  if (!model) {
    return <div class="ghost tall" aria-hidden="true" />;
  }
  return (
    <>
      <Card title={t('models.versions')} id="model-versions"><Versions model={model} /></Card>
      <Charts filter={{ model: model.model, version: place.version }} range={rangeOf(place)} tick={tick} keep={`model ${model.model}`} />
      <div class="pair">
        <Card title={t('models.signatures')} id="signatures-title"><Signatures model={model} /></Card>
        <Card title={t('node.facts')} id="model-facts"><About model={model} /></Card>
      </div>
    </>
  );
}

export function ModelView({ tick }) {
  const place = usePlace();
  const answer = useAnswer(`/v1/models/${encodeURIComponent(place.name ?? '')}`, { everyMs: 15000, keep: `model ${place.name}` });
  return (
    <>
      <div class="view-head">
        <div>
          <Link to={view({ view: 'models' })} class="back"><Icon name="back" />{t('models.title')}</Link>
          <h1 tabIndex={-1}><Name>{place.name}</Name></h1>
        </div>
        <div class="view-side"><RangeBar /></div>
      </div>
      {answer.error ? <section class="card"><Failure error={answer.error} again={answer.again} /></section>
        : <Details model={answer.data} place={place} tick={tick} />}
    </>
  );
}

