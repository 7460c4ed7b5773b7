// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Entering the code: what is accepted, what costs a try, what is said.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible } from './axe.mjs';
import { paste } from './chromium.mjs';
import { openDoor } from './door.mjs';
import { askForCode, button, codeField, enterCode, reachesApp, says, sees, wrongCodes } from './screens.mjs';

let door;
before(async () => { door = await openDoor(); });
after(() => door?.close());

// atCode opens a browser that has asked for a code.
async function atCode(address) {
  const visit = await door.visit();
  await visit.page.goto(`${door.origin}/in`);
  await askForCode(visit.page, address);
  return { ...visit, mail: await door.mailbox.next(address) };
}

const verifications = (seen) => seen.requests.filter(({ url, method }) => method === 'POST' && url.endsWith('/verify'));

const shifted = (code, zero) => [...code].map((digit) => String.fromCodePoint(zero + Number(digit))).join('');
const pastes = {
  spaced: (code) => `${code.slice(0, 3)} ${code.slice(3)}`,
  hyphenated: (code) => `${code.slice(0, 3)}-${code.slice(3)}`,
  sentence: (code) => `Your code is ${code.slice(0, 3)} ${code.slice(3)}!`,
  fullwidth: (code) => shifted(code, 0xFF10),
  arabic: (code) => shifted(code, 0x0660),
};

for (const [name, write] of Object.entries(pastes)) {
  test(`05 a ${name} paste is accepted and submits by itself`, async () => {
    const { context, page, mail } = await atCode(`paste-${name}@example.com`);
    await paste(page, codeField(page), write(mail.code));
    await reachesApp(page, '/in');
    await context.close();
  });
}

test('06 typing six digits submits nothing; Enter does', async () => {
  const { context, page, seen, mail } = await atCode('enter@example.com');
  await codeField(page).pressSequentially(mail.code);
  assert.equal(verifications(seen).length, 0);
  await codeField(page).press('Enter');
  await reachesApp(page, '/in');
  await context.close();
});

test('06 typing six digits submits nothing; the button does', async () => {
  const { context, page, seen, mail } = await atCode('press@example.com');
  await codeField(page).pressSequentially(mail.code);
  assert.equal(verifications(seen).length, 0);
  await button(page, 'Continue').click();
  await reachesApp(page, '/in');
  await context.close();
});

test('07 an autofill that fires twice sends one request and uses one try', async () => {
  const { context, page, seen, mail } = await atCode('autofill@example.com');
  const [wrong] = wrongCodes(mail.code, 1);
  await codeField(page).evaluate((field, value) => {
    for (const type of ['input', 'input']) {
      field.value = value;
      field.dispatchEvent(new InputEvent(type, { bubbles: true, inputType: 'insertReplacementText' }));
    }
  }, wrong);
  await says(page, 'You have 4 tries left');
  assert.equal(verifications(seen).length, 1);
  await context.close();
});

