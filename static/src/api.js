// SPDX-License-Identifier: Apache-2.0
// The server: requests with the API token, and the stream of events. The token lives in
// sessionStorage, so it ends with the tab.

const place = 'muster.token';

export const session = {
  get: () => sessionStorage.getItem(place),
  set: (token) => sessionStorage.setItem(place, token),
  end: () => sessionStorage.removeItem(place),
};

// An answer that is not 2xx: `status`, the server's `code` and `detail`.
export class Problem extends Error {
  constructor(status, body, retryMs) {
    super(body?.detail ?? body?.title ?? `HTTP ${status}`);
    this.status = status;
    this.code = body?.code ?? '';
    this.retryMs = retryMs;
  }
}

async function problemOf(answer) {
  const body = await answer.json().catch(() => null);
  return new Problem(answer.status, body, Number(answer.headers.get('Retry-After') ?? 0) * 1000);
}

export async function get(path, { signal, accept = 'application/json', token = session.get() } = {}) {
  const answer = await fetch(path, {
    signal,
    headers: { Accept: accept, Authorization: `Bearer ${token}` },
  });
  if (!answer.ok) {
    throw await problemOf(answer);
  }
  return accept === 'application/json' ? answer.json() : answer.blob();
}

// What can go into a path or query.
export function address(path, params = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== null && value !== '') {
      query.set(name, value);
    }
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

export async function download(path, name) {
  const blob = await get(path, { accept: 'text/csv' });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// Parts of a text/event-stream as {event, data}; yields {} for a comment.
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) {
      return;
    }
    buffer += value;
    let end;
    while ((end = buffer.indexOf('\n\n')) >= 0) {
      const event = {};
      for (const line of buffer.slice(0, end).split('\n')) {
        const colon = line.indexOf(':');
        const field = line.slice(0, colon);
        if (field) {
          const text = line.slice(colon + 1).replace(/^ /, '');
          event[field] = field in event ? `${event[field]}\n${text}` : text;
        }
      }
      buffer = buffer.slice(end + 2);
      yield event;
    }
  }
}

const SILENCE_MS = 40000;

// Reads /v1/events until it breaks or is silent for longer than its heartbeat allows.
async function stream(signal, onFleet, onState) {
  const quiet = new AbortController();
  let timer = setTimeout(() => quiet.abort(), SILENCE_MS);
  const answer = await fetch('/v1/events', {
    signal: AbortSignal.any([signal, quiet.signal]),
    headers: { Accept: 'text/event-stream', Authorization: `Bearer ${session.get()}` },
  });
  if (!answer.ok) {
    clearTimeout(timer);
    throw await problemOf(answer);
  }
  onState('live');
  for await (const event of eventsOf(answer.body)) {
    clearTimeout(timer);
    timer = setTimeout(() => quiet.abort(), SILENCE_MS);
    if (event.event === 'fleet') {
      onFleet(JSON.parse(event.data));
    }
  }
  clearTimeout(timer);
}

const POLL_MS = 5000;
const POLLS = 6;

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

// Asks every 5 s for a while, before the stream is tried again.
async function poll(signal, onFleet, onState) {
  for (let n = 0; n < POLLS && !signal.aborted; n++) {
    try {
      onFleet(await get('/v1/fleet', { signal }));
      onState('polling');
    } catch (error) {
      if (error.status === 401 || signal.aborted) {
        throw error;
      }
      onState('offline');
    }
    await pause(POLL_MS, signal);
  }
}

// Calls onFleet with the fleet's numbers as they change and onState with 'live', 'polling' or
// 'offline', until `signal`; onEnd when the token is no longer taken.
export async function follow(signal, onFleet, onState, onEnd) {
  while (!signal.aborted) {
    try {
      await stream(signal, onFleet, onState).catch((error) => {
        if (error.status === 401) {
          throw error;
        }
      });
      await poll(signal, onFleet, onState);
    } catch (error) {
      if (error.status === 401) {
        onEnd();
        return;
      }
    }
  }
}
