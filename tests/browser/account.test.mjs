// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// A person's own pages: the overview, browsers and sessions, settings.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessibleCopy, none } from './axe.mjs';
import { openDoor } from './door.mjs';
import { looksRight, scrollsSideways } from './looks.mjs';
import { button, enter, enterCode, heading, reachesApp, says, sees } from './screens.mjs';

const isolating = ['Cross-Origin-Opener-Policy same-origin', 'Cross-Origin-Embedder-Policy require-corp'];

// A service worker that passes on whatever it sees, and tells what that was.
const worker = `
onactivate = (event) => event.waitUntil(clients.claim());
onfetch = (event) => {
  if (event.request.method === 'GET') event.respondWith(passOn(event.request));
};
async function passOn(request) {
  const response = await fetch(request);
  const read = await response.clone().text();
  for (const client of await clients.matchAll()) client.postMessage(read);
  return response;
}`;

let door;
before(async () => {
  door = await openDoor({
    before: ['header /same* Cross-Origin-Opener-Policy same-origin', 'header /isolated* {', ...isolating.map((line) => `\t${line}`), '}'],
    files: { '/worker.js': { type: 'text/javascript', body: worker } },
  });
});
after(() => door?.close());

const account = (page, name = '') => page.goto(`${door.origin}/.doorcode/${name}`);
const link = (page, name) => page.getByRole('link', { name });
const row = (page, text) => page.getByRole('row').filter({ hasText: text });

// visitor signs in, in a browser of its own.
async function visitor(address, { settings, remember = true } = {}) {
  const opened = await door.visit(settings);
  await enter(door, opened.page, { address, remember });
  return opened;
}

test('88 the overview says who and where one is, and leads to the pages', async () => {
  const { context, page, seen } = await visitor('over@example.com');
  await page.goto(`${door.origin}/.doorcode`);
  await sees(page, 'Your account');
  assert.equal(page.url(), `${door.origin}/.doorcode/`);
  await says(page, 'Signed in as over@example.com');
  await looksRight({ page, seen }, 'account overview');
  await picture(page, 'overview');
  const cards = page.getByRole('main').getByRole('listitem');
  for (const [name, there] of [['Browsers', 'Browsers and sessions'], ['Settings', 'Settings']]) {
    await cards.filter({ hasText: name }).getByRole('link').click();
    await sees(page, there);
    assert.equal(await page.locator('nav [aria-current=page]').count(), 1);
    await link(page, 'Overview').click();
    await sees(page, 'Your account');
  }
  await button(page, 'Forget this browser').click();
  await sees(page, 'Forget this browser?');
  await link(page, 'Stay signed in').click();
  await sees(page, 'Your account');
  await link(page, 'Sign out').click();
  await button(page, /Sign out/).click();
  await sees(page, /You.re signed out/);
  await context.close();
});

