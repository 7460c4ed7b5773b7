// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// What a service worker of the app can do to account pages. It gets the answer of a
// GET, one way or another, and sees every form pass by: it must press nothing, and
// read no secret.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDoor } from './door.mjs';
import { button, enter, enterCode, reachesApp, says, sees } from './screens.mjs';

const takesOver = `
const tell = async (message) => { for (const client of await clients.matchAll({ includeUncontrolled: true })) client.postMessage(message); };
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(clients.claim()));`;

// One that has the browser fetch a page while it starts, and reads what came.
const preloading = (value) => `${takesOver}
self.addEventListener('activate', (event) => event.waitUntil((async () => {
  await self.registration.navigationPreload.enable();
  ${value === undefined ? '' : `await self.registration.navigationPreload.setHeaderValue(${JSON.stringify(value)});`}
})()));
self.addEventListener('fetch', (event) => {
  if (event.request.mode !== 'navigate' || event.request.method !== 'GET') return;
  event.respondWith((async () => {
    const response = await event.preloadResponse;
    if (!response) return fetch(event.request);
    await tell({ url: event.request.url, preloaded: true, text: await response.clone().text() });
    return response;
  })());
});`;

// One that has the browser race it, whose own fetch then gets what the browser got.
// It reads what forms send, and, where it is told to, answers them as well.
const racing = (answersForms) => `${takesOver}
self.addEventListener('install', (event) => event.waitUntil(event.addRoutes([{ condition: { requestMode: 'navigate' }, source: 'race-network-and-fetch-handler' }])));
self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.mode !== 'navigate') return;
  if (request.method === 'POST') event.waitUntil(request.clone().text().then((body) => tell({ url: request.url, body })));
  if (request.method !== 'GET' && ${!answersForms}) return;
  event.respondWith((async () => {
    const response = await fetch(request);
    await tell({ url: request.url, method: request.method, text: await response.clone().text() });
    return response;
  })());
});`;

const workers = {
  '/preload.js': preloading(), '/preload-named.js': preloading('x'), '/preload-empty.js': preloading(''),
  '/race.js': racing(false), '/race-forms.js': racing(true),
};

let door;
before(async () => {
  const files = Object.fromEntries(Object.entries(workers).map(([name, body]) => [name, { type: 'text/javascript', body }]));
  door = await openDoor({ files, lines: ['tokens on', 'limits {', 'send_ip 1000/1h', 'try_ip 1000/1h', '}'] });
});
after(() => door?.close());

const account = (page, name) => page.goto(`${door.origin}/.doorcode/${name}`);

// watched is a person at the app, which has a worker, and a tab of their own beside it.
async function watched(address, worker) {
  const { context, page: app } = await door.visit();
  await enter(door, app, { address, remember: true });
  await app.goto(`${door.origin}/app`);
  await app.evaluate(async (name) => {
    globalThis.heard = [];
    navigator.serviceWorker.onmessage = ({ data }) => globalThis.heard.push(data);
    navigator.serviceWorker.startMessages();
    const { installing } = await navigator.serviceWorker.register(name);
    await navigator.serviceWorker.ready;
    if (installing.state !== 'activated') await new Promise((resolve) => { installing.onstatechange = () => installing.state === 'activated' && resolve(); });
  }, worker);
  const heard = () => app.evaluate(() => globalThis.heard);
  return { context, app, heard, own: await context.newPage() };
}

// hears waits until the worker has told of something.
async function hears({ app, heard }, what) {
  await app.waitForFunction((source) => globalThis.heard.some((each) => new RegExp(source).test(JSON.stringify(each))), what.source);
  return (await heard()).filter((each) => what.test(JSON.stringify(each)));
}

const sealsIn = (text) => [...(text ?? '').matchAll(/name="flow" value="([^"]+)"/g)].map(([, seal]) => seal);

// presses has a script of the app send a form in a window of its own, and returns what
// that window shows.
async function presses({ context, app }, name, fields) {
  const [popup] = await Promise.all([context.waitForEvent('page'), app.evaluate(([action, all]) => {
    const form = Object.assign(document.createElement('form'), { method: 'post', action, target: '_blank' });
    for (const [key, value] of Object.entries(all)) form.append(Object.assign(document.createElement('input'), { name: key, value }));
    document.body.append(form);
    form.submit();
  }, [`/.doorcode/${name}`, fields])]);
  await popup.waitForURL(/\.doorcode/);
  const title = await popup.getByRole('heading', { level: 1 }).innerText();
  await popup.close();
  return title;
}

// all that account pages do, in the fields of their forms.
const deeds = (id) => [
  ['', { action: 'forget' }], ['', { action: 'cancel', id }],
  ...['rename', 'signout', 'forget'].map((action) => ['sessions', { action, id, name: 'mine' }]), ['sessions', { action: 'everywhere' }],
  ['settings', { action: 'save', always: '1' }], ['activity', { action: 'report', id }], ['tokens', { action: 'revoke', id }],
  ['backup-codes', { action: 'download' }],
  ...['export', 'erase'].map((change) => ['settings', { action: 'confirm', change }]),
  ...['backup_codes', 'test_backup_code'].map((change) => ['backup-codes', { action: 'confirm', change }]),
  ...['add_app', 'remove_app', 'set_second', 'prove_second', 'remove_second'].map((change) => ['ways', { action: 'confirm', change }]),
  ['tokens', { action: 'confirm', change: 'add_token' }],
];

