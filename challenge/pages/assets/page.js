// The page works without this script; it saves reloads and waiting. In a browser too old for it nothing is lost.
(() => {
const doc = document, get = id => doc.getElementById(id), data = doc.body.dataset;
const field = get('code') || get('email'), again = get('again'), back = get('back');
const start = Date.now(), post = 'post' in data;
const channel = new BroadcastChannel('doorcode');
const told = get('status'), say = (text, how) => {
  told.className = how || 'status';
  told.textContent = text;
};
const call = (url, more) => fetch(url, {headers: {Accept: 'application/json'}, ...more}).then(r => r.json()).catch(() => ({}));

// A page that answers a POST never reloads, which would send that POST again, and listens to nothing.
const goOn = to => post ? location.replace(to) : location.reload();
if (post) history.replaceState(null, '', location.href);
else channel.onmessage = e => e.data == 'verified' && goOn();

if (back && history.length > 1) back.onclick = () => {
  history.back();
  return false;
};

// Times of day instead of minutes.
for (const time of doc.querySelectorAll('time')) {
  const {in: left, text} = time.dataset, then = new Date(start + left * 1000);
  time.textContent = text.replace('{time}', then.toLocaleTimeString([], {timeStyle: 'short'}));
}

// What the server will see of a typed code. Unicode keeps each script's ten digits in a row.
const clean = text => text.normalize('NFKC').toUpperCase().replace(/\p{Nd}/gu, c => {
  let n = 0;
  while (n < 9 && /\p{Nd}/u.test(String.fromCodePoint(c.codePointAt() - n - 1))) n++;
  return n;
}).replace(/./gsu, c => data.alphabet.includes(c) ? c : '');

let busy, native, last, sendable = 0, asked = start;
onsubmit = async e => {
  if (native) return;
  const form = e.target, button = e.submitter, held = form.held;
  if (busy || button.ariaDisabled) return e.preventDefault();
  const other = button.getAttribute('formaction'), url = other || form.action;
  const mine = !other && form.contains(field), code = mine && data.alphabet;
  // A held form goes with whatever loads the page anew, so the browser sends that by itself.
  if (held && !code) return;
  e.preventDefault();
  const body = new URLSearchParams(new FormData(form)), label = [...button.childNodes];
  if (button.name) body.append(button.name, button.value);
  if (code) last = clean(field.value);
  button.ariaDisabled = busy = true;
  if (button.dataset.busy) button.textContent = button.dataset.busy;
  const answer = await call(url, {method: 'POST', body});
  if (answer.ok && code) channel.postMessage('verified');
  if (held && answer.form) {
    field.name = '';
    form.action = answer.form;
    return form.submit();
  }
  // What has no sentence of its own is told by the page, fetched anew.
  if (!answer.message && answer.to && (answer.ok || !held)) return goOn(answer.to);
  button.ariaDisabled = busy = null;
  button.replaceChildren(...label);
  if (!answer.message) {
    // The browser does what fetch could not, and the redirect keeps the fragment.
    native = true;
    button.formAction = url + location.hash;
    return button.click();
  }
  if (again && answer.resend_in) wait(answer.resend_in);
  say(mine ? '' : answer.message);
  if (!mine) return;
  get('error').textContent = answer.message;
  doc.title = data.error;
  field.setAttribute('aria-invalid', true);
  field.focus();
  field.select();
};

if (data.alphabet) {
  // Sends by itself what is pasted or filled in as a whole, never what is typed, and nothing twice.
  let had = last = clean(field.value);
  if (had) field.onfocus = () => field.select(field.onfocus = null);
  field.oninput = e => {
    const has = clean(field.value), size = data.length;
    const whole = e.data ? clean(e.data).length >= size
      : !/^(delete|history)/.test(e.inputType) && (!had || had.length >= size);
    had = has;
    if (whole && has.length == size && has != last) get('go').click();
  };
}

// Another tab may have entered the code. Another door may still be closed behind it: one reload a minute is enough.
const look = async () => {
  const now = Date.now();
  if (post || !data.status || doc.hidden || now - asked < 5000) return;
  asked = now;
  if (!(await call(data.status)).verified || now - (sessionStorage.doorcode || 0) < 6e4) return;
  sessionStorage.doorcode = now;
  goOn();
};
doc.onvisibilitychange = look;

const tick = () => {
  const now = Date.now(), left = Math.ceil((sendable - now) / 1000), waiting = left > 0;
  if (now - start < 12e4) look();
  if (again && now - start >= data.expires * 1000) {
    sendable = 0;
    delete data.expires;
    again.ariaDisabled = null;
    again.className = '';
    again.firstChild.data = again.dataset.new;
    get('left').textContent = '';
    say(again.dataset.expired);
  } else if (sendable) {
    again.ariaDisabled = waiting || null;
    get('left').textContent = waiting ? again.dataset.in.replace('{seconds}', left) : '';
    if (waiting) return;
    sendable = 0;
    say(again.dataset.now, 'aloud');
  }
};
const wait = seconds => {
  sendable = seconds && Date.now() + seconds * 1000;
  tick();
};
if (again) wait(+again.dataset.wait);
setInterval(tick, 1000);
})();
