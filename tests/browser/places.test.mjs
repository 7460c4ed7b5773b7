// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Visitors who are somewhere else all of a sudden.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { looksRight } from './looks.mjs';
import { from, korea, lisbon, lisbonToo, move, openPlacedDoor, tokyo } from './places.mjs';
import { enter, enterCode, reachesApp, says, sees } from './screens.mjs';

let door, local;
before(async () => {
  door = await openPlacedDoor();
  local = await openPlacedDoor({ lines: ['countries PT'] });
});
after(async () => {
  await door?.close();
  await local?.close();
});

// call is what an app's own script gets from an address of its site.
const call = (page, url) => page.evaluate(async (target) => {
  const response = await fetch(target);
  const type = response.headers.get('Content-Type');
  return { status: response.status, type, challenge: response.headers.get('WWW-Authenticate'), body: await response.json() };
}, url);

test('46 from Lisbon to Tokyo in the middle of a page: its script is told, and goes on after the code', async () => {
  const address = 'traveller@example.com';
  const { context, page, seen } = await door.visit(from(lisbon));
  await enter(door, page, { url: '/desk', address });
  assert.equal((await call(page, '/json/a')).status, 200);
  await move(context, lisbonToo);
  assert.equal((await call(page, '/json/b')).status, 200, 'another network in the usual area costs nothing');

  await move(context, tokyo);
  const asked = await call(page, '/json/c');
  assert.equal(asked.status, 401);
  assert.equal(asked.type, 'application/problem+json');
  assert.match(asked.challenge, /^Doorcode .*reason="travel"/);
  assert.equal(asked.body.reason, 'travel');
  assert.equal(door.app.requests.some(({ url }) => url === '/json/c'), false);

  // As the documentation tells apps to begin a check.
  const opened = context.waitForEvent('page');
  await page.evaluate((begin) => {
    globalThis.heard = [];
    new BroadcastChannel('doorcode').onmessage = ({ data }) => globalThis.heard.push(data);
    const form = Object.assign(document.createElement('form'), { method: 'post', action: begin, target: '_blank' });
    document.body.append(form);
    form.submit();
  }, asked.body.begin);
  const check = await opened;
  await sees(check, /Confirm it.s you/);
  await enterCode(check, (await door.mailbox.next(address)).code);
  await reachesApp(check, '/desk');
  assert.equal(await check.locator('#method').textContent(), 'GET');
  assert.deepEqual(await page.evaluate(() => globalThis.heard), ['verified']);
  assert.equal((await call(page, '/json/d')).status, 200);
  assert.deepEqual(seen.complaints, []);
  await context.close();
});

const abroad = [
  { where: 'Tokyo', ip: tokyo, why: /You signed in far from here a short time ago\./, place: /near Tokyo, Japan/ },
  { where: 'Korea', ip: korea, why: /a place you don.t usually use \(South Korea\)\./, place: /South Korea/ },
];
for (const { where, ip, why, place } of abroad) {
  test(`46 from Lisbon to ${where} between two pages: the check says where, and afterwards neither place is asked`, async () => {
    const address = `${where.toLowerCase()}@example.com`;
    const visitor = await door.visit(from(lisbon));
    const { context, page } = visitor;
    await enter(door, page, { url: '/desk', address, remember: true });
    await move(context, ip);
    const there = `${door.origin}/desk?page=2#row-7`;
    const response = await page.goto(there);
    assert.equal(response.status(), 401);
    await sees(page, /Confirm it.s you/);
    await says(page, `${address[0]}••@example.com`);
    await page.getByText('Why am I seeing this?').click();
    await says(page, why);
    await says(page, place);
    if (ip === tokyo) await looksRight(visitor, '[2] from another place');
    const mail = await door.mailbox.next(address);
    assert.match(mail.text, /a place you don.t usually use/);
    assert.match(mail.text, place);
    await enterCode(page, mail.code);
    await reachesApp(page, '/desk');
    assert.equal(page.url(), there);

    for (const [now, path] of [[lisbon, '/home'], [ip, '/there'], [lisbonToo, '/back']]) {
      await move(context, now);
      await page.goto(door.origin + path);
      await reachesApp(page, path);
      assert.equal((await call(page, '/json/e')).status, 200);
    }
    assert.equal((await door.mailbox.to(address)).filter(({ code }) => code).length, 2);
    await context.close();
  });
}

test('6c where nobody is let in from, the page says so and offers nothing', async () => {
  const visitor = await local.visit(from(tokyo));
  const response = await visitor.page.goto(local.origin);
  assert.equal(response.status(), 403);
  await sees(visitor.page, 'Not available here');
  await says(visitor.page, /Sign-in to Example isn.t available from where you are \(network in Japan\)\./);
  assert.equal(await visitor.page.locator('form, input').count(), 0);
  await looksRight(visitor, '[6c]');
  await move(visitor.context, lisbon);
  await visitor.page.goto(local.origin);
  await sees(visitor.page, 'Sign in to Example');
  await visitor.context.close();
});
