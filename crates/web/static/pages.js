// Makes the pages handier. All of them work without it, but those for passkeys.
'use strict';

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// Passwords can be shown.
for (const button of all('[data-reveal]')) {
  const input = document.getElementById(button.dataset.reveal);
  const { show, hide } = button.dataset;
  const set = (shown) => {
    input.type = shown ? 'text' : 'password';
    button.textContent = shown ? hide : show;
  };
  button.hidden = false;
  button.addEventListener('click', () => set(input.type === 'password'));
  // Or else browsers keep it as a text.
  input.form.addEventListener('submit', () => set(false));
}

// The rules for passwords, checked while one is typed. The server decides.
const checks = {
  length: (password, number) => [...password].length >= number,
  lowercase: (password) => /[a-z]/.test(password),
  uppercase: (password) => /[A-Z]/.test(password),
  number: (password) => /[0-9]/.test(password),
  symbol: (password) =>
    /[\^$*.[\]{}()?"!@#%&/\\,><':;|_~`=+-]/.test(password) || password.trim().includes(' '),
};
for (const policy of all('[data-policy]')) {
  const input = document.getElementById(policy.dataset.policy);
  const rules = all('[data-rule]', policy).map((item) => {
    const state = document.createElement('span');
    state.className = 'visually-hidden';
    item.append(state);
    return { item, state };
  });
  const update = () => {
    for (const { item, state } of rules) {
      const isMet = checks[item.dataset.rule](input.value, Number(item.dataset.number));
      const isUnmet = !isMet && input.value !== '';
      item.classList.toggle('passwordCheck-valid-customizable', isMet);
      item.classList.toggle('passwordCheck-notValid-customizable', isUnmet);
      state.textContent = `: ${isMet ? policy.dataset.met : policy.dataset.unmet}`;
    }
  };
  input.addEventListener('input', update);
  update();
}

// Another code may be sent after a while.
for (const button of all('[data-resend-after]')) {
  const text = button.textContent;
  const end = Date.now() + Number(button.dataset.resendAfter) * 1000;
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? button.dataset.wait.replace('{seconds}', left) : text;
    if (left > 0) setTimeout(tick, 1000);
  };
  tick();
}

// The key of an authenticator app can be copied.
for (const button of all('[data-copy]')) {
  button.hidden = !navigator.clipboard;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.done;
  });
}

// The list of languages closes again.
for (const list of all('.languages details')) {
  const close = (event) => {
    const isKey = event.type === 'keydown';
    if (!list.open || (isKey ? event.key !== 'Escape' : list.contains(event.target))) return;
    list.open = false;
    if (isKey) list.querySelector('summary').focus();
  };
  document.addEventListener('click', close);
  document.addEventListener('keydown', close);
}

// A form is sent once.
for (const form of all('form')) {
  form.addEventListener('submit', (event) => {
    if (form.getAttribute('aria-busy') === 'true') event.preventDefault();
    else form.setAttribute('aria-busy', 'true');
  });
}
addEventListener('pageshow', () => {
  for (const form of all('form[aria-busy]')) form.removeAttribute('aria-busy');
});

// Passkeys. Options come as JSON, answers go as JSON; browsers that can't convert them are helped.
const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
const withBytes = (list = []) => list.map((one) => ({ ...one, id: toBytes(one.id) }));

function creationOptions(json) {
  if (PublicKeyCredential.parseCreationOptionsFromJSON) {
    return PublicKeyCredential.parseCreationOptionsFromJSON(json);
  }
  return {
    ...json,
    challenge: toBytes(json.challenge),
    user: { ...json.user, id: toBytes(json.user.id) },
    excludeCredentials: withBytes(json.excludeCredentials),
  };
}

function requestOptions(json) {
  if (PublicKeyCredential.parseRequestOptionsFromJSON) {
    return PublicKeyCredential.parseRequestOptionsFromJSON(json);
  }
  const { challenge, allowCredentials } = json;
  return { ...json, challenge: toBytes(challenge), allowCredentials: withBytes(allowCredentials) };
}

function toJSON(credential) {
  if (credential.toJSON) return credential.toJSON();
  const { id, rawId, type, authenticatorAttachment, response } = credential;
  const parts = { clientDataJSON: toText(response.clientDataJSON) };
  for (const name of ['attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (response[name]) parts[name] = toText(response[name]);
  }
  if (response.getTransports) parts.transports = response.getTransports();
  const clientExtensionResults = credential.getClientExtensionResults();
  return { id, rawId: toText(rawId), type, authenticatorAttachment, clientExtensionResults, response: parts };
}

function send(form, credential) {
  let input = form.elements.credential;
  if (!input) {
    input = document.createElement('input');
    input.type = 'hidden';
    input.name = 'credential';
    form.append(input);
  }
  input.value = JSON.stringify(toJSON(credential));
  form.setAttribute('aria-busy', 'true');
  form.submit();
}

function offerPasskey(form) {
  const start = form.querySelector('[data-start]');
  const failed = form.querySelector('[data-failed]');
  const ask = async () => {
    failed.hidden = true;
    start.disabled = true;
    try {
      const json = JSON.parse(form.dataset.options);
      const credential =
        form.dataset.passkey === 'create'
          ? await navigator.credentials.create({ publicKey: creationOptions(json) })
          : await navigator.credentials.get({ publicKey: requestOptions(json) });
      send(form, credential);
    } catch {
      failed.hidden = false;
      start.disabled = false;
    }
  };
  start.hidden = false;
  start.addEventListener('click', ask);
}

// Passkeys of this device among what the browser fills in.
async function offerAutofill(form) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  try {
    const publicKey = requestOptions(JSON.parse(form.dataset.options));
    send(form, await navigator.credentials.get({ publicKey, mediation: 'conditional' }));
  } catch {
    // People who choose none go on with the form.
  }
}

for (const form of all('form[data-passkey]')) {
  if (form.dataset.passkey === 'autofill') {
    if (window.PublicKeyCredential) offerAutofill(form);
  } else if (window.PublicKeyCredential) {
    offerPasskey(form);
  } else {
    form.querySelector('[data-unsupported]').hidden = false;
  }
}
