// SPDX-License-Identifier: Apache-2.0
// A chart with everything that belongs to it: name, legend with the values under the pointer,
// download, and the same numbers as a table for who does not see the canvas.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { download } from './api.js';
import { Empty, Failure, Icon, Table } from './parts.jsx';
import { draw } from './plot.js';
import { go, here } from './place.jsx';
import { t } from './strings.js';
import { useLook } from './theme.js';

const TABLE_ROWS = 24;

// The canvas. `make()` gives {options, data}; it is drawn anew when `drawing` is another one.
function Canvas({ make, drawing, values, onHover, zoom }) {
  const box = useRef(null);
  const plot = useRef(null);
  const look = useLook();
  const onRange = zoom
    ? (from, to) => go(here({ from: Math.floor(from / 60e3) * 60e3, to: Math.ceil(to / 60e3) * 60e3, range: null }))
    : null;
  useLayoutEffect(() => {
    const { options, data } = make();
    plot.current = draw(box.current, options, data, onHover, onRange);
    return () => plot.current.end();
  }, [drawing, look]);
  useEffect(() => plot.current.set(make().data), [values]);
  return <div class="canvas" ref={box} aria-hidden="true" />;
}

function Legend({ series, at, values }) {
  return (
    <ul class="legend">
      {series.map((one) => (
        <li key={one.key}>
          <span class={`swatch ${one.swatch ?? ''}`} style={{ background: one.css }} aria-hidden="true" />
          {one.named ? <span translate={false}>{one.label}</span> : <span>{one.label}</span>}
          <span class="legend-value" translate={false}>{values(one, at)}</span>
        </li>
      ))}
    </ul>
  );
}

// At most TABLE_ROWS of n indices, evenly.
function some(n) {
  const every = Math.max(1, Math.ceil(n / TABLE_ROWS));
  return Array.from({ length: Math.ceil(n / every) }, (unused, i) => i * every);
}

function Values({ title, table, count }) {
  const [open, set] = useState(false);
  const rows = open ? some(count) : [];
  return (
    <details class="values" onToggle={(event) => set(event.currentTarget.open)}>
      <summary>{t('chart.table')}</summary>
      {open && (
        <>
          {rows.length < count && (
            <p class="note">{t('chart.table.note', { shown: rows.length, all: count })}</p>
          )}
          <Table caption={`${title}: ${t('chart.table')}`} columns={table} rows={rows} />
        </>
      )}
    </details>
  );
}

// answer: of useAnswer. chart: {series, legendValue(series, index), table, count, make, drawing,
// empty, zoom, perPoint: canvas points of a value}, or null while there is no answer.
export function Chart({ id, title, unit, note, answer, chart, csv }) {
  const [at, hover] = useState(null);
  const ready = chart && !chart.empty;
  return (
    <figure class="card chart" id={id} role="group" aria-labelledby={`${id}-title`} aria-busy={answer.busy}>
      <figcaption class="card-head">
        <div>
          <h2 id={`${id}-title`}>{title}</h2>
          <p class="unit">{unit}</p>
        </div>
        <div class="card-side">
          <span class="card-note" translate={false} data-stat={id}>{ready ? note : ''}</span>
          <button type="button" class="plain" disabled={!ready} onClick={() => download(csv, `${id}.csv`)}
            aria-label={t('chart.csv.of', { what: title })} title={t('chart.csv.of', { what: title })}>
            <Icon name="download" />
          </button>
        </div>
      </figcaption>
      <div class="chart-body">
        {ready && (
          <Canvas make={chart.make} drawing={chart.drawing} values={answer.data} zoom={chart.zoom}
            onHover={(index) => hover(index === null ? null : Math.floor(index / (chart.perPoint ?? 1)))} />
        )}
        {chart?.empty && !answer.error && (
          <Empty title={t('chart.empty')}>
            <button type="button" class="button" onClick={() => go(here({ range: '30d', from: null, to: null }))}>
              {t('chart.empty.range')}
            </button>
          </Empty>
        )}
        {answer.error && <Failure error={answer.error} again={answer.again} />}
        {!chart && !answer.error && <div class="ghost" aria-hidden="true" />}
      </div>
      <div class="chart-foot">
        {ready && <Legend series={chart.series} at={at} values={chart.legendValue} />}
      </div>
      {ready && <Values title={title} table={chart.table} count={chart.count} />}
    </figure>
  );
}
