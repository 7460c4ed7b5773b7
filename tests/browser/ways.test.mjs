// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// The account pages of backup codes, of the authenticator app and of the second
// address, and what they are good for at the door.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { accessibleCopy } from './axe.mjs';
import { openDoor } from './door.mjs';
import { looksRight, picture } from './looks.mjs';
import { askForCode, button, codeField, enter, enterCode, reachesApp, says, sees, wrongCodes } from './screens.mjs';

let door;
before(async () => { door = await openDoor(); });
after(() => door?.close());

const account = (page, name) => page.goto(`${door.origin}/.doorcode/${name}`);
const link = (page, name) => page.getByRole('link', { name });
const appField = (page) => page.getByLabel('Code from the app');
const backupField = (page) => page.getByLabel('Backup code');
const shown = (page) => page.locator('#codes code').allTextContents();

// visitor signs in, in a browser of its own.
async function visitor(address, settings) {
  const opened = await door.visit(settings);
  await enter(door, opened.page, { address });
  return opened;
}

// confirm enters the code that was mailed for a change, and returns its mail.
async function confirm(page, address) {
  await sees(page, /Confirm it.s you|Check your second mailbox/);
  const mail = await door.mailbox.next(address);
  await enterCode(page, mail.code);
  return mail;
}

// totp is what an authenticator app shows for a key (RFC 6238).
function totp(key, at = Date.now()) {
  const bits = [...key.replace(/\s/g, '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const secret = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const mac = createHmac('sha1', secret).update(counter).digest();
  const number = mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

// makeCodes makes backup codes and leaves the page that shows them.
async function makeCodes(page, address) {
  await account(page, 'backup-codes');
  await button(page, /Create 10 backup codes|Make new codes/).click();
  await confirm(page, address);
  await button(page, /Create backup codes|Make new codes/).click();
  await sees(page, 'Save your backup codes');
  return shown(page);
}

// useBackupCode is a stranger at the door with a backup code.
async function useBackupCode(address, code, settings) {
  const opened = await door.visit(settings);
  await opened.page.goto(`${door.origin}/recovered`);
  await askForCode(opened.page, address);
  await door.mailbox.next(address); // lost, as far as this test goes
  await button(opened.page, 'Use a backup code').click();
  await sees(opened.page, 'Use a backup code');
  await enterBackupCode(opened.page, code);
  return opened;
}

// enterBackupCode types one: what is filled in as a whole is sent by itself.
async function enterBackupCode(page, code) {
  await backupField(page).fill('');
  await backupField(page).pressSequentially(code);
  await button(page, 'Continue').click();
}

test('89 91 backup codes need a code of their own, are shown once, printed on one page, copied and downloaded', async () => {
  const address = 'codes@example.com';
  const here = await visitor(address);
  const { context, page } = here;
  await account(page, 'backup-codes');
  await says(page, /You don.t have any backup codes/);
  await looksRight(here, 'backup codes none');
  await button(page, 'Create 10 backup codes').click();
  await sees(page, /Confirm it.s you/);
  await says(page, 'To make new backup codes');
  await looksRight(here, 'backup codes confirm code');
  const mail = await door.mailbox.next(address);
  assert.match(mail.text, /backup codes/, 'the mail names the change');
  assert.ok(!mail.subject.includes(mail.code), 'the code is not in the subject');
  await enterCode(page, mail.code);
  await sees(page, 'Create 10 backup codes?');
  await looksRight(here, 'backup codes question');
  await button(page, 'Create backup codes').click();
  await sees(page, 'Save your backup codes');
  const codes = await shown(page);
  assert.equal(new Set(codes).size, 10);
  await looksRight(here, 'backup codes made');

  await onPaper(page, codes);
  await page.evaluate(() => { window.print = () => { document.body.dataset.printed = 'yes'; }; });
  await button(page, 'Print').click();
  assert.equal(await page.locator('body').getAttribute('data-printed'), 'yes');
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await button(page, 'Copy').click();
  await button(page, 'Copied.').waitFor();
  assert.deepEqual((await page.evaluate(() => navigator.clipboard.readText())).trim().split(/\s+/), codes);
  await downloads(page, codes);

  await page.reload(); // which sends the form once more
  await sees(page, 'Backup codes');
  await says(page, /10 of 10\s+left/);
  await looksRight(here, 'backup codes left');
  const content = await page.content();
  assert.deepEqual(codes.filter((code) => content.includes(code)), [], 'codes that are shown again');

  const again = await makeCodes(page, address);
  await link(page, 'I saved these codes').click();
  await says(page, /10 of 10\s+left/);
  const late = await useBackupCode(address, codes[0]);
  await says(late.page, /That backup code isn.t right or was already used/);
  await enterBackupCode(late.page, again[0].toLowerCase().replaceAll('-', ' '));
  await reachesApp(late.page, '/recovered');
  await account(page, 'backup-codes');
  await says(page, /9 of 10\s+left/);
  await late.context.close();
  const twice = await useBackupCode(address, again[0]);
  await says(twice.page, /That backup code isn.t right or was already used/);
  await twice.context.close();
  await context.close();
});

// onPaper looks at what a printer gets.
async function onPaper(page, codes) {
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  const words = (await page.locator('body').innerText()).split(/\s+/).filter(Boolean);
  assert.deepEqual(words.filter((word) => /^\w{4}(-\w{4}){3}$/.test(word)), codes);
  for (const name of ['Print', 'Copy', 'Overview', 'Contact']) assert.ok(!words.includes(name), `${name} is printed`);
  for (const text of ['Backup codes for Example', 'codes@example.com', 'localhost', String(new Date().getFullYear())]) {
    assert.ok((await page.locator('.sheet').innerText()).includes(text), `${text} is not printed`);
  }
  await picture(page, 'backup codes print');
  await page.emulateMedia({ media: null, colorScheme: 'light' });
  for (const format of ['A4', 'Letter', 'A5']) {
    const pdf = (await page.pdf({ format })).toString('latin1');
    assert.equal(pdf.match(/\/Type\s*\/Page\b/g).length, 1, `pages on ${format}`);
  }
}

// downloads presses the button and reads the file.
async function downloads(page, codes) {
  const [download] = await Promise.all([page.waitForEvent('download'), button(page, 'Download as text').click()]);
  assert.equal(download.suggestedFilename(), 'doorcode-localhost-backup-codes.txt');
  const text = await readFile(await download.path(), 'utf8');
  assert.deepEqual(text.match(/\w{4}(?:-\w{4}){3}/g), codes);
  assert.match(text, /^Backup codes for Example$/m);
}

test('89 a code is tested without being used', async () => {
  const address = 'tested@example.com';
  const here = await visitor(address);
  const { context, page } = here;
  const codes = await makeCodes(page, address);
  await account(page, 'backup-codes');
  await button(page, 'Test a code').click();
  await confirm(page, address);
  await sees(page, 'Test a backup code');
  await backupField(page).fill(codes[3].toLowerCase());
  await button(page, 'Test this code').click();
  await says(page, /That.s one of your unused codes/);
  assert.equal(await backupField(page).inputValue(), '');
  await looksRight(here, 'backup code tested');
  await backupField(page).fill('7777-7777-7777-7777');
  await button(page, 'Test this code').click();
  await says(page, /That isn.t one of your unused codes/);
  await link(page, 'Back to backup codes').click();
  await says(page, /10 of 10\s+left/);
  await context.close();
});

test('91 an authenticator app is set up by its key, and signs in', async () => {
  const address = 'app@example.com';
  const here = await visitor(address);
  const { context, page } = here;
  await account(page, 'ways');
  await looksRight(here, 'ways none');
  await button(page, 'Set up an app').click();
  const mail = await confirm(page, address);
  assert.match(mail.text, /authenticator app/);
  await sees(page, 'Set up your authenticator app');
  await looksRight(here, 'authenticator app to show');
  await button(page, 'Show the QR code').click();
  await appField(page).waitFor();
  await looksRight(here, 'authenticator app');
  const size = await page.locator('img.qr').evaluate((image) => [image.complete, image.naturalWidth, image.naturalHeight]);
  assert.ok(size[0] && size[1] > 150 && size[1] === size[2], `the picture is ${size}`);
  const key = await page.locator('.key').innerText();
  await appField(page).fill(wrongCodes(totp(key), 1)[0]);
  await appField(page).press('Enter');
  await says(page, /That code isn.t right/);
  assert.equal(await page.locator('.key').innerText(), key, 'the same secret is shown again');
  assert.ok(await appField(page).evaluate((field) => field === document.activeElement), 'the field has the focus');
  await looksRight(here, 'authenticator app wrong');
  await appField(page).fill(totp(key));
  await button(page, 'Finish').click();
  await sees(page, 'Your authenticator app is set up');
  await looksRight(here, 'authenticator app done');
  await link(page, 'Back to other ways in').click();
  await says(page, 'Not used yet.');
  await looksRight(here, 'ways with an app');

  const stranger = await door.visit();
  await stranger.page.goto(`${door.origin}/byapp`);
  await askForCode(stranger.page, address);
  await door.mailbox.next(address);
  await button(stranger.page, 'Try another way').click();
  await button(stranger.page, 'Use your authenticator app').click();
  await sees(stranger.page, 'Use your authenticator app');
  // The step that set the app up has been used: the next one is within the drift.
  await enterCode(stranger.page, totp(key, Date.now() + 30_000));
  await reachesApp(stranger.page, '/byapp');
  await stranger.context.close();
  await account(page, 'ways');
  await says(page, 'Last used');

  await button(page, 'Remove the app').click();
  await confirm(page, address);
  await sees(page, 'Remove your authenticator app?');
  await looksRight(here, 'authenticator app remove');
  await button(page, 'Remove the app').click();
  await sees(page, 'Your authenticator app is removed');
  await context.close();
});

test('91 a second address is proved by a code, and gets one at the door', async () => {
  const address = 'first@example.com';
  const second = 'second@example.com';
  const here = await visitor(address);
  const { context, page } = here;
  await account(page, 'ways');
  const field = page.getByLabel('Second email address');
  await field.fill(address);
  await button(page, 'Add this address').click();
  await says(page, 'That is the mailbox you sign in with.');
  await looksRight(here, 'second address the first one');
  await field.fill(second);
  await button(page, 'Add this address').click();
  await confirm(page, address);
  await sees(page, 'Send a code to the new address?');
  await looksRight(here, 'second address send');
  await button(page, 'Send code').click();
  await says(page, second);
  await looksRight(here, 'second address code');
  await confirm(page, second);
  await sees(page, 'Use this second address?');
  await button(page, 'Use this address').click();
  await sees(page, 'Your second address is added');
  await link(page, 'Back to other ways in').click();
  await says(page, second);
  await looksRight(here, 'ways with a second address');

  const stranger = await door.visit();
  await stranger.page.goto(`${door.origin}/bysecond`);
  await askForCode(stranger.page, address);
  await button(stranger.page, 'Try another way').click();
  await button(stranger.page, 'Send the code to my second address').click();
  const mail = await door.mailbox.next(second);
  await sees(stranger.page, 'Check your second mailbox');
  assert.ok(!(await stranger.page.content()).includes(second), 'the page does not name the address');
  await enterCode(stranger.page, mail.code);
  await reachesApp(stranger.page, '/bysecond');
  await stranger.context.close();
  await context.close();
});

test('95 with scripts off backup codes are made, downloaded and used', async () => {
  const address = 'plaincodes@example.com';
  const off = { javaScriptEnabled: false };
  const { context, page } = await visitor(address, off);
  await account(page, 'backup-codes');
  await accessibleCopy(page, 'backup codes');
  const codes = await makeCodes(page, address);
  await accessibleCopy(page, 'backup codes made');
  assert.equal(await button(page, 'Print').count() + await button(page, 'Copy').count(), 0, 'what needs a script is not there');
  await downloads(page, codes);
  await link(page, 'I saved these codes').click();
  await says(page, /10 of 10\s+left/);
  const stranger = await useBackupCode(address, codes[9], off);
  await reachesApp(stranger.page, '/recovered');
  await stranger.context.close();
  await context.close();
});

test('95 with scripts off an app and a second address are set up', async () => {
  const address = 'plainways@example.com';
  const { context, page } = await visitor(address, { javaScriptEnabled: false });
  await account(page, 'ways');
  await button(page, 'Set up an app').click();
  await confirm(page, address);
  await button(page, 'Show the QR code').click();
  await accessibleCopy(page, 'authenticator app');
  const key = await page.locator('.key').innerText();
  await appField(page).fill(totp(key));
  await button(page, 'Finish').click();
  await sees(page, 'Your authenticator app is set up');
  await account(page, 'ways');
  await page.getByLabel('Second email address').fill('plain.second@example.com');
  await button(page, 'Add this address').click();
  await confirm(page, address);
  await button(page, 'Send code').click();
  await confirm(page, 'plain.second@example.com');
  await button(page, 'Use this address').click();
  await sees(page, 'Your second address is added');
  await account(page, 'ways');
  await accessibleCopy(page, 'ways');
  await context.close();
});

test('29 by keyboard alone codes are made, and the change is left again', async () => {
  const address = 'keys@example.com';
  const { context, page } = await visitor(address);
  await account(page, 'backup-codes');
  const press = async (name) => {
    for (let i = 0; i < 30; i++) {
      await page.keyboard.press('Tab');
      const { text, ring } = await page.evaluate(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        return { text: document.activeElement.textContent.trim(), ring: outlineStyle === 'none' ? 0 : parseFloat(outlineWidth) };
      });
      if (text !== name) continue;
      assert.ok(ring >= 3, `the focus on ${name} is ${ring} px`);
      return page.keyboard.press('Enter');
    }
    throw new Error(`Tab does not come to ${name}`);
  };
  const begin = async () => {
    await press('Create 10 backup codes');
    await codeField(page).waitFor();
    const { code } = await door.mailbox.next(address);
    await page.keyboard.type(code);
    await page.keyboard.press('Enter');
    await sees(page, 'Create 10 backup codes?');
  };
  await begin();
  await press('Cancel');
  await says(page, /You don.t have any backup codes/);
  await account(page, 'backup-codes');
  await says(page, /You don.t have any backup codes/);
  await begin();
  await press('Create backup codes');
  await sees(page, 'Save your backup codes');
  await press('I saved these codes');
  await says(page, /10 of 10\s+left/);
  await context.close();
});
