// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Refresh, Back, and other tabs.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDoor } from './door.mjs';
import { askForCode, button, enter, enterCode, reachesApp, says, sees, wrongCodes } from './screens.mjs';

let door;
before(async () => { door = await openDoor({ lines: ['public /start'] }); });
after(() => door?.close());

for (const javaScriptEnabled of [true, false]) {
  const scripts = javaScriptEnabled ? 'on' : 'off';

  test(`17 with scripts ${scripts} a refresh of the error page asks nothing, costs nothing, changes nothing`, async () => {
    const address = `refresh-${scripts}@example.com`;
    const { context, page, seen } = await door.visit({ javaScriptEnabled });
    await page.goto(`${door.origin}/stay?a=1`);
    await askForCode(page, address);
    const { code } = await door.mailbox.next(address);
    const [first, second] = wrongCodes(code, 2);
    await enterCode(page, first);
    await says(page, 'You have 4 tries left');
    assert.equal(page.url(), `${door.origin}/stay?a=1`);
    await page.reload();
    assert.deepEqual(seen.requests.at(-1), { method: 'GET', url: `${door.origin}/stay?a=1` });
    await sees(page, 'Check your email');
    await enterCode(page, second);
    await says(page, 'You have 3 tries left');
    assert.deepEqual(seen.dialogs, []);
    await context.close();
  });
}

test('18 with scripts on, Back after the code goes to the page before', async () => {
  const { context, page, seen } = await door.visit();
  await page.goto(`${door.origin}/start`);
  await page.goto(`${door.origin}/inner?x=1#part`);
  await askForCode(page, 'back@example.com');
  await enterCode(page, (await door.mailbox.next('back@example.com')).code);
  await reachesApp(page, '/inner');
  await page.goBack();
  await reachesApp(page, '/start');
  assert.deepEqual(seen.dialogs, []);
  await context.close();
});

test('19 with scripts off, Back after the code shows the app', async () => {
  const { context, page, seen } = await door.visit({ javaScriptEnabled: false });
  await page.goto(`${door.origin}/inner`);
  await askForCode(page, 'plainback@example.com');
  await enterCode(page, (await door.mailbox.next('plainback@example.com')).code);
  await reachesApp(page, '/inner');
  await page.goBack();
  await reachesApp(page, '/inner');
  assert.deepEqual(seen.dialogs, []);
  await context.close();
});

test('20 when one tab is let in, the other loads its own address', async () => {
  const { context, page: one } = await door.visit();
  const two = await context.newPage();
  await one.goto(`${door.origin}/one`);
  await two.goto(`${door.origin}/two?b=2`);
  await one.bringToFront();
  await askForCode(one, 'tabs@example.com');
  await enterCode(one, (await door.mailbox.next('tabs@example.com')).code);
  await reachesApp(one, '/one');
  await two.bringToFront();
  await two.locator('#path').filter({ hasText: '/two' }).waitFor({ timeout: 5_000 });
  assert.equal(two.url(), `${door.origin}/two?b=2`);
  assert.equal((await door.mailbox.to('tabs@example.com')).length, 1);
  await context.close();
});

for (const javaScriptEnabled of [true, false]) {
  test(`CCH-03 with scripts ${javaScriptEnabled ? 'on' : 'off'}, Back after the sign-out shows no page that the app wants kept by nobody`, async () => {
    const address = `left-${javaScriptEnabled}@example.com`;
    const { context, page } = await door.visit({ javaScriptEnabled });
    await enter(door, page, { url: '/private', address });
    await page.goto(`${door.origin}/.doorcode/signout`);
    await button(page, /Sign out/).click();
    await sees(page, /You.re signed out/);
    for (let steps = 0; steps < 3 && new URL(page.url()).pathname !== '/private'; steps++) await page.goBack();
    assert.equal(new URL(page.url()).pathname, '/private');
    await sees(page, 'Sign in to');
    assert.equal(await page.locator('#path').count(), 0);
    await context.close();
  });
}