for (const worker of ['/preload.js', '/preload-named.js', '/preload-empty.js']) {
  test(`CSR-01 what ${worker} has preloaded is no account page, and the person comes to it all the same`, async () => {
    const person = await watched(`${worker.replace(/\W/g, '')}@example.com`, worker);
    for (const name of ['', 'sessions', 'settings', 'backup-codes']) {
      await account(person.own, name);
      await sees(person.own, 'Open your account');
    }
    const read = await hears(person, /"preloaded":true/);
    for (const { url, text } of read) assert.doesNotMatch(text, /name="flow"|@example\.com/, url);
    await button(person.own, 'Open the page').click();
    await sees(person.own, 'Backup codes');
    await person.context.close();
  });
}

test('CSR-01 what a worker reads of account pages presses nothing', async () => {
  const address = 'raced@example.com';
  const other = await door.visit();
  await enter(door, other.page, { address, remember: true });
  const person = await watched(address, '/race.js');
  const pages = ['', 'sessions', 'settings', 'backup-codes', 'ways', 'activity', 'tokens'];
  for (const name of pages) await account(person.own, name);
  const read = await hears(person, /name=..flow/);
  assert.ok(read.length > 0, 'the worker read no page, so that this test shows nothing');
  const [, id] = read.find(({ url }) => url.endsWith('/sessions')).text.match(/name="id" value="([^"]+)"/);
  for (const seal of new Set(read.map(({ text }) => sealsIn(text).at(-1)))) {
    for (const [name, fields] of deeds(id)) {
      const title = await presses(person, name, { flow: seal, ...fields });
      assert.equal(title, 'That form came from another page', `${name} ${JSON.stringify(fields)}`);
    }
  }
  const title = await presses(person, 'sessions', { flow: sealsIn(read[0].text)[0], action: 'ask', do: 'everywhere' });
  assert.equal(title, 'Sign out everywhere else?', 'a script may have the question asked, and no more');
  for (const { url, method } of await person.heard()) if (method) assert.equal(method, 'GET', url);
  await other.page.goto(`${door.origin}/still`);
  await reachesApp(other.page, '/still');
  await account(other.page, 'sessions');
  assert.equal(await other.page.locator('tbody tr').count(), 2);
  assert.doesNotMatch(await other.page.locator('main').innerText(), /mine/);
  await account(other.page, 'settings');
  assert.match(await other.page.locator('dl').innerText(), /Not in remembered browsers/);
  await other.context.close();
  await person.context.close();
});

test('CSR-01 a form that passes by a worker does what it is for, and nothing else', async () => {
  const address = 'passing@example.com';
  const other = await door.visit();
  await enter(door, other.page, { address, remember: true });
  const person = await watched(address, '/race.js');
  const { own } = person;
  await account(own, 'sessions');
  await own.getByRole('row').filter({ hasText: 'This browser' }).getByRole('button', { name: 'Rename' }).click();
  await own.getByLabel('Name', { exact: true }).fill('Desk');
  await button(own, 'Save').click();
  await own.getByRole('rowheader').getByText('Desk').waitFor();
  const [sent] = await hears(person, /action=rename/);
  const { flow: seal, id } = Object.fromEntries(new URLSearchParams(sent.body));
  for (const [name, fields] of deeds(id)) {
    if (fields.action === 'rename') continue;
    assert.equal(await presses(person, name, { flow: seal, ...fields }), 'That form came from another page', `${name} ${JSON.stringify(fields)}`);
  }
  const heard = await person.heard();
  assert.equal(heard.some(({ method }) => method === 'POST'), false);
  await other.context.close();
  await person.context.close();
});

test('CSR-01 a worker that answers forms gets no answer of theirs to read', async () => {
  const person = await watched('answers@example.com', '/race-forms.js');
  const { own } = person;
  await account(own, 'settings');
  await button(own, 'Change settings').click().catch(() => {});
  await sees(own, 'Open your account');
  const answers = (await hears(person, /"method":"POST"/)).filter(({ method }) => method === 'POST');
  for (const { url, text } of answers) assert.doesNotMatch(text, /name="flow"|answers@example\.com/, url);
  await person.context.close();
});

test('BKP-06 a worker reads neither the secret of an authenticator app nor backup codes', async () => {
  const address = 'secret@example.com';
  const person = await watched(address, '/race.js');
  const { own } = person;
  await account(own, 'ways');
  await button(own, 'Set up an app').click();
  await sees(own, /Confirm it.s you/);
  await enterCode(own, (await door.mailbox.next(address)).code);
  await sees(own, 'Set up your authenticator app');
  await button(own, 'Show the QR code').click();
  const key = (await own.locator('.key').innerText()).replace(/\s/g, '');
  assert.match(key, /^[A-Z2-7]{32}$/);
  await own.getByLabel('Code from the app').fill('000000');
  await button(own, 'Finish').click();
  await says(own, /That code isn.t right/);
  assert.equal((await own.locator('.key').innerText()).replace(/\s/g, ''), key);

  await account(own, 'backup-codes');
  await button(own, 'Create 10 backup codes').click();
  await sees(own, /Confirm it.s you/);
  await enterCode(own, (await door.mailbox.next(address)).code);
  await button(own, 'Create backup codes').click();
  await sees(own, 'Save your backup codes');
  const codes = await own.locator('#codes code').allTextContents();
  assert.equal(codes.length, 10);

  const heard = JSON.stringify(await hears(person, /./)).replace(/\s/g, '');
  assert.ok(heard.includes('Showthe'), 'the worker read no page, so that this test shows nothing');
  assert.equal(heard.includes(key), false, 'the worker has the key');
  assert.equal(heard.includes('data:image/png'), false, 'the worker has the picture');
  for (const code of codes) assert.equal(heard.includes(code), false, `the worker has ${code}`);
  await person.context.close();
});
