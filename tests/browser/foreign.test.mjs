// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Forms that were not sent: from another site, and from our own without a session.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { html, serve } from './app.mjs';
import { openDoor } from './door.mjs';
import { askForCode, enter, enterCode, reachesApp, says } from './screens.mjs';

let door, elsewhere;
before(async () => {
  door = await openDoor({ lines: ['public /outside'] });
  elsewhere = await serve({
    '/': html('Elsewhere', `<form method="post" action="${door.origin}/acs"><input type="hidden" name="pay" value="all"><button>Go on</button></form>`),
  });
});
after(async () => {
  await elsewhere?.stop();
  await door?.close();
});

// postFromElsewhere sends the other site's form, as a page load, and returns the answer.
async function postFromElsewhere(page) {
  await page.goto(`http://127.0.0.1:${elsewhere.port}/`);
  const answer = page.waitForResponse((response) => response.url() === `${door.origin}/acs`);
  await page.getByRole('button', { name: 'Go on' }).click();
  return answer;
}

const posts = () => door.app.requests.filter(({ method }) => method === 'POST');

for (const signedIn of [false, true]) {
  test(`D36 a form from another site is not sent ${signedIn ? 'with' : 'without'} a session: no form, no cookie, no mail`, async () => {
    const { context, page } = await door.visit();
    if (signedIn) await enter(door, page, { address: 'abroad@example.com' });
    const cookies = (await context.cookies()).length;
    const answer = await postFromElsewhere(page);
    assert.equal(answer.status(), 401);
    assert.equal((await answer.allHeaders())['set-cookie'], undefined);
    await says(page, /Your form wasn.t sent/);
    assert.equal(await page.locator('form, input').count(), 0);
    assert.equal((await context.cookies()).length, cookies);
    assert.equal((await door.mailbox.to('abroad@example.com')).length, signedIn ? 1 : 0);
    assert.deepEqual(posts(), []);
    await context.close();
  });
}

test('D36 that page stays as it is when another tab is let in, and never sends the form again', async () => {
  const { context, page: foreign, seen } = await door.visit();
  await postFromElsewhere(foreign);
  const before = seen.requests.length;

  const waiting = await context.newPage();
  await waiting.goto(`${door.origin}/waiting`);
  const entering = await context.newPage();
  await enter(door, entering, { url: '/entering', address: 'tab@example.com' });
  // The page that answered a GET has heard of it, so the other one has too.
  await reachesApp(waiting, '/waiting');
  await foreign.bringToFront();
  await says(foreign, /Your form wasn.t sent/);
  assert.equal(seen.requests.length, before);

  await foreign.reload();
  assert.deepEqual(posts(), []);
  await context.close();
});

test('D36 its link leads to the address by GET', async () => {
  const { context, page } = await door.visit();
  await enter(door, page, { address: 'link@example.com' });
  await postFromElsewhere(page);
  await page.getByRole('link').first().click();
  await reachesApp(page, '/acs');
  assert.equal(await page.locator('#method').textContent(), 'GET');
  assert.deepEqual(posts(), []);
  await context.close();
});

test('D36 a form of our own without a session is not sent, is said not to be, and the code leads on by GET', async () => {
  const { context, page, seen } = await door.visit();
  await page.goto(`${door.origin}/outside`);
  await page.getByRole('button', { name: 'Save' }).click();
  await says(page, /Your form wasn.t sent\. After the check, press Back and send it again\./);
  await askForCode(page, 'own@example.com');
  await enterCode(page, (await door.mailbox.next('own@example.com')).code);
  await reachesApp(page, '/form');
  assert.equal(await page.locator('#method').textContent(), 'GET');
  assert.deepEqual(seen.dialogs, []);
  assert.deepEqual(posts(), []);
  await context.close();
});
