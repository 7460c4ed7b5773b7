// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Apps that a service worker keeps alive, and views that show no page with 401.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { html } from './app.mjs';
import { openDoor } from './door.mjs';
import { askForCode, button, emailField, enter, enterCode, reachesApp, sees } from './screens.mjs';

// As bundlers write it: each page load is answered by the shell in the cache, so
// that the server is not asked for a page ever again.
const worker = `
  self.addEventListener('install', (event) => event.waitUntil(
    caches.open('v1').then((cache) => cache.add('/shell')).then(() => self.skipWaiting())));
  self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
  self.addEventListener('fetch', (event) => {
    if (event.request.mode === 'navigate' && event.request.method === 'GET') event.respondWith(caches.match('/shell'));
  });`;
const shell = html('Shell', `<p id="shell">cached</p><p id="state"></p><script>
  navigator.serviceWorker.register('/worker.js').catch(() => {});
  fetch('/json/state').then((response) => { document.getElementById('state').textContent = response.ok ? 'alive' : 'dead'; });
</script>`);
const files = {
  '/shell': { type: 'text/html; charset=utf-8', body: shell },
  '/worker.js': { type: 'text/javascript', body: worker },
};
const session = 'doorcode'; // the bare name: loopback http

let releasing, keeping;
before(async () => {
  releasing = await openDoor({ files, lines: ['page_status 200 /view/*', 'page_status 403 /picky/*'] });
  keeping = await openDoor({ files, lines: ['app_shell keep'] });
});
after(async () => {
  await releasing?.close();
  await keeping?.close();
});

// stuck is a visitor whose session ended under an app that its worker keeps alive.
async function stuck(door, address) {
  const visitor = await door.visit();
  const { context, page } = visitor;
  await context.addInitScript(() => navigator.serviceWorker.addEventListener('controllerchange', () => { document.title = 'Changed'; }));
  await enter(door, page, { url: '/', address });
  await page.goto(`${door.origin}/shell`);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await isShell(page, 'alive');
  await load(page, `${door.origin}/any/page`);
  await isShell(page, 'alive');
  await context.clearCookies({ name: session });
  return visitor;
}

const load = (page, url) => page.goto(url, { waitUntil: 'load' });

// anotherWorker waits until the browser has looked for a new version of the
// worker, as it does by itself after a load, and has put it in charge.
const anotherWorker = (page) => page.waitForFunction(() => document.title === 'Changed');

async function isShell(page, state) {
  await page.locator('#shell').waitFor();
  await page.locator('#state').filter({ hasText: state }).waitFor();
}

test('67 app_shell release: the shell of an app without a session is gone within two loads, and back after the check', async () => {
  const address = 'released@example.com';
  const { context, page } = await stuck(releasing, address);
  await load(page, `${releasing.origin}/any/page`);
  await isShell(page, 'dead');
  await anotherWorker(page);
  const there = `${releasing.origin}/any/page?a=1#part`;
  const response = await load(page, there);
  assert.equal(response.status(), 401);
  assert.equal(page.url(), there);
  await askForCode(page, address);
  await enterCode(page, (await releasing.mailbox.next(address)).code);
  await reachesApp(page, '/any/page');
  assert.equal(page.url(), there);

  await anotherWorker(page); // the app's own again
  await load(page, `${releasing.origin}/any/page`);
  await isShell(page, 'alive');
  await context.close();
});

test('67 app_shell keep: the worker of the app goes on, and the check can only be begun by a POST', async () => {
  const address = 'kept@example.com';
  const { context, page } = await stuck(keeping, address);
  for (let i = 0; i < 3; i++) {
    await load(page, `${keeping.origin}/any/page`);
    await isShell(page, 'dead');
    const refused = await page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).update().then(() => '', String));
    assert.match(refused, /TypeError/);
  }
  await begin(page);
  await sees(page, 'Sign in to Example');
  await emailField(page).fill(address);
  await button(page, 'Send code').click();
  // The page that follows is a GET, which the worker answers.
  await isShell(page, 'dead');
  await begin(page);
  await sees(page, 'Check your email');
  await enterCode(page, (await keeping.mailbox.next(address)).code);
  await isShell(page, 'alive');
  await context.close();
});

// begin is how the documentation tells apps to begin a check.
const begin = (page) => page.evaluate(() => {
  const form = Object.assign(document.createElement('form'), { method: 'post', action: '/any/page/.doorcode/begin' });
  document.body.append(form);
  form.submit();
});

test('19 page_status gives app web views the page with a status that they show', async () => {
  const { context, page } = await releasing.visit();
  for (const [path, status] of [['/view/a', 200], ['/picky/a', 403], ['/a', 401]]) {
    const response = await page.goto(releasing.origin + path);
    assert.equal(response.status(), status, path);
    const headers = await response.allHeaders();
    assert.equal('www-authenticate' in headers, status === 401, path);
    assert.match(headers['cache-control'], /no-store/);
    await sees(page, 'Sign in to Example');
  }
  await page.goto(`${releasing.origin}/view/b?c=1`);
  assert.equal(await page.evaluate(() => fetch('/view/c').then(({ status: is }) => is)), 401, 'for pages only');
  await askForCode(page, 'view@example.com');
  await enterCode(page, (await releasing.mailbox.next('view@example.com')).code);
  await reachesApp(page, '/view/b');
  await context.close();
});
