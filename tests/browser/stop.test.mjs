// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// "This wasn't me": the one link in a mail, which can only end things.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask } from './caddy.mjs';
import { looksRight } from './looks.mjs';
import { from, lisbon, openPlacedDoor, tokyo } from './places.mjs';
import { askForCode, button, codeField, enter, enterCode, reachesApp, says, sees } from './screens.mjs';

const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

let door;
before(async () => { door = await openPlacedDoor({ lines: ['limits {', '\tsend_address 50/1h', '}'] }); });
after(() => door?.close());

// askedFrom is a visitor who has a code sent to somebody.
async function askedFrom(ip, address) {
  const visitor = await door.visit({ ...from(ip), userAgent: chrome });
  await visitor.page.goto(`${door.origin}/private`);
  await askForCode(visitor.page, address);
  return visitor;
}

// scan does what a mail scanner with a browser does: it opens a page, lets its
// scripts run, and follows every link.
async function scan(url) {
  const { context, page } = await door.visit();
  await page.goto(url, { waitUntil: 'networkidle' });
  const links = await page.locator('a').evaluateAll((all) => all.map(({ href }) => href));
  for (const link of links) await page.goto(link, { waitUntil: 'networkidle' });
  await context.close();
  return links;
}

test('23 82 a scanner that runs scripts and follows links stops nothing, however often', async () => {
  const address = 'scanned@example.com';
  const { context, page } = await askedFrom(lisbon, address);
  const mail = await door.mailbox.next(address);
  assert.ok(mail.stop.startsWith(`${door.origin}/.doorcode/no/`), mail.stop);
  assert.deepEqual(await scan(mail.stop), [`${door.origin}/`]);
  for (let i = 0; i < 20; i++) {
    for (const method of ['GET', 'HEAD']) assert.equal((await ask(mail.stop, { method })).status, 200);
  }
  await enterCode(page, mail.code);
  await reachesApp(page, '/private');
  await context.close();
});

for (const javaScriptEnabled of [true, false]) {
  test(`82 with scripts ${javaScriptEnabled ? 'on' : 'off'} the button stops the sign-in, in another browser than the one that asked`, async () => {
    const address = `stopped-${javaScriptEnabled}@example.com`;
    const { context, page: thief } = await askedFrom(tokyo, address);
    const mail = await door.mailbox.next(address);
    const owner = await door.visit({ ...from(lisbon), javaScriptEnabled });
    const looked = javaScriptEnabled ? looksRight : () => {};
    const response = await owner.page.goto(mail.stop);
    assert.equal(response.status(), 200);
    assert.equal((await response.allHeaders())['referrer-policy'], 'strict-origin');
    await sees(owner.page, 'Stop this sign-in?');
    await says(owner.page, /near Tokyo, Japan \(approximate\)/);
    await says(owner.page, 'Chrome on Linux');
    await looked(owner, '[7]');
    await button(owner.page, 'Yes, stop it').click();
    await sees(owner.page, 'Stopped');
    await says(owner.page, 'The code no longer works. Nobody can ask for a code for you from that network for an hour.');
    assert.equal(await owner.page.locator('form').count(), 0, 'a browser that nobody knows cannot take it back');
    await looked(owner, '[7] stopped');
    assert.deepEqual(await owner.context.cookies(), []);

    await enterCode(thief, mail.code);
    await says(thief, /This code has expired|That code isn.t right/);
    assert.ok(await codeField(thief).isVisible());

    assert.equal((await owner.page.goto(mail.stop)).status(), 410);
    await sees(owner.page, 'This link no longer works');
    await looked(owner, '[7] over');
    await owner.context.close();
    await context.close();
  });
}

test('82 what was stopped by mistake is undone from a remembered browser', async () => {
  const address = 'mistake@example.com';
  const owner = await door.visit(from(lisbon));
  await enter(door, owner.page, { url: '/private', address, remember: true });
  const { context } = await askedFrom(tokyo, address);
  const mail = await door.mailbox.next(address);
  const stranger = await door.visit();
  await stranger.page.goto(mail.stop);
  await button(stranger.page, 'Yes, stop it').click();
  await sees(stranger.page, 'Stopped');
  await stranger.context.close();

  const refused = await door.visit(from(tokyo));
  await refused.page.goto(`${door.origin}/private`);
  await askForCode(refused.page, address);
  const before = (await door.mailbox.to(address)).length;

  await owner.page.goto(mail.stop);
  await sees(owner.page, 'Stopped');
  await looksRight(owner, '[7] stopped, in a remembered browser');
  await button(owner.page, 'I pressed this by mistake').click();
  await sees(owner.page, 'Undone');
  await says(owner.page, 'Codes for you can be asked for from that network again.');
  await looksRight(owner, '[7] undone');

  const again = await door.visit(from(tokyo));
  await again.page.goto(`${door.origin}/private`);
  await askForCode(again.page, address);
  const { code } = await door.mailbox.next(address);
  assert.equal((await door.mailbox.to(address)).length, before + 1, 'while it was blocked no mail was sent');
  await enterCode(again.page, code);
  await reachesApp(again.page, '/private');
  for (const visitor of [refused, again, owner]) await visitor.context.close();
  await context.close();
});

test('82 from the mail about a new browser the intruder is signed out', async () => {
  const address = 'intruded@example.com';
  const owner = await door.visit(from(lisbon));
  await enter(door, owner.page, { url: '/private', address, remember: true });
  const intruder = await door.visit({ ...from(tokyo), userAgent: chrome });
  await enter(door, intruder.page, { url: '/private', address, remember: true });
  const mail = await door.mailbox.notice(address);
  assert.equal(mail.subject, 'New sign-in to Example: Chrome on Linux');
  assert.deepEqual(await scan(mail.stop), [`${door.origin}/`]);
  await intruder.page.goto(`${door.origin}/private`);
  await reachesApp(intruder.page, '/private');

  await owner.page.goto(mail.stop);
  await sees(owner.page, 'Sign that browser out?');
  await says(owner.page, /near Tokyo, Japan/);
  await looksRight(owner, '[7] of a browser');
  await button(owner.page, 'Yes, sign it out').click();
  await sees(owner.page, 'Stopped');
  await says(owner.page, /That browser is signed out and forgotten\./);
  await looksRight(owner, '[7] a browser stopped');

  await intruder.page.goto(`${door.origin}/private`);
  await sees(intruder.page, 'Sign in to Example');
  await owner.page.goto(`${door.origin}/private`);
  await reachesApp(owner.page, '/private');
  await owner.context.close();
  await intruder.context.close();
});
