// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// What happened to a person's account, and what they say was not them.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { accessibleCopy, none } from './axe.mjs';
import { looksRight, scrollsSideways } from './looks.mjs';
import { from, lisbon, openPlacedDoor, tokyo } from './places.mjs';
import { askForCode, button, enter, enterCode, heading, reachesApp, says, sees, wrongCodes } from './screens.mjs';

const desk = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
const phone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1';

let door;
before(async () => { door = await openPlacedDoor(); });
after(() => door?.close());

const activity = (page, query = '') => page.goto(`${door.origin}/.doorcode/activity${query}`);
const link = (page, name) => page.getByRole('link', { name });
const row = (page, text) => page.getByRole('row').filter({ hasText: text });

// visitor signs in from somewhere, in a browser of its own.
async function visitor(address, where, { settings = {}, remember = true } = {}) {
  const opened = await door.visit({ userAgent: desk, ...settings, ...from(where) });
  await enter(door, opened.page, { address, remember });
  return opened;
}

// tries enters a wrong code, as a stranger somewhere.
async function tries(address, where) {
  const { context, page } = await door.visit(from(where));
  await page.goto(door.origin);
  await askForCode(page, address);
  const { code } = await door.mailbox.next(address);
  for (const wrong of wrongCodes(code, 2)) {
    await enterCode(page, wrong);
    await says(page, /That code isn.t right/);
  }
  await context.close();
}

test('90 each thing that happens is there within a second, in the right zone', async () => {
  const address = 'zone@example.com';
  const opened = await visitor(address, lisbon, { settings: { timezoneId: 'Asia/Tokyo' } });
  const { context, page } = opened;
  await tries(address, tokyo);
  await shows(page, '2 times within an hour');
  await sees(page, 'Activity');
  for (const [what, more] of [
    ['Wrong code', '2 times within an hour'], ['Wrong code', 'Refused Problem'], ['Wrong code', 'near Tokyo, Japan (approximate)'],
    ['New browser remembered', 'Chrome on Linux'], ['Code entered', 'near Lisbon, Portugal (approximate)'], ['Code sent', 'Sent'],
  ]) await row(page, what).filter({ hasText: more }).first().waitFor();
  await page.locator('time', { hasText: /GMT\+9|JST/ }).first().waitFor();
  assert.equal(await button(page, /This wasn.t me/).count(), 0);
  await looksRight(opened, 'activity');
  await wide(page, 'activity');

  await link(page, 'Problems').click();
  await page.getByText('Problems, the newest first').waitFor();
  assert.equal(await page.locator('tbody tr').count(), 1);
  await looksRight(opened, 'activity problems');

  await link(page, 'Change the time zone').click();
  await button(page, 'Change settings').click();
  await page.getByLabel('Time zone').fill('Pacific/Auckland');
  await button(page, 'Save').click();
  await activity(page);
  await says(page, 'Times are in Pacific/Auckland.');
  await page.locator('time', { hasText: /NZ[SD]T/ }).first().waitFor();
  await row(page, 'Change made: settings').waitFor();
  await context.close();
});

test('90 This wasn’t me ends the other browser', async () => {
  const address = 'mine@example.com';
  const here = await visitor(address, lisbon);
  const thief = await visitor(address, tokyo, { settings: { userAgent: phone } });
  const { page } = here;
  await shows(page, 'Safari on iPhone or iPad'); // the other browser's entry is kept within a second
  await looksRight(here, 'activity with a stranger');
  await wide(page, 'activity-stranger');
  await button(page, /This wasn.t me/).click();
  await sees(page, 'Sign that browser out?');
  await says(page, 'Safari on iPhone or iPad');
  await looksRight(here, 'activity report');
  await wide(page, 'activity-report');
  await link(page, 'It was me').click();
  await sees(page, 'Activity');
  await thief.page.goto(`${door.origin}/still`);
  await reachesApp(thief.page, '/still');

  await button(page, /This wasn.t me/).click();
  await button(page, 'Yes, sign it out').click();
  await sees(page, 'Stopped');
  await looksRight(here, 'activity reported');
  await wide(page, 'activity-reported');
  await thief.page.goto(`${door.origin}/out`);
  await sees(thief.page, 'Sign in to Example');
  await page.goto(`${door.origin}/in`);
  await reachesApp(page, '/in');
  await activity(page);
  await row(page, 'Stopped by you').waitFor();
  assert.equal(await button(page, /This wasn.t me/).count(), 0);
  await thief.context.close();
  await here.context.close();
});

