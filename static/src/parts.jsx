// SPDX-License-Identifier: Apache-2.0
// The components that every view is made of.
import { useState } from 'preact/hooks';
import { NONE, digest } from './format.js';
import { t } from './strings.js';

const ICONS = {
  copy: 'M9 9h10v10H9zM5 15V5h10',
  check: 'M5 12.5l4.5 4.5L19 7',
  download: 'M12 4v11m-4-4l4 4 4-4M5 19h14',
  search: 'M11 5a6 6 0 100 12 6 6 0 000-12zm4.5 10.5L20 20',
  left: 'M14 6l-6 6 6 6',
  right: 'M10 6l6 6-6 6',
  up: 'M12 18V6m-5 5l5-5 5 5',
  down: 'M12 6v12m-5-5l5 5 5-5',
  sun: 'M12 8a4 4 0 100 8 4 4 0 000-8zM12 3v2m0 14v2M3 12h2m14 0h2M5.6 5.6L7 7m10 10l1.4 1.4M5.6 18.4L7 17M17 7l1.4-1.4',
  moon: 'M19 14.5A7.5 7.5 0 019.5 5 7.5 7.5 0 1019 14.5z',
  screen: 'M4 5h16v11H4zM9 20h6m-3-4v4',
  out: 'M14 5h5v14h-5M4 12h10m-4-4l4 4-4 4',
  back: 'M19 12H5m6-6l-6 6 6 6',
  chip: 'M8 8h8v8H8zM5 5h14v14H5zM9 2v3m6-3v3M9 19v3m6-3v3M2 9h3m-3 6h3m14-6h3m-3 6h3',
  box: 'M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9',
  alert: 'M12 4l9 16H3zM12 10v4m0 3v.5',
};

export function Icon({ name }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={ICONS[name]} />
    </svg>
  );
}

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" />
      <circle cx="9" cy="21" r="2.6" />
      <circle cx="16" cy="21" r="2.6" />
      <circle cx="23" cy="21" r="2.6" />
      <circle cx="12.5" cy="15" r="2.6" />
      <circle cx="19.5" cy="15" r="2.6" />
      <circle class="top" cx="16" cy="9" r="2.6" />
    </svg>
  );
}

// What the server or a user named: never translated.
export function Name({ children, title, class: kind = '' }) {
  return <span translate={false} class={kind} title={title}>{children}</span>;
}

export function Card({ title, side, children, class: kind = '', id }) {
  return (
    <section class={`card ${kind}`} aria-labelledby={id}>
      <header class="card-head">
        <h2 id={id}>{title}</h2>
        {side}
      </header>
      {children}
    </section>
  );
}

// One number with its name; `id` names it for the tests and for whoever reads the page by machine.
export function Stat({ id, label, value, hint, tone = '', children }) {
  return (
    <div class={`stat ${tone}`} data-stat={id}>
      <dt>{label}</dt>
      <dd>
        <span class="stat-value" translate={false}>{value ?? NONE}</span>
        {hint && <span class="stat-hint">{hint}</span>}
        {children}
      </dd>
    </div>
  );
}

export function Badge({ tone, children }) {
  return (
    <span class={`badge ${tone}`}>
      <span class="dot" aria-hidden="true" />
      {children}
    </span>
  );
}

// One of a few choices. Options are [value, label].
export function Choice({ label, value, options, onChange, class: kind = '' }) {
  return (
    <div class={`choice ${kind}`} role="group" aria-label={label}>
      {options.map(([option, text, title]) => (
        <button type="button" key={option} aria-pressed={option === value} title={title}
          aria-label={title} onClick={() => onChange(option)}>
          {text}
        </button>
      ))}
    </div>
  );
}

export function Select({ label, value, options, onChange, hidden = true }) {
  return (
    <label class="field">
      <span class={hidden ? 'unseen' : ''}>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([option, text, named]) => (
          <option key={option} value={option} selected={option === value} translate={named ? false : undefined}>{text}</option>
        ))}
      </select>
    </label>
  );
}

export function Command({ children, label }) {
  const [copied, set] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(children);
    set(true);
    setTimeout(() => set(false), 1500);
  };
  return (
    <div class="command">
      {label && <p class="command-label">{label}</p>}
      <div class="command-box">
        <pre tabIndex={0} role="group" aria-label={label ?? t('copy')}><code translate={false}>{children}</code></pre>
        {navigator.clipboard && (
          <button type="button" class="plain" onClick={copy} aria-label={t(copied ? 'copied' : 'copy')}
            title={t(copied ? 'copied' : 'copy')}>
            <Icon name={copied ? 'check' : 'copy'} />
          </button>
        )}
      </div>
    </div>
  );
}

export function Empty({ icon, title, lead, children }) {
  return (
    <div class="empty">
      {icon && <span class="empty-icon"><Icon name={icon} /></span>}
      <p class="empty-title">{title}</p>
      {lead && <p class="empty-lead">{lead}</p>}
      {children}
    </div>
  );
}

export function Failure({ error, again }) {
  const text = error.status === 404 ? t('error.missing')
    : error.status ? t('error.server', { detail: error.message }) : t('error.network');
  return (
    <Empty icon="alert" title={t('error.title')} lead={text}>
      {again && <button type="button" class="button" onClick={again}>{t('retry')}</button>}
    </Empty>
  );
}

// Bars that tell how a whole divides: parts are {key, label, n, tone}.
export function Split({ parts, label }) {
  const whole = parts.reduce((sum, part) => sum + part.n, 0);
  return (
    <div class="split" role="img" aria-label={label}>
      {parts.filter((part) => part.n > 0).map((part) => (
        <span key={part.key} class={`split-part ${part.tone}`} style={{ flexGrow: part.n / whole }} />
      ))}
    </div>
  );
}

export function Digest({ hex }) {
  return <code translate={false} class="digest" title={hex}>{digest(hex)}</code>;
}

export function Labels({ labels }) {
  return (
    <span class="labels" translate={false}>
      {Object.entries(labels ?? {}).map(([key, value]) => (
        <span class="label" key={key}><span class="label-key">{key}</span>{value}</span>
      ))}
    </span>
  );
}

// A table that may scroll sideways; columns are {key, head, cell, kind}.
export function Table({ caption, columns, rows, keyOf, head }) {
  return (
    <div class="table-box" role="group" tabIndex={0} aria-label={caption}>
      <table>
        <thead>
          <tr>{columns.map((column) => (head ? head(column) : <th scope="col" key={column.key} class={column.kind}>{column.head}</th>))}</tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={keyOf ? keyOf(row) : i}>
              {columns.map((column) => (
                <td key={column.key} class={column.kind} data-column={column.key}>{column.cell(row)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Facts({ items }) {
  return (
    <dl class="facts">
      {items.map(([label, value, id]) => (
        <div key={label} data-stat={id}>
          <dt>{label}</dt>
          <dd translate={false}>{value === null || value === undefined || value === '' ? NONE : value}</dd>
        </div>
      ))}
    </dl>
  );
}