test('08 a wrong code is told with the tries left, and the field is ready for the next', async () => {
  const { context, page, mail } = await atCode('wrong@example.com');
  const [wrong] = wrongCodes(mail.code, 1);
  await enterCode(page, wrong);
  await says(page, /That code isn.t right\. Look at the email with the letters \w{3}\. You have 4 tries left\./);
  await says(page, mail.letters);
  assert.match(await page.title(), /^Error: /);
  const field = await codeField(page).evaluate((element) => ({
    value: element.value,
    focused: element === document.activeElement,
    selected: element.value.slice(element.selectionStart, element.selectionEnd),
    invalid: element.getAttribute('aria-invalid'),
    border: getComputedStyle(element).borderTopWidth,
    described: (element.getAttribute('aria-describedby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join(' '),
  }));
  assert.deepEqual({ ...field, described: /isn.t right/.test(field.described) }, {
    value: wrong, focused: true, selected: wrong, invalid: 'true', border: '2px', described: true,
  });
  await accessible(page, '[2e]');
  await context.close();
});

test('09 the same wrong code again costs no try', async () => {
  const { context, page, mail } = await atCode('same@example.com');
  const [first, second] = wrongCodes(mail.code, 2);
  await enterCode(page, first);
  await says(page, 'You have 4 tries left');
  const again = page.waitForResponse((response) => response.url().endsWith('/verify'));
  await enterCode(page, first);
  await again;
  await says(page, 'You have 4 tries left');
  await enterCode(page, second);
  await says(page, 'You have 3 tries left');
  await context.close();
});

test('10 four digits, letters, and the label of the mail cost no try', async () => {
  const { context, page, mail } = await atCode('short@example.com');
  await enterCode(page, mail.code.slice(0, 4));
  await says(page, 'The code has 6 numbers. You entered 4.');
  await enterCode(page, 'abcdef');
  await says(page, 'The code has only numbers.');
  await enterCode(page, mail.letters);
  await says(page, 'That is the label. The code has 6 numbers.');
  await enterCode(page, wrongCodes(mail.code, 1)[0]);
  await says(page, 'You have 4 tries left');
  await context.close();
});

test('11 the fifth wrong code ends the code; a new one works', async () => {
  const { context, page, mail } = await atCode('fifth@example.com');
  const wrong = wrongCodes(mail.code, 5);
  for (const [i, code] of wrong.slice(0, 4).entries()) {
    await enterCode(page, code);
    await says(page, new RegExp(`You have ${4 - i} (tries|try) left`));
  }
  await enterCode(page, wrong[4]);
  await sees(page, 'This code no longer works');
  await says(page, 'There were 5 wrong tries, so the code no longer works. Send a new code to try again.');
  await accessible(page, '[2l]');
  await button(page, 'Send a new code').click();
  const next = await door.mailbox.next('fifth@example.com');
  assert.notEqual(next.code, mail.code);
  await sees(page, 'Check your email');
  await enterCode(page, mail.code);
  await says(page, /That code (isn.t right|is from an earlier email)/);
  await enterCode(page, next.code);
  await reachesApp(page, '/in');
  await context.close();
});

// Whether mail goes out is played here, since no relay fails and recovers on time.
test('2m that no mail goes out is taken back once it does', async () => {
  const { context, page } = await atCode('recovers@example.com');
  const down = { verified: false, mail: { text: 'No mail until {time}.', at: '2026-08-01T12:00:00Z' } };
  const answers = [down, null, { verified: false }];
  await page.route(/\/\.doorcode\/status$/, (route) => {
    const json = answers.length > 1 ? answers.shift() : answers[0];
    return json ? route.fulfill({ json }) : route.abort();
  });
  const told = page.locator('#status');
  await told.filter({ hasText: /^No mail until \d/ }).waitFor();
  await page.waitForEvent('requestfailed', (request) => request.url().endsWith('/status'));
  assert.match(await told.textContent(), /^No mail until/, 'an answer that never came says nothing');
  await told.filter({ hasText: /^$/ }).waitFor({ state: 'attached' });
  await context.close();
});

test('2m a page is not loaded anew in the middle of what somebody ticks or types', async () => {
  const does = {
    ticks: (page) => page.getByRole('checkbox').check(),
    types: (page) => codeField(page).pressSequentially('12'),
  };
  for (const [name, act] of Object.entries(does)) {
    const { context, page } = await atCode(`${name}@example.com`);
    await page.route(/\/\.doorcode\/status$/, (route) => route.fulfill({ json: { verified: false } }));
    await page.evaluate(() => { document.body.dataset.down = '600000'; });
    await act(page);
    await page.evaluate(() => { document.body.dataset.same = ''; });
    const asked = () => page.waitForResponse((response) => response.url().endsWith('/status'));
    await asked();
    await asked();
    assert.equal(await page.locator('body[data-same]').count(), 1, `whoever ${name} loses it`);
    await context.close();
  }
});

test('2m what the page itself says stays when mail is not spoken of', async () => {
  const { context, page } = await atCode('stays@example.com');
  const told = page.locator('#status');
  await told.evaluate((line) => { line.textContent = 'Said by the page'; });
  const asked = () => page.waitForResponse((response) => response.url().endsWith('/status'));
  await asked();
  await asked();
  assert.equal(await told.textContent(), 'Said by the page');
  await context.close();
});

test('15 a code from an earlier mail is named as such and costs no try', async () => {
  const { context, page, mail } = await atCode('earlier@example.com');
  await page.getByText('Use a different email').click();
  await sees(page, 'Sign in to Example');
  await askForCode(page, 'earlier@example.com');
  const next = await door.mailbox.next('earlier@example.com');
  assert.notEqual(next.letters, mail.letters);
  await enterCode(page, mail.code);
  await says(page, 'That code is from an earlier email.');
  await says(page, `Use the one with the letters ${next.letters}.`);
  await accessible(page, '[2p]');
  await enterCode(page, wrongCodes(next.code, 2).find((code) => code !== mail.code));
  await says(page, 'You have 4 tries left');
  await enterCode(page, next.code);
  await reachesApp(page, '/in');
  await context.close();
});
