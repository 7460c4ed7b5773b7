// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Passkeys, with authenticators that Chromium makes of software (WebAuthn over CDP).

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { serve } from './app.mjs';
import { accessibleCopy } from './axe.mjs';
import { openDoor } from './door.mjs';
import { looksRight, picture } from './looks.mjs';
import { askForCode, button, codeField, emailField, enter, enterCode, reachesApp, rememberBox, says, sees } from './screens.mjs';

let door;
before(async () => { door = await openDoor({ lines: ['passkeys on', 'sensitive /delete'] }); });
after(() => door?.close());

const refused = /Your passkey wasn.t accepted\. Try again or use a code\./;
const unused = /No passkey was used\. Try again, or use a code\./;
const link = (page, name) => page.getByRole('link', { name });
const account = (page, at = door) => page.goto(`${at.origin}/.doorcode/passkeys`);
const use = (page) => button(page, 'Use a passkey');

// authenticator gives a page one, which says yes by itself unless told otherwise.
async function authenticator(page, options = {}) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
      automaticPresenceSimulation: true, ...options,
    },
  });
  return {
    keys: async () => (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    add: (credential) => cdp.send('WebAuthn.addCredential', { authenticatorId, credential }),
    verifies: (isUserVerified) => cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
    answers: (enabled) => cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled }),
    remove: () => cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId }),
  };
}

// signedIn is somebody with an authenticator, and without a passkey yet.
async function signedIn(address, at = door, settings) {
  const opened = await at.visit(settings);
  const key = await authenticator(opened.page);
  await enter(at, opened.page, { address });
  return { ...opened, key };
}

// confirm enters the code that was mailed for a change, and returns its mail: the next one,
// or one that came before.
async function confirm(page, address, at = door, had = null) {
  await sees(page, /Confirm it.s you/);
  const mail = had ?? await at.mailbox.next(address);
  await enterCode(page, mail.code);
  return mail;
}

// enrol makes a passkey with its own code.
async function enrol(page, address, name, at = door) {
  await account(page, at);
  return enrolHere(page, address, name, at);
}

// enrolHere does so on the page of passkeys that it is on.
async function enrolHere(page, address, name, at = door, had = null) {
  await button(page, 'Add a passkey').click();
  const mail = await confirm(page, address, at, had);
  await button(page, 'Continue').click();
  if (name) await page.getByLabel('Name').fill(name);
  await button(page, 'Add a passkey').click();
  await sees(page, 'Your passkey is added');
  return mail;
}

// stranger is a browser that the door does not know, with somebody's passkey.
async function stranger(key, options, at = door) {
  const opened = await at.visit();
  const own = await authenticator(opened.page, options);
  for (const credential of await key.keys()) await own.add(credential);
  return { ...opened, key: own };
}


