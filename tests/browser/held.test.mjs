// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Forms that were filled in while the session ended, and are not lost.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { html, serve } from './app.mjs';
import { openDoor } from './door.mjs';
import { looksRight } from './looks.mjs';
import { askForCode, button, enter, enterCode, reachesApp, says, sees, wrongCodes } from './screens.mjs';
import { newVisitor } from './visitor.mjs';

// What a form may hold that is easily lost: the browser's own rules for line
// breaks, a break at the very start, names that our forms use or that mean
// something to a form itself.
const fields = `
  <label>Title <input name="title"></label>
  <label>Notes <textarea name="notes"></textarea></label>
  <label>Empty <input name="empty"></label>
  <label>Red <input type="checkbox" name="colour" value="red"></label>
  <label>Blue <input type="checkbox" name="colour" value="blue"></label>
  <input type="hidden" name="flow" value="app's own"><input type="hidden" name="held" value="app's own"><input type="hidden" name="code" value="123456">
  <input type="hidden" name="_charset_"><input type="hidden" name="submit" value="a name"><input type="hidden" name="action" value="another">`;
const typed = { Title: `"Fünf" & <b>'six'</b> = 五六 🙂 + 100%`, Notes: '\n\nfirst line\n  second\tline  \n' };
const fill = (kind, more = '') => ({
  type: 'text/html; charset=utf-8',
  body: html('Fill', `<p id="path">/fill</p><form method="post" action="/save?draft=1&x=%2F" ${kind}>${fields}${more}<button name="how" value="now">Save</button></form>`),
});
const files = {
  '/plain': fill(''),
  '/parts': fill('enctype="multipart/form-data"'),
  '/upload': fill('enctype="multipart/form-data"', '<label>File <input type="file" name="file"></label>'),
  '/careful': { type: 'text/html; charset=utf-8', body: html('Careful', `<form method="post" action="/admin/save">${fields}<button>Save</button></form>`) },
};

const session = 'doorcode'; // the bare name: loopback http
const notYet = /Your form wasn.t sent yet\. Enter the code and you can send it\./;
const notSent = /Your form wasn.t sent\. After the check, press Back and send it again\./;

let door;
const want = {}; // what the app gets when nothing comes between
before(async () => {
  door = await openDoor({ lines: ['sensitive /admin/*', 'session {', '\tmax 1', '}', 'code {', '\tresend 10s 3', '}'], files });
  for (const path of ['/plain', '/parts']) want[path] = await uninterrupted(path);
});
after(() => door?.close());

// One of these mostly waits, so the others go on meanwhile.
test('forms whose session ended', { concurrency: 3 }, (t) => Promise.all([
  t.test('36 a form waits while the code is mailed again', mailedAgain),
  ...['/plain', '/parts'].flatMap((path) => [true, false].map((scripts) => t.test(
    `36 with scripts ${scripts ? 'on' : 'off'} the form of ${path} reaches the app after the check, as it was and once`,
    () => reachesAppOnce(path, scripts),
  ))),
  t.test('36 a refresh shows the check, without asking and without the form', refreshed),
  t.test('36 a form for a sensitive page waits for the fresh code', sensitive),
  t.test('8 a form can be thrown away', discarded),
  t.test('8 Back from the question sends nothing', leftByBack),
  t.test('37 a form with a file was not sent, and Back has what was typed', withFile),
  t.test('37 the form of one person is not sent by another', ofAnother),
  // By the name of another machine a form is cross-site and comes without our
  // cookies. By another port it comes with them, from a site that is not ours.
  t.test('74 a form from another site never reaches the app, nor is it kept for after the check', () => foreign('127.0.0.1')),
  t.test('74 a form from another port neither', () => foreign('localhost')),
]));

// save fills in the form that the page shows, and sends it.
async function save(page) {
  for (const [label, value] of Object.entries(typed)) await page.getByLabel(label).fill(value);
  await page.getByLabel('Red').check();
  await page.getByLabel('Blue').check();
  await button(page, 'Save').click();
}

