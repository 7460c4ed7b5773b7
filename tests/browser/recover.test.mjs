// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Getting in when the mail does not come: a backup code, an authenticator app, a
// second address.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { accessibleCopy } from './axe.mjs';
import { paste } from './chromium.mjs';
import { openDoor } from './door.mjs';
import { looksRight, scrollsSideways } from './looks.mjs';
import { askForCode, button, enter, enterCode, reachesApp, rememberBox, says, sees, wrongCodes } from './screens.mjs';

let door;
before(async () => {
  door = await openDoor({
    lines: ['sensitive /admin/*', 'session {', '\tmax 1', '}', 'limits {', '\ttry_address 9/1h', '}'],
    files: { '/form': { type: 'text/html; charset=utf-8', body: '<!doctype html><title>Form</title><p id="path">/form</p><form method="post" action="/save"><input name="a" value="b"><button>Save</button></form>' } },
  });
});
after(() => door?.close());

const backupField = (page) => page.getByLabel('Backup code');
const wrongBackup = 'ABCD-EFGH-JKMN-PQRS';

// enterBackup types a backup code, without the event that a paste makes.
async function enterBackup(page, code) {
  await backupField(page).fill('');
  await backupField(page).pressSequentially(code);
  await button(page, 'Continue').click();
}

// shown is what an authenticator app shows now, or some steps later (RFC 6238).
function shown(key, later = 0) {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...key.replaceAll(' ', '')].map((letter) => letters.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const secret = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + later));
  const mac = createHmac('sha1', secret).update(step).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

// confirms enters the code for a change, which goes to an address.
async function confirms(page, address) {
  await sees(page, /Confirm it.s you|Check your second mailbox/);
  await enterCode(page, (await door.mailbox.next(address)).code);
}

// backupCodes signs a new person in and makes their codes.
async function backupCodes(address) {
  const { context, page } = await door.visit();
  await enter(door, page, { address });
  await page.goto(`${door.origin}/.doorcode/backup-codes`);
  await button(page, 'Create 10 backup codes').click();
  await says(page, /To make new backup codes, enter the code that we sent to/);
  await confirms(page, address);
  await button(page, 'Create backup codes').click();
  await sees(page, 'Save your backup codes');
  const codes = await page.locator('#codes li').allTextContents();
  return { context, page, codes: codes.map((code) => code.trim()) };
}

// authenticator sets up an app and returns its key.
async function authenticator(page, address) {
  await page.goto(`${door.origin}/.doorcode/ways`);
  await button(page, 'Set up an app').click();
  await confirms(page, address);
  await button(page, 'Show the QR code').click();
  const key = await page.locator('code.key').textContent();
  await page.getByLabel('Code from the app').fill(shown(key));
  await button(page, 'Finish').click();
  await sees(page, 'Your authenticator app is set up');
  return key;
}

async function secondAddress(page, address, second) {
  await page.goto(`${door.origin}/.doorcode/ways`);
  await page.getByLabel('Second email address').fill(second);
  await button(page, 'Add this address').click();
  await confirms(page, address);
  await button(page, 'Send code').click();
  await says(page, `To use this second address, enter the code that we sent to ${second}.`);
  await confirms(page, second);
  await button(page, 'Use this address').click();
  await sees(page, 'Your second address is added');
}

