// SPDX-License-Identifier: Apache-2.0
// Columns on a regular step from /v1/analytics, in the form of /v1/series: for a server that
// counts, but does not draw. It knows no percentile over time: one step has the whole range.
import { address } from './api.js';

const MINUTES = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440];

export function countsPath(metric, range, width, filter) {
  const step = MINUTES.find((minutes) => (range.to - range.from) / (minutes * 60e3) <= width) ?? 1440;
  const place = `/v1/analytics/${metric}`;
  const query = { from: range.from, to: range.to, ...filter };
  return address(place, metric === 'latency' ? query : { ...query, step: step * 60 });
}

function frame(metric, data, n) {
  const step = data.step_s ? data.step_s * 1000 : data.to_ms - data.from_ms;
  return { metric, t0: data.from_ms, to_ms: data.to_ms, step_ms: step, total: data.total, n };
}

function sums(columns, length) {
  return Array.from({ length }, (unused, i) => columns.reduce((sum, column) => sum + column[i], 0));
}

export function fromCounts(metric, data) {
  if (metric === 'latency') {
    return { ...frame(metric, data, [data.total]), p50_us: [data.p50_us], p90_us: [data.p90_us], p99_us: [data.p99_us] };
  }
  if (metric === 'classes') {
    const length = data.classes[0]?.n.length ?? 0;
    return { ...frame(metric, data, sums(data.classes.map((one) => one.n), length)), classes: data.classes };
  }
  const each = data.n.map((n) => n / (data.step_s / 60));
  return { ...frame(metric, data, data.n), min: each, max: each, mean: each };
}
