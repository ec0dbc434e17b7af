// SPDX-License-Identifier: Apache-2.0
// The four charts: what /v1/series and /v1/analytics/confidence answer, made into pictures.
import { address } from './api.js';
import { Chart } from './chart.jsx';
import { NONE, micros, number, percent, short, time } from './format.js';
import { axes, bars, colour, faint, line } from './plot.js';
import { useAnswer } from './query.js';
import { t } from './strings.js';

const PALETTE = 10;

function times(data) {
  return Array.from({ length: data.n.length }, (unused, i) => data.t0 + i * data.step_ms);
}

// A step without predictions is 0 a minute, unless it is still to come or was deleted.
function known(data, column) {
  return column.map((value, i) => {
    const at = data.t0 + i * data.step_ms;
    return value ?? (at < data.complete_from_ms || at >= Date.now() ? null : 0);
  });
}

// How much of the range is known.
const passed = (data) => Math.min(data.to_ms, Date.now()) - Math.max(data.t0, data.complete_from_ms);

// The last step is still filling: drawn, it would look like a fall.
function whole(data, column) {
  const last = data.n.length - 1;
  if (last < 4 || data.t0 + (last + 1) * data.step_ms <= Date.now() || !data.n.slice(0, last).some(Boolean)) {
    return column;
  }
  return column.map((value, i) => (i === last ? null : value));
}

// Few steps are drawn as plateaus, each from its start to its end, so that one alone is seen and
// nothing slopes where nothing is known; many are one line.
const FEW = 50;
const perStep = (data) => (data.n.length > FEW ? 1 : 2);

function outline(data, ...columns) {
  const starts = times(data);
  if (perStep(data) === 1) {
    return [starts, ...columns];
  }
  return [starts.flatMap((ms) => [ms, ms + data.step_ms - 1]), ...columns.map((column) => column.flatMap((value) => [value, value]))];
}

const scales = (range, y) => ({ x: { time: true, range: () => [range.from, range.to] }, y });
const fromZero = (least) => ({ range: (u, low, high) => [0, Math.max(least, (high ?? 0) * 1.08)] });

function timeColumn(data) {
  return { key: 'time', head: t('chart.time'), cell: (i) => <time dateTime={new Date(data.t0 + i * data.step_ms).toISOString()} translate={false}>{time(data.t0 + i * data.step_ms)}</time> };
}

function numberColumn(key, head, values, show) {
  return { key, head, kind: 'number', cell: (i) => <span translate={false}>{show(values[i])}</span> };
}

const css = (name) => `var(--${name})`;

// In the legend: the moment under the pointer, else what stands for the whole range.
const under = (data, column, show, rest) => (at) => (at === null || at >= column.length ? rest : show(column[at]));

function volumeChart(data, range) {
  const [max, mean, min] = ['max', 'mean', 'min'].map((name) => known(data, data[name]));
  const drawn = (column) => whole(data, column).filter((n) => n !== null);
  const show = (value) => number(value, value !== null && value < 10 && !Number.isInteger(value) ? 1 : 0);
  const pale = 'color-mix(in srgb, var(--c0) 40%, transparent)';
  const series = [
    { key: 'max', label: t('chart.volume.max'), css: pale, value: under(data, max, show, show(Math.max(0, ...drawn(max)))) },
    { key: 'mean', label: t('chart.volume.mean'), css: css('c0'), value: under(data, mean, show, show(data.total / Math.max(1, passed(data) / 60e3))) },
    { key: 'min', label: t('chart.volume.min'), css: pale, value: under(data, min, show, show(drawn(min).length ? Math.min(...drawn(min)) : 0)) },
  ];
  const make = () => {
    const main = colour('c0');
    return {
      options: {
        scales: scales(range, fromZero(1)),
        axes: axes({ step: data.step_ms }),
        series: [
          {},
          { stroke: faint(main, 0.35), width: 1, points: { show: false } },
          { stroke: main, width: 2, fill: faint(main, 0.08), paths: line(), points: { show: false } },
          { stroke: faint(main, 0.35), width: 1, points: { show: false } },
        ],
        bands: [{ series: [1, 3], fill: faint(main, 0.16) }],
      },
      data: outline(data, whole(data, max), whole(data, mean), whole(data, min)),
    };
  };
  return {
    series, make, zoom: true, empty: data.total === 0, count: data.n.length, perPoint: perStep(data),
    drawing: `${range.from} ${range.to} ${data.step_ms} ${perStep(data)}`,
    legendValue: (one, at) => one.value(at),
    table: [timeColumn(data), numberColumn('n', t('chart.count'), data.n, (v) => number(v)),
      numberColumn('mean', t('chart.volume.mean'), mean, (v) => number(v, 1)),
      numberColumn('min', t('chart.volume.min'), min, (v) => number(v)),
      numberColumn('max', t('chart.volume.max'), max, (v) => number(v))],
  };
}

