// SPDX-License-Identifier: Apache-2.0
// Which time is looked at.
import { time } from './format.js';
import { Choice, Icon } from './parts.jsx';
import { RANGES, go, here, rangeOf, usePlace } from './place.jsx';
import { t } from './strings.js';

export function RangeBar() {
  const place = usePlace();
  const range = rangeOf(place);
  if (range.fixed) {
    return (
      <button type="button" class="button range-fixed" onClick={() => go(here({ from: null, to: null }))} title={t('range.back')}>
        <Icon name="back" />
        <span translate={false}>{t('range.fixed', { from: time(range.from), to: time(range.to) })}</span>
      </button>
    );
  }
  const chosen = place.range in RANGES ? place.range : '1h';
  return (
    <Choice label={t('range')} class="ranges" value={chosen} options={Object.keys(RANGES).map((name) => [name, t(`range.${name}`)])}
      onChange={(name) => go(here({ range: name, from: null, to: null }))} />
  );
}
