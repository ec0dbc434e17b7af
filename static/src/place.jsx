// SPDX-License-Identifier: Apache-2.0
// Where one is: everything that makes a view is in the query of the address, so that a link
// shows the same to whoever gets it.
import { useEffect, useState } from 'preact/hooks';

const listeners = new Set();

function read() {
  return Object.fromEntries(new URLSearchParams(location.search));
}

let now = read();

function tell() {
  now = read();
  for (const listener of listeners) {
    listener(now);
  }
}

addEventListener('popstate', tell);

// The address of this place with some parameters changed; null removes one.
export function here(changes) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === '') {
      query.delete(name);
    } else {
      query.set(name, value);
    }
  }
  const text = query.toString();
  return text ? `/?${text}` : '/';
}

// The address of another view: range and language stay, what belongs to a view goes.
export function view(params) {
  const keep = {};
  for (const name of ['range', 'from', 'to', 'lang']) {
    keep[name] = now[name];
  }
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...keep, ...params })) {
    if (value !== undefined && value !== null && value !== '') {
      query.set(name, value);
    }
  }
  const text = query.toString();
  return text ? `/?${text}` : '/';
}

export function go(address, { replace = false } = {}) {
  history[replace ? 'replaceState' : 'pushState'](null, '', address);
  tell();
}

export function usePlace() {
  const [place, set] = useState(now);
  useEffect(() => {
    listeners.add(set);
    set(now);
    return () => listeners.delete(set);
  }, []);
  return place;
}

export const RANGES = { '1h': 3600e3, '6h': 6 * 3600e3, '24h': 86400e3, '7d': 7 * 86400e3, '30d': 30 * 86400e3 };

// The time range of a place, its end rounded up to a minute so that requests repeat.
export function rangeOf(place) {
  const from = Number(place.from);
  const to = Number(place.to);
  if (from > 0 && to > from) {
    return { from, to, fixed: true };
  }
  const end = Math.ceil(Date.now() / 60e3) * 60e3;
  return { from: end - (RANGES[place.range] ?? RANGES['1h']), to: end, fixed: false };
}

// A link that stays in the page.
export function Link({ to, ...rest }) {
  const click = (event) => {
    if (event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
      event.preventDefault();
      go(to);
      scrollTo(0, 0);
    }
  };
  return <a href={to} onClick={click} {...rest} />;
}