test('90 activity is downloaded as a file', async () => {
  const { context, page } = await visitor('file@example.com', lisbon);
  await activity(page);
  const [download] = await Promise.all([page.waitForEvent('download'), link(page, 'Download CSV').click()]);
  assert.match(download.suggestedFilename(), /^doorcode-localhost-activity-\d{4}-\d\d-\d\d\.csv$/);
  const lines = (await readFile(await download.path(), 'utf8')).split('\r\n');
  assert.equal(lines[0], 'Time,What happened,How often,Browser,Place,Network,Result');
  assert.ok(lines.some((line) => /^\d{4}-\d\d-\d\dT[\d:]+Z,Code entered,1,Chrome on Linux,"near Lisbon, Portugal \(approximate\)",/.test(line)), lines.join('\n'));
  await context.close();
});

test('95 with scripts off activity is read and reported', async () => {
  const address = 'plain@example.com';
  const here = await visitor(address, lisbon, { settings: { javaScriptEnabled: false } });
  const thief = await visitor(address, tokyo, { settings: { userAgent: phone } });
  const { page } = here;
  await activity(page);
  await accessibleCopy(page, 'activity');
  await page.locator('time', { hasText: 'UTC' }).first().waitFor();
  await button(page, /This wasn.t me/).click();
  await accessibleCopy(page, 'the question');
  await button(page, 'Yes, sign it out').click();
  await sees(page, 'Stopped');
  await accessibleCopy(page, 'the answer');
  await thief.page.goto(door.origin);
  await sees(thief.page, 'Sign in to Example');
  await button(page, 'I pressed this by mistake').click();
  await sees(page, 'Undone');
  await activity(page);
  await row(page, 'Stopped by mistake, taken back by you').waitFor();
  await thief.context.close();
  await here.context.close();
});

test('29 the keyboard reaches every link of the activity, and enlarged nothing scrolls sideways', async () => {
  const address = 'keys@example.com';
  const here = await visitor(address, lisbon, { settings: { viewport: { width: 320, height: 256 }, deviceScaleFactor: 4 } });
  const thief = await visitor(address, tokyo, { settings: { userAgent: phone } });
  const { page } = here;
  await activity(page);
  await heading(page).waitFor();
  assert.equal(await scrollsSideways(page), false);
  const links = await page.locator('main a').count();
  await page.mouse.click(1, 1);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter'); // the link over the others
  const faults = [];
  for (let n = 0; n < links; n++) {
    await page.keyboard.press('Tab');
    const { inside, size, html } = await page.evaluate(() => {
      const { width, height } = document.activeElement.getBoundingClientRect();
      return { inside: Boolean(document.activeElement.closest('main')), size: Math.min(width, height), html: document.activeElement.outerHTML.slice(0, 120) };
    });
    if (!inside) faults.push(`outside: ${html}`);
    if (size < 24) faults.push(`${size} px: ${html}`);
  }
  none(faults, 'activity');
  await thief.context.close();
  await here.context.close();
});

// shows goes to the page until it tells of something: that takes less than a second.
async function shows(page, text) {
  for (let n = 0; n < 100; n++) {
    await activity(page);
    if (await page.getByText(text).count() > 0) return;
  }
  assert.fail(`the page does not say ${text}`);
}

// wide keeps a wide picture of a page where people ask for them.
async function wide(page, name) {
  const folder = process.env.DOORCODE_PICTURES;
  if (!folder) return;
  const size = page.viewportSize();
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.screenshot({ path: `${folder}/${name}-wide.png`, fullPage: true });
  await page.setViewportSize(size);
}
