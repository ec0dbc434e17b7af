// SPDX-License-Identifier: Apache-2.0
// The page: signed in or not, which view, and the numbers that come live.
import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { follow, session } from './api.js';
import { Fleet } from './fleet.jsx';
import { Login } from './login.jsx';
import { ModelView, Models } from './model.jsx';
import { NodeView } from './node.jsx';
import { Choice, Icon, Logo } from './parts.jsx';
import { Link, go, here, usePlace, view } from './place.jsx';
import { onSessionEnd } from './query.js';
import { chooseLanguage, language, t } from './strings.js';
import { chooseTheme, theme } from './theme.js';

const SERIES_MS = 5000;
const VIEWS = { node: NodeView, models: Models, model: ModelView };

function Settings() {
  const [chosen, set] = useState(theme());
  const choose = (wanted) => {
    chooseTheme(wanted);
    set(wanted);
  };
  return (
    <div class="settings">
      <Choice label={t('language')} value={language()} class="small" options={[['en', <span lang="en" translate={false}>EN</span>, 'English'], ['zh', <span lang="zh-CN">中</span>, '中文']]}
        onChange={(lang) => go(here({ lang }), { replace: true })} />
      <Choice label={t('theme')} value={chosen} class="small icons" onChange={choose} options={[
        ['system', <Icon name="screen" />, t('theme.system')],
        ['light', <Icon name="sun" />, t('theme.light')],
        ['dark', <Icon name="moon" />, t('theme.dark')],
      ]} />
    </div>
  );
}

function Top({ state, onOut, current }) {
  return (
    <header class="top">
      <a class="skip" href="#content">{t('nav.skip')}</a>
      <Link to={view({})} class="brand" aria-label={`muster: ${t('nav.fleet')}`}><Logo /><span translate={false}>muster</span></Link>
      <nav aria-label={t('nav.main')}>
        <Link to={view({})} aria-current={current === 'fleet' ? 'page' : undefined}>{t('nav.fleet')}</Link>
        <Link to={view({ view: 'models' })} aria-current={current === 'models' ? 'page' : undefined}>{t('nav.models')}</Link>
      </nav>
      <p class={`live ${state}`} role="status"><span class="dot" aria-hidden="true" /><span class="live-text">{t(`live.${state}`)}</span></p>
      <Settings />
      <button type="button" class="plain" onClick={onOut} aria-label={t('nav.signout')} title={t('nav.signout')}><Icon name="out" /></button>
    </header>
  );
}

// The fleet's numbers as they come, and a tick when charts should be asked for anew: when
// something was stored, but at most every SERIES_MS, and every minute.
function useFleet(onEnd) {
  const [state, setState] = useState('connecting');
  const [fleet, setFleet] = useState(null);
  const [tick, setTick] = useState(0);
  const last = useRef({ stored: -1, at: 0, timer: 0 });
  useEffect(() => {
    const stop = new AbortController();
    const advance = () => {
      last.current.at = Date.now();
      last.current.timer = 0;
      setTick((n) => n + 1);
    };
    const take = (now) => {
      setFleet(now);
      const { stored, at, timer } = last.current;
      if (stored !== now.predictions.stored && !timer) {
        const first = stored < 0;
        last.current.timer = first ? 0 : setTimeout(advance, Math.max(0, at + SERIES_MS - Date.now()));
      }
      last.current.stored = now.predictions.stored;
    };
    const minute = setInterval(advance, 60e3);
    follow(stop.signal, take, setState, onEnd);
    return () => {
      stop.abort();
      clearInterval(minute);
      clearTimeout(last.current.timer);
    };
  }, []);
  return { state, fleet, tick };
}

function Signed({ onEnd, onOut }) {
  const place = usePlace();
  const { state, fleet, tick } = useFleet(onEnd);
  const View = VIEWS[place.view] ?? Fleet;
  const content = useRef(null);
  const first = useRef(true);
  const key = `${place.view} ${place.id} ${place.name}`;
  useEffect(() => {
    const title = { node: t('fleet.nodes'), models: t('models.title'), model: place.name }[place.view] ?? t('fleet.title');
    document.title = `${title} · muster`;
    if (!first.current) {
      content.current.querySelector('h1')?.focus({ preventScroll: true });
    }
    first.current = false;
  }, [key, place.lang]);
  return (
    <>
      <Top state={state} onOut={onOut} current={['models', 'model'].includes(place.view) ? 'models' : place.view ? '' : 'fleet'} />
      <main id="content" tabIndex={-1} ref={content}><View key={key} fleet={fleet} tick={tick} /></main>
    </>
  );
}

function App() {
  const place = usePlace();
  const [who, set] = useState({ in: Boolean(session.get()), ended: false });
  chooseLanguage(place.lang);
  const leave = (ended) => {
    session.end();
    set({ in: false, ended });
  };
  onSessionEnd(() => leave(true));
  return who.in
    ? <Signed onEnd={() => leave(true)} onOut={() => leave(false)} />
    : <Login ended={who.ended} onDone={() => set({ in: true, ended: false })}><Settings /></Login>;
}

render(<App />, document.getElementById('page'));
