// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// The check page as the answer to the protected address.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible } from './axe.mjs';
import { ask, asPage } from './caddy.mjs';
import { openDoor } from './door.mjs';
import { askForCode, codeField, enterCode, heading, reachesApp, sees } from './screens.mjs';

let door;
before(async () => { door = await openDoor({ lines: ['public /frame'] }); });
after(() => door?.close());

test('01 a page load is answered 401 in place, with a challenge and no redirect', async () => {
  const { status, headers } = await ask(`${door.origin}/reports?a=1`, { headers: asPage });
  assert.equal(status, 401);
  assert.match(headers['content-type'], /^text\/html; charset=utf-8$/i);
  assert.match(headers['cache-control'], /\bno-store\b/);
  assert.match(headers['www-authenticate'], /^Doorcode /);
  assert.equal(headers.location, undefined);
});

test('02 03 the page shows without a password dialog, at the very address, before and after the code', async () => {
  const { context, page, seen } = await door.visit();
  const address = `${door.origin}/reports?month=5&x=%2f#row-7`;
  const response = await page.goto(address);
  assert.equal(response.status(), 401);
  await sees(page, 'Sign in to Example');
  assert.equal(page.url(), address);
  await askForCode(page, 'address@example.com');
  assert.equal(page.url(), address);
  await enterCode(page, (await door.mailbox.next('address@example.com')).code);
  await reachesApp(page, '/reports');
  assert.equal(page.url(), address);
  assert.deepEqual(seen.dialogs, []);
  assert.equal(door.app.requests.at(-1).url, '/reports?month=5&x=%2f');
  await context.close();
});

test('04 35 there is one field for the code, which takes any paste and looks like no password', async () => {
  const { context, page } = await door.visit();
  await page.goto(door.origin);
  await askForCode(page, 'field@example.com');
  const attributes = await codeField(page).evaluate((field) => Object.fromEntries([...field.attributes].map(({ name, value }) => [name, value])));
  assert.equal(attributes.type, 'text');
  assert.equal(attributes.autocomplete, 'one-time-code');
  assert.equal(attributes.inputmode, 'numeric');
  for (const absent of ['maxlength', 'pattern', 'placeholder']) assert.ok(!(absent in attributes), absent);
  assert.equal(await page.locator('input[type=text]:visible').count(), 1);
  assert.equal(await page.locator('input[type=password], input[type=number]').count(), 0);
  assert.ok(await codeField(page).evaluate((field) => field === document.activeElement), 'the field has the focus');
  await context.close();
});

test('26 in a frame there is only a link, and the real page cannot be framed', async () => {
  const { context, page } = await door.visit();
  const framed = page.waitForResponse((response) => response.url().endsWith('/inside'));
  await page.goto(`${door.origin}/frame`);
  const response = await framed;
  const headers = await response.allHeaders();
  assert.equal(response.status(), 401);
  assert.equal(headers['set-cookie'], undefined);
  assert.match(headers['content-security-policy'], /frame-ancestors 'self'/);
  const frame = page.frameLocator('iframe');
  const link = frame.getByRole('link', { name: 'Sign in to see this content' });
  assert.equal(await link.getAttribute('target'), '_blank');
  assert.equal(await frame.locator('form, input').count(), 0);
  const opened = context.waitForEvent('page');
  await link.click();
  await sees(await opened, 'Sign in to Example');
  const whole = await ask(`${door.origin}/inside`, { headers: asPage });
  assert.match(whole.headers['content-security-policy'], /frame-ancestors 'none'/);
  await context.close();
});

test('33 the page is one answer of at most 10 KB, and asks nobody for anything', async () => {
  const { context, page, seen } = await door.visit();
  await page.goto(`${door.origin}/one`, { waitUntil: 'networkidle' });
  assert.deepEqual(seen.requests, [{ method: 'GET', url: `${door.origin}/one` }]);
  await askForCode(page, 'bytes@example.com');
  const html = await page.content();
  assert.ok(Buffer.byteLength(html) <= 10_240, `${Buffer.byteLength(html)} bytes`);
  assert.match(html, /<link rel="?icon"? href="data:,"/);
  for (const { url } of seen.requests) assert.equal(new URL(url).origin, door.origin);
  await context.close();
});

test('34 the content security policy has hashes only, and nothing breaks it', async () => {
  const { headers } = await ask(door.origin, { headers: asPage });
  const policy = headers['content-security-policy'];
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /script-src 'sha256-/);
  assert.match(policy, /style-src 'sha256-/);
  assert.match(policy, /base-uri 'none'/);
  assert.doesNotMatch(policy, /unsafe-/);

  const { context, page, seen } = await door.visit();
  await page.goto(door.origin);
  await askForCode(page, 'policy@example.com');
  const mail = await door.mailbox.next('policy@example.com');
  await enterCode(page, mail.code.slice(0, 4));
  await page.getByText('You entered 4').waitFor();
  await enterCode(page, mail.code);
  await reachesApp(page, '/');
  assert.deepEqual(seen.complaints, []);
  await context.close();
});

test('28 the begin page and the page of an unknown endpoint are accessible', async () => {
  const { context, page } = await door.visit();
  for (const [path, status] of [['/.doorcode/begin', 200], ['/.doorcode/nothing', 404]]) {
    const response = await page.goto(door.origin + path);
    assert.equal(response.status(), status, path);
    assert.equal(await heading(page).count(), 1, path);
    await accessible(page, path);
  }
  await context.close();
});
