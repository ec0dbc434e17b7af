// SPDX-License-Identifier: Apache-2.0
// The table of nodes: filtered, sorted and paged by the server, all of it in the address.
import { useEffect, useRef, useState } from 'preact/hooks';
import { address, download } from './api.js';
import { ago, duration, number, time } from './format.js';
import { Badge, Command, Empty, Failure, Icon, Labels, Name, Select, Table } from './parts.jsx';
import { Link, go, here, usePlace, view } from './place.jsx';
import { useAnswer } from './query.js';
import { t } from './strings.js';

const PAGE_ROWS = 25;
const FILTERS = ['q', 'selector', 'contact', 'state', 'model', 'version'];
export const CONTACTS = ['current', 'late', 'silent', 'never'];
const STATES = ['active', 'pending', 'revoked'];
const REFRESH_MS = 5000;

// A node that may not speak is told by its state, others by when they last did.
export function NodeBadge({ node }) {
  return node.state === 'active' && node.contact
    ? <Badge tone={node.contact}>{t(`contact.${node.contact}`)}</Badge>
    : <Badge tone={node.state}>{t(`state.${node.state}`)}</Badge>;
}

function columns(nowMs) {
  return [
    {
      key: 'name', head: t('nodes.name'), sort: 'name',
      cell: (node) => (
        <span class="node-name">
          <Link to={view({ view: 'node', id: node.id })} translate={false}>{node.name}</Link>
          <Labels labels={node.labels} />
        </span>
      ),
    },
    { key: 'contact', head: t('nodes.contact'), cell: (node) => <NodeBadge node={node} /> },
    {
      key: 'version', head: t('nodes.version'), sort: 'version',
      cell: (node) => (node.model
        ? <Link to={view({ view: 'model', name: node.model })} translate={false} class="quiet">{node.model} <b>{node.version ?? '?'}</b></Link>
        : <span class="soft">{t('fleet.noversion')}</span>),
    },
    {
      key: 'last_report', head: t('nodes.last_report'), sort: 'last_report', kind: 'number',
      cell: (node) => <time translate={false} title={time(node.last_report_ms)}>{ago(node.last_report_ms, nowMs)}</time>,
    },
    { key: 'queue', head: t('nodes.queue'), sort: 'queue', kind: 'number', cell: (node) => <span translate={false}>{number(node.queued)}</span> },
    { key: 'lag', head: t('nodes.lag'), sort: 'lag', kind: 'number', cell: (node) => <span translate={false}>{duration(node.lag_ms)}</span> },
  ];
}

function SortHead({ column, sort, order }) {
  if (!column.sort) {
    return <th scope="col" class={column.kind}>{column.head}</th>;
  }
  const chosen = sort === column.sort;
  const next = chosen && order === 'asc' ? 'desc' : 'asc';
  return (
    <th scope="col" class={column.kind} aria-sort={chosen ? (order === 'desc' ? 'descending' : 'ascending') : undefined}>
      <button type="button" class="sort" title={t('nodes.sort', { what: column.head })}
        onClick={() => go(here({ sort: column.sort, order: next === 'asc' ? null : next }), { replace: true })}>
        {column.head}
        <span class={`sort-mark ${chosen ? '' : 'off'}`}><Icon name={chosen && order === 'desc' ? 'down' : 'up'} /></span>
      </button>
    </th>
  );
}

// A text field that tells when its writer rests.
function Typed({ label, value, onChange, placeholder, icon }) {
  const [text, set] = useState(value);
  const timer = useRef(0);
  useEffect(() => set(value), [value]);
  const type = (event) => {
    const now = event.currentTarget.value;
    set(now);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onChange(now.trim()), 250);
  };
  return (
    <label class="field typed">
      <span class="unseen">{label}</span>
      {icon && <Icon name={icon} />}
      <input type="search" value={text} onInput={type} placeholder={placeholder} spellcheck={false} autocomplete="off" />
    </label>
  );
}