// The classes that are seen most get a colour each, the rest one together.
function leading(data) {
  const seen = data.classes.filter((one) => one.total > 0).sort((a, b) => b.total - a.total);
  const kept = seen.length > PALETTE ? seen.slice(0, PALETTE - 1) : seen;
  const parts = kept.sort((a, b) => a.class - b.class)
    .map((one) => ({ key: one.class, label: one.name ?? String(one.class), named: true, n: one.n, total: one.total }));
  const rest = seen.filter((one) => !kept.includes(one));
  if (rest.length > 0) {
    parts.push({
      key: 'other', label: t('chart.other'), total: rest.reduce((sum, one) => sum + one.total, 0),
      n: data.n.map((unused, i) => rest.reduce((sum, one) => sum + one.n[i], 0)),
    });
  }
  return parts;
}

function classesChart(data, range) {
  const parts = leading(data);
  const share = (part) => part.n.map((n, i) => (data.n[i] ? n / data.n[i] : null));
  const shares = parts.map(share);
  const make = () => {
    const sums = shares.map((unused, k) => data.n.map((n, i) => (n ? shares.slice(0, k + 1).reduce((sum, one) => sum + one[i], 0) : null)));
    return {
      options: {
        scales: scales(range, { range: [0, 1] }),
        axes: axes({ step: data.step_ms, value: (v) => percent(v, 0) }),
        series: [{}, ...parts.map((unused, k) => {
          const tint = colour(`c${parts.length - 1 - k}`);
          return { fill: tint, stroke: tint, width: 0, paths: bars(true), points: { show: false } };
        })],
      },
      data: [times(data), ...sums.reverse()],
    };
  };
  return {
    make, zoom: true, empty: data.total === 0, count: data.n.length,
    drawing: `${range.from} ${range.to} ${data.step_ms} ${parts.map((part) => part.key)}`,
    series: parts.map((part, k) => ({ ...part, css: css(`c${k}`), at: shares[k], rest: part.total / data.total })),
    legendValue: (one, at) => percent(at === null || one.at[at] === undefined ? one.rest : one.at[at]),
    table: [timeColumn(data), ...parts.map((part, k) => ({
      ...numberColumn(`class-${part.key}`, part.named ? <span translate={false}>{part.label}</span> : part.label, shares[k], (v) => percent(v)),
    }))],
  };
}

function confidenceChart(data) {
  const lows = data.edges.slice(0, -1);
  const band = (i) => `${percent(lows[i], 0)}–${percent(data.edges[i + 1], 0)}`;
  const make = () => ({
    options: {
      scales: { x: { time: false, range: [0, 1] }, y: fromZero(1) },
      axes: axes({ time: false }).map((axis, i) => (i === 0 ? { ...axis, values: (u, splits) => splits.map((s) => percent(s, 0)) } : axis)),
      series: [{}, { fill: colour('c1'), stroke: colour('c1'), width: 0, paths: bars(), points: { show: false } }],
    },
    data: [lows, data.n],
  });
  return {
    make, empty: data.total === 0, count: lows.length, drawing: 'confidence',
    series: [{ key: 'n', label: t('chart.count'), css: css('c1') }],
    legendValue: (one, at) => (at === null ? number(data.total) : `${band(at)}: ${number(data.n[at])}`),
    table: [
      { key: 'band', head: t('chart.confidence.band'), cell: (i) => <span translate={false}>{band(i)}</span> },
      numberColumn('n', t('chart.count'), data.n, (v) => number(v)),
      numberColumn('share', t('chart.share'), data.n.map((n) => n / data.total), (v) => percent(v)),
    ],
  };
}