// interrupted is a visitor who sent a form while signing in elsewhere ended the
// session: there is only one for each person here.
async function interrupted(address, path, settings) {
  const visitor = await door.visit(settings);
  await enter(door, visitor.page, { address });
  await visitor.page.goto(door.origin + path);
  await newVisitor(door).enter('/', address);
  await save(visitor.page);
  return visitor;
}

// posts are the forms that reached the app as somebody's, or as nobody's.
const posts = (address) => door.app.requests.filter(({ method, headers }) => method === 'POST' && (headers['remote-email'] ?? address) === address);

// content is a form as the app got it, without the boundary that each browser makes up.
function content({ url, headers, body }) {
  const [, boundary] = headers['content-type'].match(/boundary=(.*)$/) ?? [];
  return { url, type: headers['content-type'].replace(/boundary=.*/, ''), body: boundary ? body.replaceAll(boundary, 'BOUNDARY') : body };
}

async function uninterrupted(path) {
  const address = `smooth-${path.slice(1)}@example.com`;
  const { context, page } = await door.visit();
  await enter(door, page, { address });
  await page.goto(door.origin + path);
  await save(page);
  await reachesApp(page, '/save');
  const [sent, ...more] = posts(address);
  assert.deepEqual(more, []);
  await context.close();
  return content(sent);
}

async function reachesAppOnce(path, javaScriptEnabled) {
  const address = `held-${javaScriptEnabled}${path.slice(1)}@example.com`;
  const visitor = await interrupted(address, path, { javaScriptEnabled });
  const { context, page, seen } = visitor;
  const looked = javaScriptEnabled && path === '/plain' ? looksRight : () => {};
  await sees(page, 'Sign in to Example');
  await says(page, notYet);
  await looked(visitor, '[1] with a held form');
  await askForCode(page, address);
  await says(page, notYet);
  await looked(visitor, '[2] with a held form');
  const { code } = await door.mailbox.next(address);
  await enterCode(page, wrongCodes(code, 1)[0]);
  await says(page, 'You have 4 tries left');
  await says(page, notYet);
  if (!javaScriptEnabled) {
    await button(page, 'Send it again').click();
    await says(page, /You can ask again in \d+ second|Email sent again/);
    await says(page, notYet);
  }
  await enterCode(page, code);
  await sees(page, 'Send your form now?');
  await says(page, /You filled in a form on \/save before the check\. It hasn.t been sent\./);
  await looked(visitor, '[8]');
  assert.deepEqual(posts(address), [], 'nothing is sent before the person says so');

  await button(page, 'Send it').click();
  await reachesApp(page, '/save');
  assert.deepEqual(posts(address).map(content), [want[path]]);
  assert.equal(page.url(), `${door.origin}/save?draft=1&x=%2F`);
  assert.deepEqual(seen.dialogs, []);
  await context.close();
}

// throughCheck gets as far as [8], with the code of whoever's the form is.
async function throughCheck(page, address) {
  await askForCode(page, address);
  await enterCode(page, (await door.mailbox.next(address)).code);
  await sees(page, 'Send your form now?');
}

async function mailedAgain() {
  const address = 'again@example.com';
  const { context, page } = await interrupted(address, '/plain');
  await askForCode(page, address);
  const { code } = await door.mailbox.next(address);
  await page.locator('#again:not([aria-disabled])').waitFor();
  await button(page, /Send it again/).click();
  await says(page, /Email sent again, with the same code/);
  await says(page, notYet);
  await enterCode(page, code);
  await sees(page, 'Send your form now?');
  await button(page, 'Send it').click();
  await reachesApp(page, '/save');
  assert.deepEqual(posts(address).map(content), [want['/plain']]);
  await context.close();
}

async function refreshed() {
  const address = 'refresh@example.com';
  const { context, page, seen } = await interrupted(address, '/plain');
  await askForCode(page, address);
  await page.reload();
  await sees(page, 'Check your email');
  assert.equal(await page.getByText(notYet).count(), 0);
  await enterCode(page, (await door.mailbox.next(address)).code);
  await reachesApp(page, '/save');
  assert.deepEqual(posts(address), []);
  assert.deepEqual(seen.dialogs, []);
  await context.close();
}

