// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// The whole way with scripts off, to the sign-out and back.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessibleCopy as accessible } from './axe.mjs';
import { openDoor } from './door.mjs';
import { askForCode, button, codeField, emailField, enter, enterCode, reachesApp, says, sees, wrongCodes } from './screens.mjs';

let door;
before(async () => { door = await openDoor(); });
after(() => door?.close());

test('24 with scripts off everything works, from the address to the sign-out', async () => {
  const { context, page } = await door.visit({ javaScriptEnabled: false });
  await page.goto(`${door.origin}/plain`);
  await accessible(page, '[1]');
  await button(page, 'Send code').click();
  await says(page, 'Enter your email address.');
  await accessible(page, '[1] with an error');
  await emailField(page).fill('not an address');
  await button(page, 'Send code').click();
  await says(page, 'Enter an email address like name@example.com.');

  await askForCode(page, 'plain@example.com');
  await accessible(page, '[2]');
  const { code } = await door.mailbox.next('plain@example.com');
  await enterCode(page, wrongCodes(code, 1)[0]);
  await says(page, 'You have 4 tries left');
  assert.match(await page.title(), /^Error: /);
  assert.equal(await codeField(page).getAttribute('aria-invalid'), 'true');
  await enterCode(page, `${code.slice(0, 3)} ${code.slice(3)}`);
  await reachesApp(page, '/plain');

  await page.goto(`${door.origin}/.doorcode/signout`);
  await accessible(page, 'the sign-out page');
  await page.goto(`${door.origin}/still`);
  await reachesApp(page, '/still');
  await page.goto(`${door.origin}/.doorcode/signout`);
  await button(page, /Sign out/).click();
  await sees(page, /You.re signed out/);
  await accessible(page, '[9]');
  await page.goto(`${door.origin}/plain`);
  await sees(page, 'Sign in to Example');
  await context.close();
});

test('24 a remembered browser is forgotten at sign-out when asked to', async () => {
  const { context, page } = await door.visit({ javaScriptEnabled: false });
  await enter(door, page, { address: 'forget@example.com', remember: true });
  await page.goto(`${door.origin}/.doorcode/signout`);
  await page.getByLabel('Also forget this browser').check();
  await button(page, /Sign out/).click();
  await sees(page, /You.re signed out/);
  assert.deepEqual((await context.cookies()).map(({ name }) => name).filter((name) => !name.endsWith('-flow')), []);
  await page.goto(door.origin);
  await sees(page, 'Sign in to Example');
  await context.close();
});

test('42 a likely typo is a suggestion, whether or not the address is on the list', async () => {
  for (const domain of ['gmial.com', 'hotnail.com']) {
    const { context, page } = await door.visit({ javaScriptEnabled: false });
    await page.goto(door.origin);
    await emailField(page).fill(`ana@${domain}`);
    await button(page, 'Send code').click();
    await says(page, /Did you mean/);
    await accessible(page, '[1] with a suggestion');
    await context.close();
  }
});
