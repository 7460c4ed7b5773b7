// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Browsers that keep nothing, something, or everything.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessibleCopy } from './axe.mjs';
import { launchProfile, newProfile, watch } from './chromium.mjs';
import { openDoor } from './door.mjs';
import { button, emailField, enter, heading, reachesApp, sees } from './screens.mjs';

const session = 'doorcode'; // the bare name: loopback http

let door;
before(async () => { door = await openDoor({ browser: false }); });
after(() => door?.close());

for (const javaScriptEnabled of [true, false]) {
  test(`25 with cookies off and scripts ${javaScriptEnabled ? 'on' : 'off'} the page says so, once`, async () => {
    const profile = await newProfile({ cookies: false });
    const context = await launchProfile(profile.folder, { javaScriptEnabled });
    const page = await context.newPage();
    const seen = watch(page);
    await page.goto(door.origin);
    await emailField(page).fill('blocked@example.com');
    await button(page, 'Send code').click();
    await sees(page, 'Your browser is blocking cookies');
    assert.equal(await heading(page).count(), 1);
    await accessibleCopy(page, '[10]');
    assert.ok(seen.requests.length < 8, JSON.stringify(seen.requests));
    assert.deepEqual(await door.mailbox.to('blocked@example.com'), []);
    await context.close();
    await profile.remove();
  });
}

for (const remember of [false, true]) {
  test(`39 after a restart and the end of the session a browser that was ${remember ? '' : 'not '}remembered is ${remember ? 'let in' : 'asked'}`, async () => {
    const address = `restart-${remember}@example.com`;
    const profile = await newProfile();
    const before = await launchProfile(profile.folder);
    await enter(door, await before.newPage(), { address, remember });
    await before.close();

    const later = await launchProfile(profile.folder);
    await later.clearCookies({ name: session });
    const page = await later.newPage();
    await page.goto(`${door.origin}/later`);
    if (remember) await reachesApp(page, '/later');
    else await sees(page, 'Sign in to Example');
    assert.equal((await door.mailbox.to(address)).length, 1);
    await later.close();
    await profile.remove();
  });
}

test('39 the remember box is not ticked beforehand', async () => {
  const profile = await newProfile();
  const context = await launchProfile(profile.folder);
  const page = await context.newPage();
  await enter(door, page, { address: 'unticked@example.com' });
  const long = (await context.cookies()).filter(({ name, expires }) => name === 'doorcode-device' && expires * 1000 > Date.now() + 86_400_000);
  assert.deepEqual(long, []);
  await context.close();
  await profile.remove();
});