async function sensitive() {
  const address = 'careful@example.com';
  const visitor = await door.visit();
  const { context, page } = visitor;
  await enter(door, page, { address, remember: true });
  await context.clearCookies({ name: session }); // the browser's next session is not fresh
  await page.goto(`${door.origin}/careful`);
  await save(page);
  await sees(page, /Confirm it.s you/);
  await says(page, notYet);
  await looksRight(visitor, '[2s] with a held form');
  await enterCode(page, (await door.mailbox.next(address)).code);
  await sees(page, 'Send your form now?');
  await button(page, 'Send it').click();
  await reachesApp(page, '/admin/save');
  assert.equal(posts(address).length, 1);
  await context.close();
}

async function discarded() {
  const address = 'discard@example.com';
  const { context, page } = await interrupted(address, '/plain');
  await throughCheck(page, address);
  await page.getByRole('link', { name: 'Discard' }).click();
  await page.waitForURL((url) => url.pathname === '/plain'); // where the form was
  assert.deepEqual(posts(address), []);
  await context.close();
}

async function leftByBack() {
  const address = 'back@example.com';
  const { context, page, seen } = await interrupted(address, '/plain');
  await throughCheck(page, address);
  await page.goBack();
  await reachesApp(page, '/save');
  assert.equal(await page.locator('#method').textContent(), 'GET');
  while (!page.url().endsWith('/plain')) await page.goBack();
  assert.equal(await page.getByLabel('Title').inputValue(), typed.Title);
  assert.deepEqual(posts(address), []);
  assert.deepEqual(seen.dialogs, []);
  await context.close();
}

async function withFile() {
  const address = 'upload@example.com';
  const { context, page } = await door.visit();
  await enter(door, page, { address });
  await page.goto(`${door.origin}/upload`);
  await newVisitor(door).enter('/', address);
  await page.getByLabel('File').setInputFiles({ name: 'report.txt', mimeType: 'text/plain', buffer: Buffer.from('report') });
  await save(page);
  await says(page, notSent);
  await askForCode(page, address);
  await enterCode(page, (await door.mailbox.next(address)).code);
  await reachesApp(page, '/save');
  assert.equal(await page.locator('#method').textContent(), 'GET');
  assert.deepEqual(posts(address), []);
  await page.goBack();
  for (const [label, value] of Object.entries(typed)) assert.equal(await page.getByLabel(label).inputValue(), value);
  await context.close();
}

async function ofAnother() {
  const { context, page } = await interrupted('ana@example.com', '/plain');
  await says(page, notYet);
  await askForCode(page, 'ben@example.com');
  await says(page, notSent);
  assert.equal(await page.getByText(notYet).count(), 0);
  await enterCode(page, (await door.mailbox.next('ben@example.com')).code);
  await reachesApp(page, '/save');
  assert.equal(await page.locator('#method').textContent(), 'GET');
  assert.deepEqual([...posts('ana@example.com'), ...posts('ben@example.com')], []);
  await context.close();
}

async function foreign(host) {
  const address = `foreign-${host}@example.com`;
  const elsewhere = await serve({ '/': html('Elsewhere', `<form method="post" action="${door.origin}/acs">${fields}<button>Save</button></form>`) });
  try {
    const { context, page } = await door.visit();
    await enter(door, page, { address });
    await newVisitor(door).enter('/', address);
    await page.goto(`http://${host}:${elsewhere.port}/`);
    await save(page);
    await sees(page, /Your form wasn.t sent/);
    assert.equal(await page.locator('form, input').count(), 0);
    await page.getByRole('link').first().click();
    await askForCode(page, address);
    assert.equal(await page.getByText(notYet).count(), 0);
    await enterCode(page, (await door.mailbox.next(address)).code);
    await reachesApp(page, '/acs');
    assert.equal(await page.locator('#method').textContent(), 'GET');
    assert.equal(door.app.requests.some(({ method, url }) => method === 'POST' && url === '/acs'), false);
    await context.close();
  } finally {
    await elsewhere.stop();
  }
}
