// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Access tokens as a person makes, copies and revokes them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessibleCopy } from './axe.mjs';
import { ask } from './caddy.mjs';
import { openDoor } from './door.mjs';
import { looksRight } from './looks.mjs';
import { button, codeField, enter, enterCode, says, sees } from './screens.mjs';

let door;
before(async () => { door = await openDoor({ lines: ['tokens on', 'limits {', 'send_ip 100/1h', '}'] }); });
after(() => door?.close());

const tokens = (page) => page.goto(`${door.origin}/.doorcode/tokens`);
const named = (page) => page.getByLabel('Name', { exact: true });
const statusWith = async (token, path = '/notes/x') => (await ask(door.origin + path, { headers: { 'Doorcode-Token': token } })).status;

async function fillIn(page, { name, path, only = true, days = '30 days' }) {
  await named(page).fill(name);
  await page.getByLabel('Path', { exact: true }).fill(path);
  await page.getByLabel(only ? 'Reading only' : 'Reading and changing').check();
  await page.getByLabel(days).check();
}

test('a person makes a token by a code of its own, copies it, and revokes it', async () => {
  const address = 'tokens@example.com';
  const opened = await door.visit();
  const { context, page } = opened;
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: door.origin });
  await enter(door, page, { address, remember: true });
  await tokens(page);
  await says(page, /You don.t have any access tokens/);
  await looksRight(opened, 'account tokens, none');

  await fillIn(page, { name: '', path: '/notes' });
  await button(page, 'Continue').click();
  await says(page, 'Enter a name, such as Laptop backup.');
  assert.equal(await named(page).evaluate((field) => field === document.activeElement), true);
  assert.equal(await page.getByLabel('Path', { exact: true }).inputValue(), '/notes');

  await fillIn(page, { name: 'Backup of a laptop with a rather long name', path: '/a/../b' });
  await button(page, 'Continue').click();
  await says(page, /Enter a path like \/team\/notes/);
  await looksRight(opened, 'account tokens, wrong path');

  await fillIn(page, { name: 'Laptop', path: '/notes' });
  await button(page, 'Continue').click();
  await sees(page, /Confirm it.s you/);
  await enterCode(page, (await door.mailbox.next(address)).code);
  await sees(page, /Make the access token Laptop/);
  await says(page, /It can only read/);
  await looksRight(opened, 'account token, confirm');
  await button(page, 'Make the token').click();
  await sees(page, 'Save your access token');
  await looksRight(opened, 'account token, made');
  const token = await page.locator('#token').textContent();
  assert.match(token, /^dct_[a-z2-7]{72}$/);
  await button(page, 'Copy').click();
  await button(page, 'Copied.').waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), token);
  assert.equal(await statusWith(token), 200);
  assert.equal(await statusWith(token, '/other'), 403);

  await page.getByRole('link', { name: 'I saved the token' }).click();
  await sees(page, 'Access tokens');
  assert.equal((await page.content()).includes(token), false);
  await looksRight(opened, 'account tokens');
  await page.goBack();
  assert.equal((await page.content()).includes(token), false, 'Back shows the token once more');

  await tokens(page);
  await page.getByRole('button', { name: 'Revoke Laptop' }).click();
  await sees(page, 'Revoke Laptop?');
  assert.equal(await statusWith(token), 200);
  await button(page, 'Revoke').click();
  await says(page, /You don.t have any access tokens/);
  assert.equal(await statusWith(token), 401);
  await context.close();
});

test('all of it works without scripts, and by the keyboard alone', async () => {
  const address = 'quiet@example.com';
  const { context, page } = await door.visit({ javaScriptEnabled: false });
  await enter(door, page, { address });
  await tokens(page);
  await accessibleCopy(page, 'account tokens without scripts');
  await named(page).focus();
  await page.keyboard.type('Calendar');
  await page.keyboard.press('Tab'); // the path, which is everything
  await page.keyboard.press('Tab'); // what it may do
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await sees(page, /Confirm it.s you/);
  await codeField(page).focus();
  await page.keyboard.type((await door.mailbox.next(address)).code);
  await page.keyboard.press('Enter');
  await sees(page, /Make the access token Calendar/);
  await button(page, 'Make the token').focus();
  await page.keyboard.press('Enter');
  await sees(page, 'Save your access token');
  await accessibleCopy(page, 'account token without scripts');
  const token = await page.locator('#token').textContent();
  const put = await ask(`${door.origin}/x`, { method: 'PUT', headers: { 'Doorcode-Token': token } });
  assert.equal(put.status, 200, put.body);
  assert.equal(await button(page, 'Copy').count(), 0);
  await context.close();
});
