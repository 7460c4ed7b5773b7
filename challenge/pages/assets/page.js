// The page works without this script; it saves reloads and waiting. In a browser too old for it nothing is lost.
const doc = document, get = id => doc.getElementById(id), data = doc.body.dataset, now = Date.now,
field = get('code') || get('email'), again = get('again'), back = get('back'),
start = now(), post = 'post' in data, clear = '', channel = new BroadcastChannel('doorcode'),
told = get('status'), line = get('mail') || told, tell = (words, how, line = told) => {
  line.className = how || 'status';
  line.textContent = words;
},
call = (url, more) => fetch(url, {headers: {Accept: 'application/json'}, ...more}).then(e => e.json()).catch(() => ({})),

// A page that answers a POST never reloads, which would send that POST again, and listens to nothing.
goOn = to => post ? location.replace(to) : location.reload();
if (post) history.replaceState(null, clear);
else channel.onmessage = e => e.data == 'verified' && goOn();

if (back && history.length > 1) back.onclick = () => (history.back(), false);

// Times of day instead of minutes.
const clock = (words, at) => words.replace('{time}', new Date(at).toLocaleTimeString([], {timeStyle: 'short'}));
for (const moment of doc.querySelectorAll('time')) moment.textContent = clock(moment.dataset.text, start + moment.dataset.in * 1000);

// What the server will see of a typed code. Unicode keeps each script's ten digits in a row.
const clean = words => words.normalize('NFKC').toUpperCase().replace(/\p{Nd}/gu, c => {
  let n = 0;
  while (n < 9 && /\p{Nd}/u.test(String.fromCodePoint(c.codePointAt() - n - 1))) n++;
  return n;
}).replace(/./gsu, c => data.alphabet.includes(c) ? c : clear);

let busy, native, last, wrote, sendable = 0, asked = start;
onsubmit = async e => {
  if (native) return;
  const form = e.target, button = e.submitter, held = form.held;
  if (busy || button.ariaDisabled) return e.preventDefault();
  const other = button.getAttribute('formaction'), url = other || form.action,
    mine = !other && form.contains(field), code = mine && data.alphabet;
  // A held form goes with whatever loads the page anew, so the browser sends that by itself.
  if (held && !code) return;
  e.preventDefault();
  const sent = new URLSearchParams(new FormData(form)), label = [...button.childNodes];
  if (button.name) sent.append(button.name, button.value);
  if (code) last = clean(field.value);
  button.ariaDisabled = busy = true;
  if (button.dataset.busy) button.textContent = button.dataset.busy;
  const answer = await call(url, {method: 'POST', body: sent});
  if (answer.verified) channel.postMessage('verified');
  if (held && answer.form) {
    field.name = clear;
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
  tell(mine ? clear : answer.message);
  if (!mine) return;
  get('error').textContent = answer.message;
  doc.title = data.error.replace('{title}', doc.title);
  data.error = '{title}';
  field.ariaInvalid = true;
  field.focus();
  field.select();
};

if (data.alphabet) {
  // Sends by itself what is pasted or filled in as a whole, never what is typed, and nothing twice.
  let had = last = clean(field.value);
  if (had) field.onfocus = () => field.select(field.onfocus = null);
  field.oninput = e => {
    const has = clean(field.value), size = data.length, whole = e.data ? clean(e.data).length >= size
      : !/^(delete|history)/.test(e.inputType) && (!had || had.length >= size);
    had = has;
    if (whole && has.length == size && has != last) get('go').click();
  };
}

// Another tab may have entered the code. Another door may still be closed behind it: one reload a minute is enough.
// A line tells how far the mail came, where somebody may know, or that no mail goes out, until that is over; what has been read
// out is not told again. A page of its own tells that no mail goes out from the start, and is loaded anew then, unless
// somebody has typed or ticked something or is asked for a passkey: once, as another machine may see it otherwise.
oninput = () => delete data.down;
const look = async () => {
  const at = now();
  if (busy || !data.status || doc.hidden || at - asked < 5000) return;
  asked = at;
  const answer = await call(data.status), mail = answer.mail, had = line.textContent,
    up = !mail && answer.verified == false, words = mail ? clock(mail.text, mail.at) : up && had == wrote ? clear : had;
  if (words != had) tell(wrote = words, clear, line);
  if ((answer.verified || up && data.down) && !(at - sessionStorage.doorcode < (data.down || 6e4))) goOn(sessionStorage.doorcode = at);
};
doc.onvisibilitychange = look;

const tick = () => {
  const at = now(), left = Math.ceil((sendable - at) / 1000), waiting = left > 0;
  if (at - start < 12e4) look();
  if (again && at - start >= data.expires * 1000) {
    sendable = 0;
    delete data.expires;
    again.ariaDisabled = null;
    again.className = clear;
    again.firstChild.data = again.dataset.new;
    get('left').textContent = clear;
    tell(again.dataset.expired);
  } else if (sendable) {
    again.ariaDisabled = waiting || null;
    get('left').textContent = waiting ? again.dataset.in.replace('{seconds}', left) : clear;
    if (waiting) return;
    sendable = 0;
    tell(again.dataset.now, 'aloud');
  }
};
const wait = seconds => tick(sendable = seconds && now() + seconds * 1000);
if (again) wait(+again.dataset.wait);
setInterval(tick, 1000);