const QUANTILES = [['p99_us', 'p99', 'c3'], ['p90_us', 'p90', 'c2'], ['p50_us', 'p50', 'c0']];

function latencyChart(data, range) {
  const last = (column) => column.filter((v) => v !== null).at(-1) ?? null;
  const make = () => ({
    options: {
      scales: scales(range, fromZero(10)),
      axes: axes({ step: data.step_ms, value: (v) => (v >= 1000 ? `${short(v / 1000)} ms` : `${short(v)} µs`) }).map((axis, i) => (i ? { ...axis, size: 58 } : axis)),
      series: [{}, ...QUANTILES.map(([, , tint]) => ({ stroke: colour(tint), width: 2, paths: line(), points: { show: false } }))],
    },
    data: outline(data, ...QUANTILES.map(([key]) => data[key])),
  });
  return {
    make, zoom: true, empty: data.total === 0, count: data.n.length, perPoint: perStep(data),
    drawing: `${range.from} ${range.to} ${data.step_ms} ${perStep(data)}`,
    series: QUANTILES.map(([key, label, tint]) => ({ key, label, named: true, css: css(tint) })),
    legendValue: (one, at) => micros(at === null ? last(data[one.key]) : data[one.key][at] ?? null),
    table: [timeColumn(data), ...[...QUANTILES].reverse().map(([key, label]) => numberColumn(key, <span translate={false}>{label}</span>, data[key], micros))],
  };
}

function useSeries(metric, width, filter, range, tick, keep) {
  const path = address('/v1/series', { metric, from: range.from, to: range.to, width, ...filter });
  return { path, answer: useAnswer(path, { tick, keep }) };
}

export function VolumeChart({ filter, range, tick, keep }) {
  const { path, answer } = useSeries('volume', 240, filter, range, tick, keep);
  const data = answer.data;
  return (
    <Chart id="volume" title={t('chart.volume')} unit={t('chart.volume.unit')} answer={answer} csv={path}
      note={data && t('chart.total', { n: number(data.total) })} chart={data && volumeChart(data, range)} />
  );
}

function ClassesChart({ filter, range, tick, keep }) {
  const { path, answer } = useSeries('classes', 96, filter, range, tick, keep);
  const data = answer.data;
  return (
    <Chart id="classes" title={t('chart.classes')} unit={t('chart.classes.unit')} answer={answer} csv={path}
      note="" chart={data && classesChart(data, range)} />
  );
}

function ConfidenceChart({ filter, range, tick, keep }) {
  const path = address('/v1/analytics/confidence', { from: range.from, to: range.to, ...filter });
  const answer = useAnswer(path, { tick, keep });
  const data = answer.data;
  return (
    <Chart id="confidence" title={t('chart.confidence')} unit={t('chart.confidence.unit')} answer={answer} csv={path}
      note={data && t('chart.confidence.mean', { value: data.mean === null ? NONE : percent(data.mean) })}
      chart={data && confidenceChart(data)} />
  );
}

function LatencyChart({ filter, range, tick, keep }) {
  const { path, answer } = useSeries('latency', 240, filter, range, tick, keep);
  const data = answer.data;
  return (
    <Chart id="latency" title={t('chart.latency')} unit={t('chart.latency.unit')} answer={answer} csv={path}
      note="" chart={data && latencyChart(data, range)} />
  );
}

// All four, of what `filter` (model, version) lets through.
export function Charts(props) {
  return (
    <div class="charts">
      <VolumeChart {...props} />
      <ClassesChart {...props} />
      <LatencyChart {...props} />
      <ConfidenceChart {...props} />
    </div>
  );
}

