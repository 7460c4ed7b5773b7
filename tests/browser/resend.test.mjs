// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// When the mail does not come, or the code gets too old.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { accessible, accessibleCopy } from './axe.mjs';
import { openDoor } from './door.mjs';
import { askForCode, button, codeField, enterCode, reachesApp, says, sees } from './screens.mjs';

// Two doors: one where a resend repeats the code, one whose codes live as
// short as a code may.
let door, brief;
before(async () => {
  door = await openDoor({ lines: ['code {', '\tresend 10s 3', '}'] });
  brief = await openDoor({ lines: ['code {', '\tttl 1m', '\tresend 10s 3', '}'] });
});
after(async () => {
  await door?.close();
  await brief?.close();
});

// resendWhenAllowed presses the button, waits as long as the page says, and
// presses again.
async function resendWhenAllowed(page) {
  await button(page, /Send it again/).click();
  const early = page.getByText(/You can ask again in \d+ second/);
  await early.waitFor();
  const [, seconds] = (await early.textContent()).match(/in (\d+) second/);
  await pause(Number(seconds) * 1000);
  await button(page, /Send it again/).click();
}

test('14 without scripts a resend is refused while it is too early, and then repeats code and letters', async () => {
  const { context, page } = await door.visit({ javaScriptEnabled: false });
  await page.goto(`${door.origin}/again`);
  await askForCode(page, 'again@example.com');
  const first = await door.mailbox.next('again@example.com');
  await resendWhenAllowed(page);
  await says(page, /Email sent again, with the same code and the letters \w{3}\./);
  const second = await door.mailbox.next('again@example.com');
  assert.deepEqual([second.code, second.letters], [first.code, first.letters]);
  assert.equal((await door.mailbox.to('again@example.com')).length, 2, 'the early press sent nothing');
  await accessibleCopy(page, '[2r]');

  await resendWhenAllowed(page);
  await door.mailbox.next('again@example.com');
  await says(page, /We.ve sent 3 emails\./);
  await enterCode(page, first.code);
  await reachesApp(page, '/again');
  await context.close();
});

test('16 with scripts the button counts down in silence and is announced once', async () => {
  const { context, page } = await door.visit();
  await page.goto(door.origin);
  await askForCode(page, 'silence@example.com');
  await page.evaluate(() => {
    globalThis.announced = [];
    new MutationObserver((records) => {
      for (const { target } of records) {
        const region = (target.nodeType === Node.TEXT_NODE ? target.parentElement : target).closest('[role=status], [role=alert], [aria-live]');
        const text = region?.textContent.trim();
        if (text && text !== globalThis.announced.at(-1)) globalThis.announced.push(text);
      }
    }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
  });
  assert.equal(await button(page, /Send it again/).getAttribute('aria-disabled'), 'true');
  await says(page, 'You can ask for the email again now.');
  assert.deepEqual(await page.evaluate(() => globalThis.announced), ['You can ask for the email again now.']);
  await context.close();
});

// These two mostly wait, so they wait together.
test('codes that are getting old', { concurrency: true }, (t) => Promise.all([
  t.test('14 a resend late in the life of a code makes a new one', resendsLate),
  t.test('13 an expired code says so at that moment, and a new one is one press away', expires),
]));

async function resendsLate() {
  const { context, page } = await brief.visit({ javaScriptEnabled: false });
  await page.goto(`${brief.origin}/new`);
  await askForCode(page, 'new@example.com');
  const first = await brief.mailbox.next('new@example.com');
  // A code that lives for a minute is repeated in its first half.
  await pause(32_000);
  await button(page, /Send it again/).click();
  const second = await brief.mailbox.next('new@example.com');
  await says(page, new RegExp(`We sent a new code\\. Look for the letters ${second.letters}\\.`));
  assert.notEqual(second.code, first.code);
  await enterCode(page, first.code);
  await says(page, 'That code is from an earlier email.');
  await enterCode(page, second.code);
  await reachesApp(page, '/new');
  await context.close();
}

async function expires() {
  const { context, page } = await brief.visit();
  await page.goto(`${brief.origin}/late`);
  await askForCode(page, 'late@example.com');
  const first = await brief.mailbox.next('late@example.com');
  await codeField(page).focus();
  await page.getByText('This code has expired.').first().waitFor({ timeout: 75_000 });
  assert.ok(await codeField(page).evaluate((field) => field === document.activeElement), 'the focus stays where it was');
  await pause(2_000); // the page counts whole seconds, and rather says so early
  // The sentence stands there already, so only the load tells that the answer is.
  const answered = page.waitForEvent('load');
  await enterCode(page, first.code);
  await answered;
  await says(page, 'This code has expired. We can send a new one.');
  await accessible(page, '[2x]');
  await button(page, 'Send a new code').click();
  const second = await brief.mailbox.next('late@example.com');
  await sees(page, 'Check your email');
  await enterCode(page, second.code);
  await reachesApp(page, '/late');
  await context.close();
}
