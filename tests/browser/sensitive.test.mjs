// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Pages that want a fresh code from somebody who is signed in. A session that a
// remembered browser renewed is never fresh, so no test has to wait.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { html } from './app.mjs';
import { openDoor } from './door.mjs';
import { looksRight } from './looks.mjs';
import { codeField, enter, enterCode, reachesApp, rememberBox, says, sees, wrongCodes } from './screens.mjs';

const session = 'doorcode'; // the bare name: loopback http
const lookedAfter = 6_000; // ms; a page that waits asks how it stands after 5 s

const eager = (rules) => ({ type: 'text/html; charset=utf-8', body: html('Ahead', `<p id="path">/ahead</p><a href="/admin/ahead">Go</a><script type="speculationrules">${JSON.stringify(rules)}</script>`) });
const files = { '/ahead': eager({ prerender: [{ source: 'list', urls: ['/admin/ahead'], eagerness: 'immediate' }] }) };

let door, pinned;
before(async () => {
  door = await openDoor({ lines: ['sensitive /admin/*'], files });
  pinned = await openDoor({ lines: ['sensitive /admin/*', 'endpoints /.doorcode'] });
});
after(async () => {
  await door?.close();
  await pinned?.close();
});

// Two of these mostly wait, so the others go on meanwhile.
test('sensitive pages', { concurrency: 3 }, (t) => Promise.all([
  t.test('20 a page that waits stays as it is, until another tab is confirmed', () => waits(door)),
  t.test('20 so it does with endpoints pinned to one place', () => waits(pinned)),
  t.test('38 a sensitive page asks for a fresh code, once, and goes on to the page itself', asksOnce),
  t.test('2s with scripts on it can be left by its link, and confirmed by keyboard alone', () => byKeyboard(true)),
  t.test('2s with scripts off it can be left by its link, and confirmed by keyboard alone', () => byKeyboard(false)),
  t.test('53 54 what a browser loads ahead of a click sends no mail; the click does', ahead),
]));

// signedIn is a visitor whose session is one that the browser renewed.
async function signedIn(at, address, settings) {
  const visitor = await at.visit(settings);
  await enter(at, visitor.page, { url: '/start', address, remember: true });
  await visitor.context.clearCookies({ name: session });
  return visitor;
}

const codes = async (at, address) => (await at.mailbox.to(address)).filter(({ code }) => code).length;

async function asksOnce() {
  const address = 'fresh@example.com';
  const visitor = await signedIn(door, address);
  const { context, page, seen } = visitor;
  await page.goto(`${door.origin}/start`);
  await reachesApp(page, '/start');
  const there = `${door.origin}/admin/users?sort=name#row-3`;
  const response = await page.goto(there);
  assert.equal(response.status(), 401);
  await sees(page, /Confirm it.s you/);
  await says(page, /Example asks for a fresh code before this page\. We sent it to f••@example\.com/);
  assert.equal(await rememberBox(page).count(), 0);
  await page.getByText('Why am I seeing this?').click();
  await says(page, 'This page changes important things, so we check again.');
  await looksRight(visitor, '[2s]');

  const mail = await door.mailbox.next(address);
  assert.ok(!mail.subject.includes(mail.code), 'the subject tells the code');
  await enterCode(page, wrongCodes(mail.code, 1)[0]);
  await says(page, 'You have 4 tries left');
  await looksRight(visitor, '[2s] after a wrong code');
  await enterCode(page, mail.code);
  await reachesApp(page, '/admin/users');
  assert.equal(page.url(), there);

  await page.goto(`${door.origin}/admin/more`);
  await reachesApp(page, '/admin/more');
  assert.equal(await codes(door, address), 2);
  assert.deepEqual(seen.dialogs, []);
  await context.close();
}

async function byKeyboard(javaScriptEnabled) {
  const address = `keys-${javaScriptEnabled}@example.com`;
  const { context, page } = await signedIn(door, address, { javaScriptEnabled });
  await page.goto(`${door.origin}/before?from=here`);
  await page.goto(`${door.origin}/admin/left`);
  await sees(page, /Confirm it.s you/);
  await page.getByRole('link', { name: 'Go back' }).click();
  await reachesApp(page, javaScriptEnabled ? '/before' : '/');
  await page.goto(`${door.origin}/admin/left`);
  await codeField(page).waitFor();
  const { code } = await door.mailbox.next(address);
  assert.ok(javaScriptEnabled === false || await codeField(page).evaluate((field) => field === document.activeElement), 'the field has the focus');
  await page.keyboard.type(code);
  await page.keyboard.press('Enter');
  await reachesApp(page, '/admin/left');
  assert.equal(await codes(door, address), 2, 'coming again sends nothing while the code is on its way');
  await context.close();
}

async function waits(at) {
  const address = 'tabs@example.com';
  const { context, page: one, seen } = await signedIn(at, address);
  await one.goto(`${at.origin}/admin/one?a=1`);
  await sees(one, /Confirm it.s you/);
  const { code } = await at.mailbox.next(address);
  const two = await context.newPage();
  await two.goto(`${at.origin}/admin/two`);
  await sees(two, /Confirm it.s you/);
  assert.equal(await codes(at, address), 2, 'the second tab sends nothing');

  await one.bringToFront();
  await codeField(one).fill(code.slice(0, 3));
  await pause(lookedAfter);
  const urls = seen.requests.map(({ url }) => url);
  assert.ok(urls.some((url) => url.endsWith('/status')), 'it has asked how it stands');
  assert.equal(urls.filter((url) => url.endsWith('/admin/one?a=1')).length, 1, 'it was loaded once');
  assert.equal(await codeField(one).inputValue(), code.slice(0, 3), 'what was typed is still there');

  await enterCode(two, code);
  await reachesApp(two, '/admin/two');
  await one.bringToFront();
  await one.locator('#path').filter({ hasText: '/admin/one' }).waitFor({ timeout: 5_000 });
  assert.equal(one.url(), `${at.origin}/admin/one?a=1`);
  await context.close();
}

async function ahead() {
  const address = 'ahead@example.com';
  const { context, page } = await signedIn(door, address);
  const early = page.context().waitForEvent('request', (request) => request.url().endsWith('/admin/ahead'));
  await page.goto(`${door.origin}/ahead`);
  const answer = await (await early).response();
  assert.match((await (await early).allHeaders())['sec-purpose'], /prefetch/);
  assert.equal(answer.status(), 401);
  const headers = await answer.allHeaders();
  assert.equal(headers['content-length'], '0');
  assert.equal(headers['set-cookie'], undefined);
  assert.equal(await codes(door, address), 1);
  await page.getByRole('link', { name: 'Go' }).click();
  await sees(page, /Confirm it.s you/);
  await door.mailbox.next(address);
  assert.equal(await codes(door, address), 2);
  await context.close();
}
