// SPDX-License-Identifier: Apache-2.0
// Light, dark, or as the system says: kept in localStorage, set on <html>.
import { useEffect, useState } from 'preact/hooks';
import { language } from './strings.js';

const place = 'muster.theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set();

export function theme() {
  return localStorage.getItem(place) ?? 'system';
}

function tell() {
  for (const listener of listeners) {
    listener(look());
  }
}

function look() {
  const chosen = theme();
  const shade = chosen === 'system' ? (system.matches ? 'dark' : 'light') : chosen;
  return `${shade} ${language()}`;
}

export function chooseTheme(wanted) {
  localStorage.setItem(place, wanted);
  document.documentElement.dataset.theme = wanted;
  tell();
}

document.documentElement.dataset.theme = theme();
system.addEventListener('change', tell);

// What a drawing depends on: another text when it must be drawn anew.
export function useLook() {
  const [now, set] = useState(look());
  useEffect(() => {
    listeners.add(set);
    return () => listeners.delete(set);
  }, []);
  return now === look() ? now : look();
}
