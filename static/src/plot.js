// SPDX-License-Identifier: Apache-2.0
// uPlot with the colours of the page. A canvas does not follow custom properties, so they are
// looked up when a chart is drawn and drawn anew when the appearance changes.
import uPlot from 'uplot';
import { clock, short } from './format.js';

let probe;

// What a custom property is here and now, as a colour that a canvas understands.
export function colour(name) {
  if (!probe) {
    probe = document.createElement('span');
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

export function faint(text, alpha) {
  return text.replace(/^rgba?\(([^)]*)\)$/, (whole, inside) => `rgba(${inside.split(/[ ,/]+/).slice(0, 3).join(', ')}, ${alpha})`);
}

const font = () => `11px ${getComputedStyle(document.body).fontFamily}`;

export function axes({ value = short, step = 60e3, time = true } = {}) {
  const shared = {
    stroke: colour('ink-soft'),
    font: font(),
    grid: { stroke: colour('grid'), width: 1 },
    ticks: { show: false },
  };
  const bottom = time
    ? { ...shared, size: 26, grid: { show: false }, space: 64, values: (plot, splits) => splits.map((s, i) => at(s, splits[i - 1], step)) }
    : { ...shared, size: 26, grid: { show: false }, space: 48 };
  return [bottom, { ...shared, size: 46, space: 34, values: (plot, splits) => splits.map((s) => value(s)) }];
}

// A time on the axis: the date where the day is another one than at the tick before.
function at(ms, before, step) {
  const isMidnight = new Date(ms).getHours() === 0 && new Date(ms).getMinutes() === 0;
  return clock(ms, isMidnight || (before !== undefined && ms - before >= 86400e3) ? 86400e3 : step);
}

// Draws a chart into `element` and keeps its width; returns what ends it.
export function draw(element, options, data, onHover, onRange) {
  const size = () => ({ width: Math.max(120, element.clientWidth), height: element.clientHeight });
  const plot = new uPlot(
    {
      ...size(),
      ms: 1,
      padding: [10, 16, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        points: { size: 7, width: 2 },
        drag: { x: Boolean(onRange), y: false, setScale: false },
      },
      ...options,
      hooks: {
        setCursor: [(u) => onHover(u.cursor.idx ?? null)],
        setSelect: [(u) => {
          if (onRange && u.select.width > 8) {
            onRange(u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x'));
          }
          u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        }],
      },
    },
    data,
    element,
  );
  const watch = new ResizeObserver(() => {
    const { width, height } = size();
    if (width !== plot.width || height !== plot.height) {
      plot.setSize({ width, height });
    }
  });
  watch.observe(element);
  return {
    set: (fresh) => plot.setData(fresh),
    end: () => {
      watch.disconnect();
      plot.destroy();
    },
  };
}

// Bars from each x to the next; `full` leaves no room between them.
export const bars = (full = false) => uPlot.paths.bars({ size: [full ? 1 : 0.86, Infinity], gap: 0, align: 1, radius: full ? 0 : 0.12 });
export const line = () => uPlot.paths.linear();
