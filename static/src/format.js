// SPDX-License-Identifier: Apache-2.0
// Numbers, amounts and times as people read them, in the language of the page.
import { language, t } from './strings.js';

const made = new Map();

function formatter(kind, options) {
  const key = `${kind.name} ${language()} ${JSON.stringify(options)}`;
  if (!made.has(key)) {
    made.set(key, new kind(language() === 'zh' ? 'zh-CN' : 'en-GB', options));
  }
  return made.get(key);
}

export const NONE = '–';

export function number(value, digits = 0) {
  if (value === null || value === undefined || Number.isNaN(value)) {
    return NONE;
  }
  return formatter(Intl.NumberFormat, { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);
}

// For axes: 12k, 1.5M.
export function short(value) {
  return formatter(Intl.NumberFormat, { notation: 'compact', maximumFractionDigits: 1 }).format(value);
}

export function rate(value) {
  return number(value, value !== null && value !== 0 && value < 100 ? 1 : 0);
}

export function percent(share, digits = 1) {
  if (share === null || share === undefined) {
    return NONE;
  }
  return formatter(Intl.NumberFormat, {
    style: 'percent', maximumFractionDigits: digits, minimumFractionDigits: digits,
  }).format(share);
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytes(value) {
  if (value === null || value === undefined) {
    return NONE;
  }
  let unit = 0;
  let amount = value;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit++;
  }
  return `${number(amount, unit && amount < 100 ? 1 : 0)} ${UNITS[unit]}`;
}

// Microseconds in the unit that suits them.
export function micros(value) {
  if (value === null || value === undefined) {
    return NONE;
  }
  if (value >= 1e6) {
    return `${number(value / 1e6, 2)} s`;
  }
  return value >= 1000 ? `${number(value / 1000, value < 1e5 ? 2 : 0)} ms` : `${number(value)} µs`;
}

const spell = (value, unit, digits = 0) => formatter(Intl.NumberFormat, {
  style: 'unit', unit, unitDisplay: 'narrow', maximumFractionDigits: digits, minimumFractionDigits: digits,
}).format(value);

export function duration(ms) {
  if (ms === null || ms === undefined) {
    return NONE;
  }
  const size = Math.abs(ms);
  if (size < 1000) {
    return spell(ms, 'millisecond');
  }
  if (size < 60e3) {
    return spell(ms / 1000, 'second', size < 10e3 ? 1 : 0);
  }
  if (size < 3600e3) {
    return spell(ms / 60e3, 'minute');
  }
  return size < 2 * 86400e3 ? spell(ms / 3600e3, 'hour') : spell(ms / 86400e3, 'day');
}

export function ago(ms, now) {
  return ms ? t('ago', { time: duration(Math.max(1000, Math.round((now - ms) / 1000) * 1000)).replace('.0', '') }) : NONE;
}

export function time(ms) {
  return ms
    ? formatter(Intl.DateTimeFormat, { dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23' }).format(ms)
    : NONE;
}

export function clock(ms, stepMs = 60e3) {
  const options = stepMs >= 86400e3
    ? { month: 'short', day: 'numeric' }
    : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  return formatter(Intl.DateTimeFormat, options).format(ms);
}

export function day(ms) {
  return ms ? formatter(Intl.DateTimeFormat, { dateStyle: 'medium' }).format(ms) : NONE;
}

// 8f14e45f… of a digest.
export function digest(hex) {
  return hex ? `${hex.slice(0, 8)}…` : NONE;
}
