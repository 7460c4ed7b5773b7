// Uses a passkey, or makes one (WebAuthn). The pages work without this script, which brings the button along where one can be used.
(() => {
const doc = document, me = doc.currentScript, keys = navigator.credentials, get = id => doc.getElementById(id);
if (!window.PublicKeyCredential || !keys) return;
const email = get('email'), row = doc.querySelector('.other button');
const make = (name, set) => Object.assign(doc.createElement(name), set), url = new URL('passkey', me.src).href;
let button = get('passkey'), {form} = button || row || email || get('code') || doc.querySelector('[name=flow]') || {};
if (!form) {
  if (!me.dataset.flow) return;
  form = make('form', {method: 'post', action: url});
  form.append(make('input', {type: 'hidden', name: 'flow', value: me.dataset.flow}));
  doc.querySelector('main').append(form);
}
if (!button) {
  const first = 'first' in me.dataset;
  if (first) form.querySelector('button').className = 'second';
  button = make('button', {className: row ? 'plain' : first ? '' : 'second', textContent: me.dataset.label});
  button.setAttribute('formaction', url);
  if (row) row.before(button);
  else form.append(button);
}
const answer = make('input', {type: 'hidden', name: 'credential'});
form.append(answer);
let told = get('status');
if (!told) {
  told = make('p', {id: 'status'});
  told.setAttribute('role', 'status');
  form.before(told);
}
const say = words => {
  told.className = words ? 'error' : '';
  told.textContent = words;
};
button.hidden = false;
doc.querySelector('[data-able]')?.removeAttribute('hidden');
get('unable')?.remove();
if (button.dataset.create) button.focus();

// Base64url, as the server writes bytes. Password managers that stand in for the browser often lack toJSON.
const unpack = text => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0));
const pack = bytes => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
const unpackAll = list => (list || []).map(one => ({...one, id: unpack(one.id)}));
const plain = made => {
  const response = {transports: made.response.getTransports?.()};
  for (const name of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (made.response[name]) response[name] = pack(made.response[name]);
  }
  return JSON.stringify({
    id: made.id, rawId: pack(made.rawId), type: made.type, response,
    authenticatorAttachment: made.authenticatorAttachment || undefined, clientExtensionResults: {},
  });
};
// The form goes as others do: by the script of the page, or by the browser.
const send = made => {
  answer.value = made ? plain(made) : '';
  form.requestSubmit(button);
};

let asking = false, starting = false, waiting = null, failed = '';
const create = async () => {
  const options = JSON.parse(button.dataset.create);
  send(await keys.create({publicKey: {
    ...options, challenge: unpack(options.challenge), user: {...options.user, id: unpack(options.user.id)},
    excludeCredentials: unpackAll(options.excludeCredentials),
  }}));
};
const sign = async mediation => {
  waiting?.abort();
  const mine = waiting = new AbortController(), {signal} = mine;
  const body = new URLSearchParams({flow: form.elements.flow.value});
  const offer = await (await fetch(url, {method: 'POST', headers: {Accept: 'application/json'}, body, signal})).json();
  if (signal.aborted) return;
  failed = offer.failed || '';
  // What the door has to say of a form that it does not know any more, it says to the browser.
  if (!offer.options) return mediation || send();
  // The question is good for five minutes.
  if (mediation) setTimeout(() => waiting === mine && wait(), 240000);
  const {challenge, allowCredentials} = offer.options;
  const publicKey = {...offer.options, challenge: unpack(challenge), allowCredentials: unpackAll(allowCredentials)};
  const made = await keys.get({mediation, signal, publicKey});
  if (!signal.aborted) send(made);
};

// Passkeys are among what the browser offers to fill in.
const wait = async () => {
  if (!email || asking || starting || doc.hidden) return;
  starting = true;
  const can = await PublicKeyCredential.isConditionalMediationAvailable?.();
  starting = false;
  if (can && !asking) sign('conditional').catch(() => {});
};
button.onclick = async e => {
  if (!e.isTrusted) return;
  e.preventDefault();
  if (asking) return;
  asking = true;
  const {status} = doc.body.dataset; // the page is not loaded anew while its person is asked
  delete doc.body.dataset.status;
  answer.value = '';
  say('');
  try {
    await (button.dataset.create ? create() : sign());
  } catch (error) {
    if (error.name != 'AbortError') say((error.name == 'InvalidStateError' && button.dataset.had) || button.dataset.failed || failed);
  }
  asking = false;
  if (status) doc.body.dataset.status = status;
};
// Whatever else is sent has a flow of its own for an answer, which a late offer would replace.
addEventListener('submit', e => {
  if (e.submitter != button) answer.value = '';
  waiting?.abort();
  waiting = null;
}, true);
email?.addEventListener('focus', () => waiting || wait());
doc.addEventListener('visibilitychange', wait);
wait();
})();
