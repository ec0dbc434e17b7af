// SPDX-License-Identifier: Apache-2.0
// What a component knows of an address of the server: the last answer stays while the next one
// is on its way, so nothing jumps.
import { useEffect, useRef, useState } from 'preact/hooks';
import { get } from './api.js';

let ended = () => {};

// Called when an answer says that the token is no longer taken.
export function onSessionEnd(call) {
  ended = call;
}

// Asks for `path` when it changes, when `tick` changes, and every `everyMs` while the page is
// seen. With `keep` (the view) an answer to another address stays until the new one is there.
export function useAnswer(path, { everyMs = 0, tick = 0, keep = '' } = {}) {
  const [state, set] = useState({ data: null, error: null, busy: true, keep });
  const again = useRef(() => {});
  useEffect(() => {
    if (!path) {
      return undefined;
    }
    const stop = new AbortController();
    const ask = async () => {
      if (document.hidden) {
        return;
      }
      try {
        const data = await get(path, { signal: stop.signal });
        set({ data, error: null, busy: false, keep });
      } catch (error) {
        if (stop.signal.aborted) {
          return;
        }
        if (error.status === 401) {
          ended();
          return;
        }
        set((old) => ({ data: old.keep === keep && !error.status ? old.data : null, error, busy: false, keep }));
      }
    };
    again.current = ask;
    set((old) => ({ ...old, busy: true, data: old.keep === keep ? old.data : null, keep }));
    ask();
    document.addEventListener('visibilitychange', ask);
    const timer = everyMs ? setInterval(ask, everyMs) : 0;
    return () => {
      stop.abort();
      clearInterval(timer);
      document.removeEventListener('visibilitychange', ask);
    };
  }, [path, everyMs, tick, keep]);
  return { ...state, again: () => again.current() };
}