test('91 92 a passkey is made with its own code, named, used, renamed and removed, and then refused', async () => {
  const address = 'ana@example.com';
  const here = await signedIn(address, door, { userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36' });
  const { page, key } = here;
  await page.goto(`${door.origin}/.doorcode/`);
  await says(page, 'No passkeys');
  await account(page);
  await says(page, /You don.t have any passkeys/);
  await looksRight(here, 'passkeys none');
  await button(page, 'Add a passkey').click();
  await sees(page, /Confirm it.s you/);
  await says(page, 'To add a passkey');
  await looksRight(here, 'passkey code');
  const mail = await confirm(page, address);
  assert.match(mail.text, /is your Example code to add a passkey/);
  await sees(page, 'Add a passkey');
  await looksRight(here, 'passkey to make');
  await button(page, 'Continue').click();
  const name = page.getByLabel('Name');
  assert.equal(await name.inputValue(), 'Chrome on Linux');
  await sees(page, 'Name your passkey');
  assert.ok(await button(page, 'Add a passkey').evaluate((it) => it === document.activeElement), 'the button has the focus');
  await looksRight(here, 'passkey making');
  await key.verifies(false);
  await button(page, 'Add a passkey').click();
  await says(page, /The passkey wasn.t added\. Try again\./);
  await looksRight(here, 'passkey not made');
  await key.verifies(true);
  await name.fill('Kitchen');
  await name.press('Enter');
  await sees(page, 'Your passkey is added');
  await looksRight(here, 'passkey made');
  const notice = await door.mailbox.notice(address);
  assert.equal(notice.subject, 'New passkey for Example');
  const [made, ...others] = await key.keys();
  assert.deepEqual(others, []);
  assert.ok(made.isResidentCredential, 'it is found without an address');
  assert.equal(made.rpId, 'localhost');

  await account(page);
  await says(page, 'Kitchen');
  await looksRight(here, 'passkeys one');
  await button(page, 'Rename Kitchen').click();
  await looksRight(here, 'passkey rename');
  await page.getByLabel('Name').fill('Phone');
  await button(page, 'Save').click();
  await says(page, 'Renamed.');
  const other = await stranger(key, { automaticPresenceSimulation: false });
  await other.page.goto(`${door.origin}/first`);
  await use(other.page).waitFor();
  await looksRight(other, 'address or passkey');
  await other.key.answers(true);
  await use(other.page).click();
  await reachesApp(other.page, '/first');
  assert.deepEqual(other.seen.complaints, []);
  await page.reload();
  await says(page, 'Just now');
  await page.goto(`${door.origin}/.doorcode/activity`);
  await says(page, 'Passkey used');
  await says(page, 'passkey renamed');

  await account(page);
  await button(page, 'Remove Phone').click();
  assert.match((await confirm(page, address)).text, /is your Example code to remove a passkey/);
  await sees(page, 'Remove Phone?');
  await says(page, 'It is your only way in beside the emailed code.');
  await looksRight(here, 'passkey remove');
  await button(page, 'Remove').click();
  await sees(page, 'Your passkey is removed');
  await account(page);
  await says(page, /You don.t have any passkeys/);
  const late = await stranger(key, { automaticPresenceSimulation: false });
  await late.page.goto(`${door.origin}/late`);
  await use(late.page).waitFor();
  await late.key.answers(true);
  await use(late.page).click();
  await says(late.page, refused);
  await looksRight(late, 'passkey refused');
  await askForCode(late.page, address);
  for (const { context } of [here, other, late]) await context.close();
});

test('92 what the browser fills in signs in by itself, with one script and no mail', async () => {
  const address = 'filled@example.com';
  const here = await signedIn(address);
  await enrol(here.page, address);
  const codes = async () => (await door.mailbox.to(address)).filter(({ code }) => code).length; // the notice may be on its way
  const before = await codes();
  const { context, page, seen } = await stranger(here.key);
  await page.goto(`${door.origin}/filled`);
  await reachesApp(page, '/filled');
  const script = seen.requests.find(({ url }) => url.includes('passkey.js'))?.url;
  assert.match(script, /\/filled\/\.doorcode\/passkey\.js\?[\w-]{4}$/);
  const passkey = { method: 'POST', url: `${door.origin}/filled/.doorcode/passkey` };
  const get = { method: 'GET', url: `${door.origin}/filled` };
  assert.deepEqual(seen.requests, [get, { method: 'GET', url: script }, passkey, passkey, get]);
  assert.deepEqual(seen.complaints, []);
  assert.equal(await codes(), before, 'no code was mailed');
  await context.close();
  await here.context.close();
});

test('92 a passkey does for the code, with the box for remembering, and lets the other tabs in', async () => {
  const address = 'second@example.com';
  const here = await signedIn(address);
  await enrol(here.page, address);
  const { context, page, key } = await stranger(here.key, { automaticPresenceSimulation: false });
  const tab = await context.newPage();
  await tab.goto(`${door.origin}/tab`);
  await page.goto(`${door.origin}/code?a=1#row`);
  await askForCode(page, address);
  await rememberBox(page).check();
  await key.answers(true);
  await use(page).click();
  await reachesApp(page, '/code');
  assert.equal(page.url(), `${door.origin}/code?a=1#row`);
  await reachesApp(tab, '/tab');
  const device = (await context.cookies()).find(({ name }) => name.endsWith('device'));
  assert.ok(device.expires > Date.now() / 1000 + 86_400, 'the browser is remembered');
  await context.close();
  await here.context.close();
});

test('92 a passkey confirms a session before a protected page, at once', async () => {
  const address = 'confirmed@example.com';
  const here = await door.visit();
  const { context, page } = here;
  const key = await authenticator(page, { automaticPresenceSimulation: false });
  await enter(door, page, { address, remember: true });
  await key.answers(true);
  await enrol(page, address);
  await context.clearCookies({ name: 'doorcode' }); // the browser renews it, and is not fresh then
  await page.goto(`${door.origin}/start`);
  await page.goto(`${door.origin}/delete`);
  await sees(page, /Confirm it.s you/);
  await looksRight(here, 'confirm by passkey');
  await use(page).click();
  await reachesApp(page, '/delete');
  assert.deepEqual(here.seen.complaints, []);
  await context.close();
});

test('92 a passkey that was not asked for its owner, a cancelled one, and none are told alike, and the focus stays', async () => {
  const address = 'cancelled@example.com';
  const here = await signedIn(address);
  await enrol(here.page, address);
  for (const [what, options] of [['no owner', { isUserVerified: false }], ['no check of its owner', { hasUserVerification: false, isUserVerified: false }]]) {
    const other = await stranger(here.key, { automaticPresenceSimulation: false, ...options });
    await other.page.goto(`${door.origin}/cancelled`);
    await use(other.page).waitFor();
    await other.key.answers(true);
    await use(other.page).click();
    await says(other.page, unused);
    assert.ok(await use(other.page).evaluate((it) => it === document.activeElement), `${what}: the focus is elsewhere`);
    assert.equal(await other.page.locator('[role=status]').innerText().then((text) => unused.test(text)), true, what);
    await emailField(other.page).fill(address);
    await button(other.page, 'Send code').click();
    await sees(other.page, 'Check your email');
    await door.mailbox.next(address);
    await other.context.close();
  }
  await here.context.close();
});

test('92 a signature that another site got is refused', async () => {
  const address = 'phished@example.com';
  const here = await signedIn(address);
  await enrol(here.page, address);
  const evil = await serve({ '/': '<!doctype html><title>Free money</title>' });
  const { context, page } = await door.visit();
  await page.goto(`${door.origin}/phished`);
  await use(page).waitFor();
  const post = (fields) => page.evaluate(async (more) => {
    const flow = document.querySelector('[name=flow]').value;
    const body = new URLSearchParams({ flow, ...more });
    const answer = await fetch('/phished/.doorcode/passkey', { method: 'POST', headers: { Accept: 'application/json' }, body });
    return { status: answer.status, ...await answer.json() };
  }, fields);
  const sign = (at, options) => at.evaluate(async (given) => {
    const made = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(given) });
    return JSON.stringify(made);
  }, options);
  const phish = await stranger(here.key);
  await phish.page.goto(`http://localhost:${evil.port}/`);
  const stolen = await sign(phish.page, (await post({})).options);
  const answer = await post({ credential: stolen });
  assert.deepEqual([answer.status, answer.type], [422, 'urn:doorcode:passkey-refused']);
  // Signed at the door's own page, it is what lets in.
  const own = await authenticator(page);
  for (const credential of await phish.key.keys()) await own.add(credential);
  await use(page).click();
  await reachesApp(page, '/phished');
  await evil.stop();
  for (const each of [context, phish.context, here.context]) await each.close();
});

