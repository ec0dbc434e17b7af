// SPDX-License-Identifier: Apache-2.0
// Which time is looked at: a while until now, or from one moment to another.
import { useState } from 'preact/hooks';
import { Choice } from './parts.jsx';
import { RANGES, go, here, rangeOf, usePlace } from './place.jsx';
import { t } from './strings.js';

const CUSTOM = 'custom';
const MINUTE = 60e3;

// A moment as an input of type datetime-local has it: local time to the minute.
function local(ms) {
  const at = new Date(ms);
  return new Date(ms - at.getTimezoneOffset() * MINUTE).toISOString().slice(0, 16);
}

function Moments({ range }) {
  const [wrong, mark] = useState(false);
  const change = (event) => {
    const { from, to } = event.currentTarget.form.elements;
    const moments = { from: new Date(from.value).getTime(), to: new Date(to.value).getTime() };
    const fits = moments.from > 0 && moments.to > moments.from;
    mark(!fits);
    if (fits) {
      go(here(moments));
    }
  };
  return (
    <form class="moments" onSubmit={(event) => event.preventDefault()}>
      {['from', 'to'].map((name) => (
        <label class="field" key={name}>
          <span>{t(`range.${name}`)}</span>
          <input type="datetime-local" name={name} value={local(range[name])} onChange={change} aria-invalid={wrong} />
        </label>
      ))}
      {wrong && <p class="wrong" role="alert">{t('range.wrong')}</p>}
    </form>
  );
}

export function RangeBar() {
  const place = usePlace();
  const range = rangeOf(place);
  const chosen = place.range in RANGES ? place.range : '1h';
  const choose = (name) => go(here(name === CUSTOM
    ? { from: range.from, to: range.to, range: null }
    : { range: name, from: null, to: null }));
  return (
    <div class="range-bar">
      <Choice label={t('range')} class="ranges" value={range.fixed ? CUSTOM : chosen} onChange={choose}
        options={[...Object.keys(RANGES), CUSTOM].map((name) => [name, t(`range.${name}`)])} />
      {range.fixed && <Moments key={`${range.from} ${range.to}`} range={range} />}
    </div>
  );
}
