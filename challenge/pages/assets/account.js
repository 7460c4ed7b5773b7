// The pages work without this script. It shows times as the browser's clock does, where nobody has chosen a zone, and lends a hand with copying and printing.
(() => {
// What answered a form is not there to come back to: Back and Reload lead to the page itself.
history.replaceState(null, '', location.href);
const lang = document.documentElement.lang.replace(/^en$/, 'en-GB');
for (const time of document.querySelectorAll('time[data-local]')) {
  time.textContent = new Date(time.dateTime).toLocaleString(lang, {day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZoneName: 'short'});
}
for (const note of document.querySelectorAll('[data-scriptless]')) note.remove();
if (window.PublicKeyCredential) {
  for (const note of document.querySelectorAll('[data-unable]')) note.remove();
  for (const row of document.querySelectorAll('[data-able]')) row.hidden = false;
}
for (const zone of document.querySelectorAll('[data-zone]')) {
  zone.placeholder = Intl.DateTimeFormat().resolvedOptions().timeZone;
  zone.list.replaceChildren(...Intl.supportedValuesOf('timeZone').map(name => new Option('', name)));
}
for (const button of document.querySelectorAll('[data-print]')) {
  button.hidden = false;
  button.onclick = () => print();
}
for (const button of document.querySelectorAll('[data-copy]')) {
  button.hidden = false;
  button.onclick = async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = button.dataset.done;
  };
}
// A second press must not send a form twice: what is shown only once would be lost with the first answer.
let sent = 0;
document.addEventListener('submit', e => {
  const now = Date.now();
  if (now - sent < 2000) e.preventDefault();
  else sent = now;
});
})();