test('29 by keyboard alone a passkey is used', async () => {
  const address = 'keys@example.com';
  const here = await signedIn(address);
  await enrol(here.page, address);
  const { context, page, key } = await stranger(here.key, { automaticPresenceSimulation: false });
  await page.goto(`${door.origin}/keys`);
  await use(page).waitFor();
  assert.ok(await emailField(page).evaluate((field) => field === document.activeElement), 'the field has the focus first');
  await key.answers(true);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Use a passkey');
  await page.keyboard.press('Enter');
  await reachesApp(page, '/keys');
  await context.close();
  await here.context.close();
});

test('95 with scripts off there is no button, and the account page says why', async () => {
  const address = 'plain@example.com';
  const { context, page, seen } = await door.visit({ javaScriptEnabled: false });
  await page.goto(`${door.origin}/plain`);
  assert.equal(await use(page).count(), 0);
  await enter(door, page, { url: '/plain', address });
  await account(page);
  await says(page, "This browser can't make passkeys, or its scripts are off.");
  await accessibleCopy(page, 'passkeys');
  assert.equal(await button(page, 'Add a passkey').count(), 0);
  assert.deepEqual(seen.complaints, []);
  await context.close();
});

test('28 the screens are right from right to left and on a wide screen', async () => {
  const address = 'arabic@example.com';
  const here = await signedIn(address);
  await enrol(here.page, address, 'Phone');
  await here.context.setExtraHTTPHeaders({ 'Accept-Language': 'ar' });
  await here.page.goto(`${door.origin}/.doorcode/`);
  await account(here.page);
  await looksRight(here, 'passkeys in arabic');
  await here.page.setViewportSize({ width: 1280, height: 800 });
  for (const colorScheme of ['light', 'dark']) {
    await here.page.emulateMedia({ colorScheme });
    await picture(here.page, `passkeys wide arabic ${colorScheme}`);
  }
  const { context, page, ...other } = await door.visit({ locale: 'ar' });
  await page.goto(`${door.origin}/arabic`);
  await button(page, 'استخدام مفتاح مرور').waitFor();
  await looksRight({ page, ...other }, 'address or passkey in arabic');
  await page.setViewportSize({ width: 1280, height: 800 });
  await picture(page, 'address or passkey wide');
  await context.close();
  await here.context.close();
});

