// SPDX-License-Identifier: Apache-2.0
// Asks for an API token and tries it.
import { useRef, useState } from 'preact/hooks';
import { get, session } from './api.js';
import { Command, Logo } from './parts.jsx';
import { t } from './strings.js';

async function problemWith(token) {
  try {
    const who = await get('/v1/whoami', { token });
    return who.kind === 'api' ? null : 'login.node';
  } catch (error) {
    return error.status === 401 || error.status === 403 ? 'login.wrong' : 'error.network';
  }
}

export function Login({ ended, onDone, children }) {
  const [problem, setProblem] = useState(ended ? 'login.ended' : null);
  const [busy, setBusy] = useState(false);
  const field = useRef(null);
  const submit = async (event) => {
    event.preventDefault();
    const token = field.current.value.trim();
    setBusy(true);
    const found = /^[\w-]+$/.test(token) ? await problemWith(token) : 'login.empty';
    setBusy(false);
    setProblem(found);
    if (found) {
      field.current.focus();
      return;
    }
    session.set(token);
    onDone();
  };
  return (
    <main class="login">
      <form class="login-card" onSubmit={submit}>
        <div class="login-brand"><Logo /><span translate={false}>muster</span></div>
        <h1>{t('login.title')}</h1>
        <p class="lead">{t('login.lead')}</p>
        <label class="login-field">
          <span>{t('login.token')}</span>
          <input ref={field} type="password" name="token" autocomplete="off" autofocus spellcheck={false}
            placeholder="mat_…" aria-invalid={problem ? 'true' : undefined} aria-describedby="login-problem login-stays" />
        </label>
        <p id="login-problem" class="problem" role="alert">{problem && t(problem)}</p>
        <button type="submit" class="button strong" disabled={busy}>{t(busy ? 'login.busy' : 'login.submit')}</button>
        <p id="login-stays" class="note">{t('login.stays')}</p>
        <Command label={t('login.help')}>{`muster token create-api --server ${location.origin} --name me --role viewer`}</Command>
      </form>
      <div class="login-side">{children}</div>
    </main>
  );
}