function Filters({ place }) {
  const change = (name) => (value) => go(here({ [name]: value }), { replace: true });
  const any = ['', t('nodes.any')];
  const set = FILTERS.filter((name) => place[name]);
  return (
    <div class="filters">
      <Typed label={t('nodes.search')} placeholder={t('nodes.search')} icon="search" value={place.q ?? ''} onChange={change('q')} />
      <Typed label={t('nodes.selector')} placeholder={t('nodes.selector.hint')} value={place.selector ?? ''} onChange={change('selector')} />
      <Select label={t('nodes.contact')} value={place.contact ?? ''} onChange={change('contact')}
        options={[['', `${t('nodes.contact')}: ${t('nodes.any')}`], ...CONTACTS.map((one) => [one, t(`contact.${one}`)])]} />
      <Select label={t('nodes.state')} value={place.state ?? ''} onChange={change('state')}
        options={[['', `${t('nodes.state')}: ${any[1]}`], ...STATES.map((one) => [one, t(`state.${one}`)])]} />
      {set.length > 0 && (
        <button type="button" class="button quiet" onClick={() => go(here(Object.fromEntries(set.map((name) => [name, null]))), { replace: true })}>
          {t('nodes.clear')}
        </button>
      )}
    </div>
  );
}

export function Enrol() {
  return (
    <Empty icon="chip" title={t('empty.nodes.title')} lead={t('empty.nodes.lead')}>
      <Command label={t('empty.nodes.here')}>{`muster token create --server ${location.origin} --name first --root repo/root.json --string`}</Command>
      <Command label={t('empty.nodes.there')}>{`muster-agent --server ${location.origin} --state /var/lib/muster-agent --root root.json --token TOKEN --source images/`}</Command>
    </Empty>
  );
}

function Pager({ stack, next, busy, onTurn }) {
  return (
    <nav class="pager" aria-label={t('nodes.page')}>
      <button type="button" class="button" disabled={stack.length === 0} onClick={() => onTurn(stack.slice(0, -1))}>
        <Icon name="left" />{t('nodes.previous')}
      </button>
      <button type="button" class="button" disabled={!next || busy} onClick={() => onTurn([...stack, next])}>
        {t('nodes.next')}<Icon name="right" />
      </button>
    </nav>
  );
}

function Body({ answer, sort, order, nowMs }) {
  if (answer.error) {
    return answer.error.status === 422
      ? <Empty icon="alert" title={t('nodes.badselector', { detail: answer.error.message })} />
      : <Failure error={answer.error} again={answer.again} />;
  }
  if (!answer.data) {
    return <div class="ghost" aria-hidden="true" />;
  }
  if (answer.data.items.length === 0) {
    return <Empty icon="search" title={t('nodes.nomatch')} lead={t('nodes.nomatch.hint')} />;
  }
  return (
    <Table caption={t('nodes.title')} columns={columns(nowMs)} rows={answer.data.items} keyOf={(node) => node.id}
      head={(column) => <SortHead key={column.key} column={column} sort={sort} order={order} />} />
  );
}

export function Nodes({ fleet }) {
  const place = usePlace();
  const filter = Object.fromEntries(FILTERS.map((name) => [name, place[name]]));
  const sort = place.sort ?? 'name';
  const order = place.order === 'desc' ? 'desc' : 'asc';
  const query = JSON.stringify([filter, sort, order]);
  const [turned, turn] = useState({ query, stack: [] });
  const stack = turned.query === query ? turned.stack : [];
  const ask = { ...filter, sort, order, limit: PAGE_ROWS };
  const answer = useAnswer(address('/v1/nodes', { ...ask, cursor: stack.at(-1) }), { everyMs: REFRESH_MS, keep: 'nodes' });
  const total = fleet?.nodes.total;
  const matching = answer.data?.matching;
  return (
    <section class="card" aria-labelledby="nodes-title" aria-busy={answer.busy}>
      <header class="card-head">
        <h2 id="nodes-title">{t('nodes.title')}</h2>
        <div class="card-side">
          <Name class="card-note" title={t('nodes.title')}><span data-stat="matching">{matching === null || matching === undefined ? '' : t('nodes.matching', { n: number(matching), total: number(total) })}</span></Name>
          <button type="button" class="plain" onClick={() => download(address('/v1/nodes', { ...ask, limit: 1000 }), 'nodes.csv')}
            aria-label={t('chart.csv.of', { what: t('nodes.title') })} title={t('chart.csv.of', { what: t('nodes.title') })}>
            <Icon name="download" />
          </button>
        </div>
      </header>
      <Filters place={place} />
      <div class="nodes-body"><Body answer={answer} sort={sort} order={order} nowMs={Date.now()} /></div>
      {(stack.length > 0 || answer.data?.next) && (
        <Pager stack={stack} next={answer.data?.next} busy={answer.busy} onTurn={(to) => turn({ query, stack: to })} />
      )}
    </section>
  );
}