test('88 the list marks this browser; signing out another ends it at its next request; everywhere else leaves this one', async () => {
  const address = 'list@example.com';
  const here = await visitor(address);
  const phone = await visitor(address, { settings: { userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1' } });
  const { page } = here;
  await account(page, 'sessions');
  await sees(page, 'Browsers and sessions');
  assert.equal(await row(page, 'This browser').count(), 1);
  await looksRight(here, 'account browsers');
  await picture(page, 'browsers');

  await row(page, 'Safari on iPhone').getByRole('button', { name: 'Sign out' }).click();
  await sees(page, /Sign out Safari on iPhone/);
  await looksRight(here, 'account confirm');
  await button(page, 'Sign out').click();
  await sees(page, 'Browsers and sessions');
  await phone.page.goto(`${door.origin}/out`);
  await sees(phone.page, 'Sign in to Example');
  await account(phone.page, 'sessions');
  await sees(phone.page, 'Sign in to Example');

  const others = [await visitor(address), await visitor(address, { remember: false })];
  await account(page, 'sessions');
  await button(page, 'Sign out everywhere else').click();
  await says(page, /browsers will be signed out and forgotten\. Open connections are closed within 5 seconds\./);
  await button(page, 'Sign out everywhere else').click();
  await sees(page, 'Browsers and sessions');
  assert.equal(await page.locator('tbody tr').count(), 1);
  assert.equal(await button(page, 'Sign out everywhere else').count(), 0);
  for (const other of others) {
    await other.page.goto(`${door.origin}/out`);
    await sees(other.page, 'Sign in to Example');
    await other.context.close();
  }
  await page.goto(`${door.origin}/in`);
  await reachesApp(page, '/in');
  await phone.context.close();
  await here.context.close();
});

test('88 a stream of another browser is cut when that is signed out', async () => {
  const address = 'stream@example.com';
  const here = await visitor(address);
  const there = await visitor(address);
  await there.page.evaluate(() => new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${location.host}/socket`);
    socket.onopen = resolve;
    socket.onerror = reject;
    socket.onclose = () => { document.title = 'cut'; };
  }));
  await account(here.page, 'sessions');
  await button(here.page, 'Sign out everywhere else').click();
  await sees(here.page, 'Sign out everywhere else?');
  await button(here.page, 'Sign out everywhere else').click();
  await sees(here.page, 'Browsers and sessions');
  await there.page.waitForFunction(() => document.title === 'cut', null, { timeout: 5000 });
  await here.context.close();
  await there.context.close();
});

test('a name is text, whatever stands in it', async () => {
  const { context, page, seen } = await visitor('name@example.com');
  await account(page, 'sessions');
  await row(page, 'This browser').getByRole('button', { name: 'Rename' }).click();
  await sees(page, 'Rename this browser');
  const name = '<img src=x onerror=alert(1)>';
  await page.getByLabel('Name', { exact: true }).fill(name);
  await button(page, 'Save').click();
  await sees(page, 'Browsers and sessions');
  await page.getByRole('rowheader').getByText(name).waitFor();
  await account(page);
  await page.getByText(name).waitFor();
  assert.equal(await page.locator('img[src=x]').count(), 0);
  assert.deepEqual(seen.dialogs, []);
  assert.deepEqual(seen.complaints, []);
  await context.close();
});

test('settings are kept, and times are in the chosen zone', async () => {
  const opened = await visitor('set@example.com', { settings: { timezoneId: 'Asia/Tokyo' } });
  const { context, page } = opened;
  await account(page);
  await page.locator('time', { hasText: /GMT\+9|JST/ }).first().waitFor();
  await account(page, 'settings');
  await looksRight(opened, 'account settings');
  await picture(page, 'settings');
  await button(page, 'Change settings').click();
  await sees(page, 'Change settings');
  await looksRight(opened, 'account settings to choose');
  await picture(page, 'choose');
  await page.getByLabel('Time zone').fill('Nowhere/Else');
  await page.getByLabel('Always ask for a code').check();
  await button(page, 'Save').click();
  await says(page, /Enter a time zone like Europe\/Lisbon/);
  assert.match(await page.title(), /^Error: /);
  assert.ok(await page.getByLabel('Always ask for a code').isChecked());
  await looksRight(opened, 'account settings with an error');
  await page.getByLabel('Time zone').fill('Pacific/Auckland');
  await button(page, 'Save').click();
  await says(page, 'Your settings are saved.');
  await account(page);
  await page.locator('time', { hasText: /NZ[SD]T/ }).first().waitFor();
  await context.close();
});

test('91 data is downloaded for a code of its own', async () => {
  const address = 'data@example.com';
  const opened = await visitor(address);
  const { context, page } = opened;
  await account(page, 'settings');
  await button(page, 'Download your data').click();
  await sees(page, /Confirm it.s you/);
  await enterCode(page, (await door.mailbox.next(address)).code);
  await sees(page, 'Download your data');
  await looksRight(opened, 'account export');
  const [download] = await Promise.all([page.waitForEvent('download'), button(page, 'Download').click()]);
  assert.match(download.suggestedFilename(), /^doorcode-localhost-\d{4}-\d\d-\d\d\.json$/);
  await account(page, 'settings');
  await sees(page, 'Settings');
  await context.close();
});

test('95 with scripts off every action works', async () => {
  const address = 'still@example.com';
  const { context, page } = await visitor(address, { settings: { javaScriptEnabled: false } });
  const other = await visitor(address);
  await account(page);
  await accessibleCopy(page, 'the overview');
  await link(page, 'Browsers').first().click();
  await accessibleCopy(page, 'the list');
  await row(page, 'This browser').getByRole('button', { name: 'Rename' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Kitchen');
  await button(page, 'Save').click();
  await page.getByRole('rowheader').getByText('Kitchen').waitFor();
  await page.getByRole('row').nth(2).getByRole('button', { name: 'Forget' }).click();
  await button(page, 'Forget').click();
  await sees(page, 'Browsers and sessions');
  assert.equal(await page.locator('tbody tr').count(), 1);
  await other.page.goto(door.origin);
  await sees(other.page, 'Sign in to Example');
  await account(page, 'settings');
  await accessibleCopy(page, 'the settings');
  await button(page, 'Change settings').click();
  await accessibleCopy(page, 'the settings to choose');
  await page.getByLabel('Email me when a new browser signs in').uncheck();
  await button(page, 'Save').click();
  await says(page, 'Your settings are saved.');
  assert.match(await page.locator('dl').innerText(), /New browsers\s+No email/);
  await account(page);
  await button(page, 'Forget this browser').click();
  await button(page, 'Forget this browser').click();
  await sees(page, /You.re signed out/);
  await page.goto(door.origin);
  await sees(page, 'Sign in to Example');
  await other.context.close();
  await context.close();
});

test('29 the keyboard reaches everything on account pages in order, with a visible focus', async () => {
  const { context, page } = await visitor('keys@example.com');
  for (const [name, asks] of [[''], ['sessions'], ['settings'], ['', 'Forget this browser'], ['settings', 'Change settings']]) {
    await account(page, name);
    await heading(page).waitFor();
    if (asks) {
      await button(page, asks).click();
      await sees(page, asks);
    }
    const order = await page.evaluate(() => {
      const focusable = [...document.querySelectorAll('a[href], button, input, summary, select, textarea')]
        .filter((element) => element.type !== 'hidden' && element.tabIndex >= 0 && element.checkVisibility());
      focusable.forEach((element, i) => { element.dataset.order = i; });
      return focusable.map((_, i) => i);
    });
    await page.mouse.click(1, 1);
    const faults = [];
    for (const want of order) {
      await page.keyboard.press('Tab');
      const { at, ring, size, html } = await page.evaluate(() => {
        const { dataset, outerHTML } = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        const { width, height } = document.activeElement.getBoundingClientRect();
        return { at: Number(dataset.order), ring: outlineStyle === 'none' ? 0 : parseFloat(outlineWidth), size: Math.min(width, height), html: outerHTML.slice(0, 120) };
      });
      if (at !== want) faults.push(`${at} instead of ${want}: ${html}`);
      if (ring < 3) faults.push(`a focus of ${ring} px: ${html}`);
      if (size < 24) faults.push(`${size} px: ${html}`);
    }
    none(faults, name || 'overview');
  }
  await account(page);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter'); // the link over the others
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => Boolean(document.activeElement.closest('main'))), true);
  await context.close();
});

test('enlarged four times nothing scrolls sideways', async () => {
  const { context, page } = await visitor('large@example.com', { settings: { viewport: { width: 320, height: 256 }, deviceScaleFactor: 4 } });
  for (const name of ['', 'sessions', 'settings']) {
    await account(page, name);
    await heading(page).waitFor();
    assert.equal(await scrollsSideways(page), false, name);
  }
  await context.close();
});

// peek is what a page of the app gets to see in a window that it opens.
const peek = (page, url) => page.evaluate(async (target) => {
  const opened = open(target);
  const got = [];
  for (let i = 0; i < 30; i++) {
    await new Promise((resolve) => { setTimeout(resolve, 100); });
    try {
      got.push(opened.closed ? '' : opened.document.body.innerText);
    } catch (error) {
      got.push(error.name);
    }
  }
  return got.join(' ');
}, url);

test('CSR-01 a script of the app reads no account page, in whatever window it opens one', async () => {
  for (const at of ['/plain', '/same', '/isolated']) {
    const { context, page } = await door.visit();
    await enter(door, page, { url: at, address: `peek-${at.slice(1)}@example.com` });
    const before = context.pages().length;
    const seen = await peek(page, '/.doorcode/');
    assert.equal(context.pages().length, before + 1);
    await sees(context.pages().at(-1), 'Your account');
    assert.doesNotMatch(seen, /Signed in as|peek-/, at);
    await context.close();
  }
});

test('CSR-01 a script of the app can neither fetch, frame nor press', async () => {
  const address = 'press@example.com';
  const here = await visitor(address);
  const other = await visitor(address);
  const { page } = here;
  await page.goto(`${door.origin}/app`);
  const fetched = await page.evaluate(async () => {
    const all = [];
    for (const url of ['/.doorcode/', '/.doorcode/sessions', '/.doorcode/settings', '/.doorcode/sessions?action=ask&do=everywhere']) {
      for (const accept of ['text/html', 'application/json']) {
        const response = await fetch(url, { headers: { Accept: accept } });
        all.push({ url, status: response.status, body: await response.text() });
      }
    }
    return all;
  });
  for (const { url, status, body } of fetched) {
    assert.equal(status, 403, url);
    assert.doesNotMatch(body, /press@example\.com|name="flow"/, url);
  }
  const framed = await page.evaluate(() => new Promise((resolve) => {
    const frame = document.createElement('iframe');
    frame.onload = () => { try { resolve(frame.contentDocument?.body?.innerText ?? 'nothing'); } catch (error) { resolve(error.name); } };
    frame.src = '/.doorcode/sessions';
    document.body.append(frame);
  }));
  assert.doesNotMatch(framed, /press@example\.com|Sign out everywhere else/);

  // The form of the sign-out page can be read by scripts, and works nowhere else.
  const pressed = context => context.evaluate(async () => {
    const text = await (await fetch('/.doorcode/signout', { headers: { Accept: 'text/html' } })).text();
    const [, seal] = text.match(/name="flow" value="([^"]+)"/);
    const form = Object.assign(document.createElement('form'), { method: 'post', action: '/.doorcode/sessions' });
    form.innerHTML = `<input name="flow" value="${seal}"><input name="action" value="everywhere">`;
    document.body.append(form);
    form.submit();
  });
  await Promise.all([page.waitForURL(/sessions$/), pressed(page)]);
  await sees(page, 'That form came from another page');
  await other.page.goto(`${door.origin}/still`);
  await reachesApp(other.page, '/still');
  await other.context.close();
  await here.context.close();
});

test('CSR-01 a service worker of the app reads nothing either, and does not stand in the way', async () => {
  const { context, page } = await visitor('worker@example.com');
  await page.goto(`${door.origin}/app`);
  await page.evaluate(async () => {
    globalThis.heard = [];
    navigator.serviceWorker.onmessage = ({ data }) => globalThis.heard.push(data);
    await navigator.serviceWorker.register('/worker.js');
    await navigator.serviceWorker.ready;
  });
  const visit = await context.newPage();
  const response = await account(visit, 'settings');
  assert.equal(response.fromServiceWorker(), true);
  assert.equal(response.status(), 403);
  await sees(visit, 'Open your account');
  await button(visit, 'Open the page').click();
  await sees(visit, 'Settings');
  await button(visit, 'Change settings').click();
  await visit.getByLabel('Always ask for a code').check();
  await button(visit, 'Save').click();
  await sees(visit, 'Open your account');
  await button(visit, 'Open the page').click();
  await says(visit, 'Your settings are saved.');
  const heard = await page.evaluate(() => globalThis.heard);
  assert.ok(heard.length > 0);
  assert.equal(heard.some((text) => /name="flow"|worker@example\.com/.test(text)), false);
  await context.close();
});

// picture keeps a wide picture of a page where people ask for them.
async function picture(page, name) {
  const folder = process.env.DOORCODE_PICTURES;
  if (!folder) return;
  const size = page.viewportSize();
  await page.setViewportSize({ width: 1280, height: 800 });
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${folder}/account-${name}-wide-${colorScheme}.png`, fullPage: true });
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(size);
}