// atDoor opens a browser that has asked for a code.
async function atDoor(address, { settings, url = '/in?a=1#b' } = {}) {
  const visit = await door.visit(settings);
  await visit.page.goto(door.origin + url);
  await askForCode(visit.page, address);
  return visit;
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with scripts' : 'without scripts';
  const look = (visit, screen) => (javaScriptEnabled ? looksRight(visit, screen) : accessibleCopy(visit.page, screen));

  test(`89 ${how} a backup code lets in where no mail comes, once`, async () => {
    const address = `backup-${javaScriptEnabled}@example.com`;
    const own = await backupCodes(address);
    assert.equal(own.codes.length, 10);
    for (const code of own.codes) assert.match(code, /^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
    await own.context.close();

    const visit = await atDoor(address, { settings: { javaScriptEnabled } });
    const { context, page } = visit;
    await button(page, 'Use a backup code').click();
    await sees(page, 'Use a backup code');
    await says(page, 'One of the codes you printed or saved. Each works once.');
    assert.ok(await rememberBox(page).isVisible());
    await look(visit, '[3]');
    await enterBackup(page, wrongBackup);
    await says(page, /That backup code isn.t right or was already used\./);
    assert.match(await page.title(), /^Error: /);
    assert.equal(await backupField(page).inputValue(), wrongBackup);
    await look(visit, '[3] with an error');
    const [code] = own.codes;
    await enterBackup(page, code.toLowerCase().replaceAll('-', ' '));
    await reachesApp(page, '/in');
    assert.equal(page.url(), `${door.origin}/in?a=1${javaScriptEnabled ? '#b' : ''}`);
    await context.close();

    const again = await atDoor(address, { settings: { javaScriptEnabled } });
    await button(again.page, 'Use a backup code').click();
    await enterBackup(again.page, code);
    await says(again.page, /isn.t right or was already used/);
    await button(again.page, 'Use an emailed code instead').click();
    await sees(again.page, 'Check your email');
    await again.context.close();
  });

  test(`92 ${how} the list of ways leads to an app and to a second address`, async () => {
    const address = `ways-${javaScriptEnabled}@example.com`;
    const second = `second-${javaScriptEnabled}@example.com`;
    const { context: owner, page: own } = await door.visit();
    await enter(door, own, { address });
    const key = await authenticator(own, address);
    await secondAddress(own, address, second);
    await owner.close();

    const visit = await atDoor(address, { settings: { javaScriptEnabled } });
    const { context, page } = visit;
    await button(page, 'Try another way').click();
    await sees(page, 'Try another way');
    await look(visit, '[5]');
    await button(page, 'Use your authenticator app').click();
    await sees(page, 'Use your authenticator app');
    await says(page, 'The 6 digits that the app shows now.');
    await look(visit, '[5] app');
    await enterCode(page, wrongCodes(shown(key), 1)[0]);
    await says(page, /That code isn.t right or was already used\. Enter the numbers that the app shows now\./);
    await look(visit, '[5] app with an error');
    await button(page, 'Try another way').click();
    await sees(page, 'Try another way');
    await button(page, 'Send the code to my second address').click();
    await says(page, 'If you have a second address, a 6-digit code is on its way there.');
    assert.doesNotMatch(await page.content(), /second-(true|false)@/);
    await look(visit, '[5] second address');
    await enterCode(page, (await door.mailbox.next(second)).code);
    await reachesApp(page, '/in');
    await context.close();
  });

  test(`8 ${how} a form that is held goes along to another way`, async () => {
    const address = `along-${javaScriptEnabled}@example.com`;
    const own = await backupCodes(address);
    const visit = await door.visit({ javaScriptEnabled });
    const { page } = visit;
    await enter(door, page, { address });
    await page.goto(`${door.origin}/form`);
    const other = await door.visit();
    await enter(door, other.page, { address }); // there is only one session for each person here
    await other.context.close();
    await button(page, 'Save').click();
    await askForCode(page, address);
    await button(page, 'Use a backup code').click();
    await sees(page, 'Use a backup code');
    await says(page, /Your form wasn.t sent yet\. Enter the code and you can send it\./);
    await look(visit, '[3] with a held form');
    await enterBackup(page, own.codes[1]);
    await sees(page, 'Send your form now?');
    await button(page, 'Send it').click();
    await reachesApp(page, '/save');
    await visit.context.close();
    await own.context.close();
  });
}

test('a backup code that is pasted as a whole is sent by itself', async () => {
  const address = 'pasted@example.com';
  const own = await backupCodes(address);
  const { context, page } = await atDoor(address);
  await button(page, 'Use a backup code').click();
  await sees(page, 'Use a backup code');
  await paste(page, backupField(page), own.codes[2]);
  await reachesApp(page, '/in');
  await context.close();
  await own.context.close();
});

test('another tab that waits for the mailed code goes on when this one got in by a backup code', async () => {
  const address = 'tabs@example.com';
  const own = await backupCodes(address);
  const { context, page } = await atDoor(address);
  const waiting = await context.newPage();
  await waiting.goto(`${door.origin}/waiting`);
  await sees(waiting, 'Check your email');
  await button(page, 'Use a backup code').click();
  await sees(page, 'Use a backup code');
  await enterBackup(page, own.codes[3]);
  await reachesApp(page, '/in');
  await reachesApp(waiting, '/waiting');
  await context.close();
  await own.context.close();
});

test('by keyboard alone a person comes from the mail to a backup code and in', async () => {
  const address = 'keys@example.com';
  const own = await backupCodes(address);
  const { context, page } = await atDoor(address);
  for (let n = 0; n < 20 && await page.evaluate(() => document.activeElement.value) !== 'backup'; n++) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await sees(page, 'Use a backup code');
  await page.keyboard.type(own.codes[4]);
  await page.keyboard.press('Enter');
  await reachesApp(page, '/in');
  await context.close();
  await own.context.close();
});

test('wrong codes of every way end in one lock, which offers none', async () => {
  const visit = await atDoor('locked@example.com');
  const { context, page } = visit;
  await button(page, 'Use a backup code').click();
  await sees(page, 'Use a backup code');
  for (let n = 0; n < 9; n++) {
    const answered = page.waitForResponse((response) => response.url().endsWith('/backup'));
    await enterBackup(page, `ABCD-EFGH-JKMN-PQR${n}`);
    await answered;
    if (n < 8) await says(page, /isn.t right or was already used/);
  }
  await sees(page, /Try again at/);
  await says(page, 'No other way in works until then, either.');
  assert.equal(await page.locator('[name=way]').count(), 0);
  await looksRight(visit, '[2L] after backup codes');
  await context.close();
});

test('a sensitive page takes the app and nothing that is for a lost mailbox', async () => {
  const address = 'admin@example.com';
  const visit = await door.visit();
  const { context, page } = visit;
  await enter(door, page, { address, remember: true });
  const key = await authenticator(page, address);
  await context.clearCookies({ name: 'doorcode' }); // the browser's next session is not fresh
  await page.goto(`${door.origin}/admin/keys`);
  await sees(page, /Confirm it.s you/);
  assert.deepEqual(await page.locator('[name=way]').allTextContents(), ['Use your authenticator app']);
  await button(page, 'Use your authenticator app').click();
  await sees(page, 'Use your authenticator app');
  await looksRight(visit, '[5] app on a sensitive page');
  await enterCode(page, shown(key, 1)); // the last one is used
  await reachesApp(page, '/admin/keys');
  await context.close();
});

test('320 px is wide enough for a backup code, and for the buttons under the code', async () => {
  const { context, page } = await atDoor('narrow@example.com', { settings: { viewport: { width: 320, height: 640 } } });
  assert.equal(await scrollsSideways(page), false);
  await button(page, 'Use a backup code').click();
  await sees(page, 'Use a backup code');
  await backupField(page).pressSequentially(wrongBackup);
  assert.equal(await scrollsSideways(page), false);
  const hidden = await backupField(page).evaluate((field) => field.scrollWidth > field.clientWidth);
  assert.equal(hidden, false, 'a part of the code cannot be seen');
  const small = await page.locator('button:visible').evaluateAll((list) => list.map((each) => each.getBoundingClientRect()).filter(({ width, height }) => width < 24 || height < 24).length);
  assert.equal(small, 0, 'a target is smaller than 24 px');
  await context.close();
});
