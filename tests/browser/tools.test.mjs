// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// The tools of these tests find what they are there to find.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { html, serve, startApp } from './app.mjs';
import { accessible, accessibleCopy, violations } from './axe.mjs';
import { ask } from './caddy.mjs';
import { launch, launchProfile, newProfile, paste, watch } from './chromium.mjs';
import { parseMail } from './mailbox.mjs';
import { findForm } from './visitor.mjs';

let chromium, site;

before(async () => {
  chromium = await launch();
  site = await serve({
    '/good': html('Good', '<form><label>Name <input name="name"></label><button>Save</button></form>'),
    '/bad': '<!doctype html><html><head><title>Bad</title></head><body><main><h1>Bad</h1><input name="name"><p style="color:#ccc">pale</p></main></body></html>',
    '/cookie': html('Cookie', '<script>document.cookie = "a=b"; document.title = document.cookie || "none"</script>'),
    '/beside': html('Beside', '<img alt="" src="/missing.png">'),
  });
});

after(async () => {
  await chromium.close();
  await site.stop();
});

const at = (path) => `http://localhost:${site.port}${path}`;

test('axe finds nothing on a good page and every seeded fault on a bad one', async () => {
  const page = await chromium.newPage();
  await page.goto(at('/good'));
  await accessible(page, 'the good page');
  const scriptless = await (await chromium.newContext({ javaScriptEnabled: false })).newPage();
  await scriptless.goto(at('/bad'));
  await assert.rejects(accessibleCopy(scriptless, 'the bad page'), /html-has-lang/);
  await page.goto(at('/bad'));
  const found = (await violations(page)).map((line) => line.split(':')[0]);
  for (const fault of ['color-contrast', 'html-has-lang', 'label']) assert.ok(found.includes(fault), `axe did not report ${fault}`);
  await page.close();
});

test('a paste is one input event with the whole text', async () => {
  const page = await chromium.newPage();
  await page.goto(at('/good'));
  const field = page.getByLabel('Name');
  await field.evaluate((element) => { element.dataset.events = 0; element.addEventListener('input', () => { element.dataset.events++; }); });
  await paste(page, field, 'Your code is 123 456!');
  assert.equal(await field.inputValue(), 'Your code is 123 456!');
  assert.equal(await field.getAttribute('data-events'), '1');
  await page.close();
});

test('a browser with cookies off keeps none, and one with cookies on does', async () => {
  for (const [cookies, title] of [[true, 'a=b'], [false, 'none']]) {
    const profile = await newProfile({ cookies });
    const context = await launchProfile(profile.folder);
    const page = await context.newPage();
    await page.goto(at('/cookie'));
    assert.equal(await page.title(), title);
    await context.close();
    await profile.remove();
  }
});

test('watch sees every request of a page', async () => {
  const page = await chromium.newPage();
  const seen = watch(page);
  await page.goto(at('/beside'));
  assert.deepEqual(seen.requests.map(({ url }) => new URL(url).pathname), ['/beside', '/missing.png']);
  await page.close();
});

test('the sample app tells what it was sent', async () => {
  const app = await startApp();
  const answer = await ask(`http://localhost:${app.port}/json?a=1`, { method: 'POST', headers: { 'X-One': 'two' }, body: 'hello' });
  const { method, url, headers, body } = JSON.parse(answer.body);
  assert.deepEqual([method, url, headers['x-one'], body], ['POST', '/json?a=1', 'two', 'hello']);
  assert.equal(app.requests.length, 1);
  await app.stop();
});

test('a mail is read for its code, letters and text', () => {
  const mail = parseMail([
    'From: "Example sign-in" <login@example.com>', 'To: <ana@example.com>', 'Subject: 048291 is your Example', ' code (7KQ)',
    'Content-Type: multipart/alternative; boundary="b"', '', '--b', 'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable', '', '048291 is your=', ' code =E2=80=93 once.', '--b', 'Content-Type: text/html', '', '<p>x</p>', '--b--', '',
  ].join('\r\n'));
  assert.deepEqual([mail.to, mail.code, mail.letters, mail.text.trim()], ['ana@example.com', '048291', '7KQ', '048291 is your code – once.']);
});

test('a mail whose subject has no code is read by its last line, and its link is found', () => {
  const mail = parseMail([
    'To: <ana@example.com>', "Subject: Your Example code to confirm it's you (7KQ)", 'Content-Type: text/plain; charset=utf-8', '',
    'Stop this sign-in: https://app.example.com/.doorcode/no/cAbC_-1', '', '@app.example.com #048291', '',
  ].join('\r\n'));
  assert.deepEqual([mail.code, mail.letters, mail.stop], ['048291', '7KQ', 'https://app.example.com/.doorcode/no/cAbC_-1']);
});

test('a form is found by its field, with its hidden values', () => {
  const page = '<form action="./a"><input name="x"></form><form method=post action="./x/.doorcode/verify"><input type="hidden" name="flow" value="a&#43;b&amp;c"><input name="code"></form>';
  assert.deepEqual(findForm(page, 'code'), { action: './x/.doorcode/verify', hidden: { flow: 'a+b&c' } });
});