test('92 where only a passkey will do, a code leads to the account page, and a passkey in', async () => {
  const strict = await openDoor({ lines: ['passkeys on', 'accept passkey'] });
  try {
    const address = 'strict@example.com';
    const here = await strict.visit();
    const { context, page } = here;
    const key = await authenticator(page, { automaticPresenceSimulation: false });
    const wanted = `${strict.origin}/strict?year=2026&sort=%2Fname%20a`;
    await page.goto(wanted);
    await use(page).waitFor();
    assert.deepEqual(await page.locator('form button').evaluateAll((all) => all.map((it) => `${it.className} ${it.textContent}`.trim())), ['second Send code', 'Use a passkey']);
    await looksRight(here, 'address where only a passkey will do');
    await askForCode(page, address);
    await enterCode(page, (await strict.mailbox.next(address)).code);
    await sees(page, 'Use a passkey');
    await says(page, 'No passkey yet?');
    await looksRight(here, 'only a passkey');
    await page.setViewportSize({ width: 1280, height: 800 });
    await picture(page, 'only a passkey wide');
    await key.answers(true);
    await use(page).click();
    await says(page, 'No passkey was used. Try again.');
    await link(page, 'Add one').click();
    await button(page, 'Add a passkey').click();
    await sees(page, /Confirm it.s you/);
    const mail = await strict.mailbox.next(address);
    await button(page, 'Go back').click();
    await sees(page, 'Passkeys');
    await enrolHere(page, address, 'Phone', strict, mail);
    await says(page, 'Now use it to go on.');
    await link(page, 'Continue to Example').click();
    await sees(page, 'Use a passkey');
    assert.equal(page.url(), wanted, 'the way back lost the query');
    await link(page, 'Add a passkey').waitFor();
    assert.equal(await page.getByText('No passkey yet?').count(), 0);
    await looksRight(here, 'only a passkey, which there is');
    await use(page).click();
    await reachesApp(page, '/strict');
    assert.equal(page.url(), wanted);
    await context.clearCookies();
    await page.goto(`${strict.origin}/strict`);
    await reachesApp(page, '/strict'); // by what the browser fills in
    assert.deepEqual(here.seen.complaints, []);
    await context.close();
    const { page: plain } = await strict.visit({ javaScriptEnabled: false });
    await plain.goto(wanted);
    await says(plain, /This browser can.t use passkeys, or its scripts are off\./);
    await accessibleCopy(plain, '[1] with scripts off where only a passkey will do');
  } finally {
    await strict.close();
  }
});
