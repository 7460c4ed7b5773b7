// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Pages and mails in other languages, and in an operator's own looks.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { none } from './axe.mjs';
import { binary } from './caddy.mjs';
import { launch } from './chromium.mjs';
import { openDoor } from './door.mjs';
import { looksRight, picture } from './looks.mjs';
import { askForCode, enter, enterCode, reachesApp, sees, wrongCodes } from './screens.mjs';

const catalogues = new URL('../../challenge/words/', import.meta.url);
const languages = (await readdir(catalogues, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name);

// texts is the whole catalogue of a language.
async function texts(language) {
  const folder = new URL(`${language}/`, catalogues);
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  return Object.assign({}, ...await Promise.all(files.map(async (name) => JSON.parse(await readFile(new URL(name, folder), 'utf8')))));
}

let door;
before(async () => { door = await openDoor(); });
after(() => door?.close());

// A visitor whose browser is in a language of theirs.
const speaking = (locale, settings = {}) => door.visit({ locale, ...settings });

// signIn goes the whole way by what the screens say in their language.
async function signIn(page, say, address, look = async () => {}) {
  await page.goto(`${door.origin}/in`);
  await look('[1]');
  await page.getByLabel(say['email.label']).fill(address);
  await page.getByRole('button', { name: say['email.button'] }).click();
  await sees(page, say['code.heading']);
  await look('[2]');
  const mail = await door.mailbox.next(address);
  const field = page.getByLabel(say['code.label'], { exact: true });
  await field.fill('');
  await field.pressSequentially(wrongCodes(mail.code, 1)[0]);
  await page.getByRole('button', { name: say['code.button'] }).click();
  await page.locator('#error:not(:empty)').waitFor();
  await look('[2e]');
  await field.fill('');
  await field.pressSequentially(mail.code);
  await page.getByRole('button', { name: say['code.button'] }).click();
  await reachesApp(page, '/in');
  return mail;
}

for (const language of ['ar', 'uk', 'ja']) {
  test(`28 32 in ${language} the main screens are accessible, and nothing overflows on the narrowest screen`, async () => {
    const say = await texts(language);
    const visit = await speaking(language);
    const { context, page } = visit;
    const mail = await signIn(page, say, `${language}@example.com`, async (screen) => {
      const root = page.locator('html');
      assert.equal(await root.getAttribute('lang'), language, screen);
      assert.equal(await root.getAttribute('dir'), language === 'ar' ? 'rtl' : 'ltr', screen);
      await looksRight(visit, `${screen} in ${language}`);
    });
    assert.equal(mail.headers['content-language'], language); // 84: the mail follows the page
    for (const name of ['', 'sessions', 'activity', 'settings', 'ways', 'backup-codes', 'language', 'signout']) {
      await page.goto(`${door.origin}/.doorcode/${name}`);
      await looksRight(visit, `the page ${name || 'overview'} in ${language}`);
    }
    await context.close();
  });
}

// lines are the lines of an element as they stand.
const lines = (page, selector) => page.locator(selector).evaluate((element) => {
  const [text] = element.childNodes, range = document.createRange(), found = [];
  for (let top, i = 0; i < text.length; i++) {
    range.setStart(text, i);
    range.setEnd(text, i + 1);
    const at = range.getBoundingClientRect().top;
    if (at !== top) found.push('');
    top = at;
    found[found.length - 1] += text.data[i];
  }
  return found;
});

test('32 Japanese headings end their lines between phrases on the narrowest screen', async () => {
  const say = await texts('ja');
  const { context, page } = await speaking('ja', { viewport: { width: 320, height: 640 } });
  await page.goto(`${door.origin}/phrases`);
  await page.getByLabel(say['email.label']).fill('phrases@example.com');
  await page.getByRole('button', { name: say['email.button'] }).click();
  await sees(page, say['code.heading']);
  // A machine without a Japanese font shows it narrower, so that it would need no second line.
  await page.locator('h1').evaluate((h1) => {
    const range = document.createRange();
    range.selectNodeContents(h1);
    h1.style.maxWidth = `${0.8 * [...range.getClientRects()].reduce((sum, line) => sum + line.width, 0)}px`;
  });
  assert.deepEqual(await lines(page, 'h1'), ['メールを', '確認してください']);
  await context.close();
});

test('31 84 Arabic goes from right to left; codes, addresses and their field do not', async () => {
  const say = await texts('ar');
  const { context, page } = await speaking('ar', { viewport: { width: 360, height: 740 } });
  const mail = await signIn(page, say, 'rtl@example.com', async (screen) => {
    if (screen === '[1]') return;
    const { field, address, ref, sign, errorEdge } = await page.evaluate(() => {
      const style = (selector) => getComputedStyle(document.querySelector(selector));
      const [address, ref] = document.querySelectorAll('#lead bdi');
      const brand = document.querySelector('.sign').getBoundingClientRect();
      return {
        field: style('#code').direction, address: address.textContent, ref: ref.textContent,
        sign: brand.left > innerWidth / 2, errorEdge: style('#error').borderRightWidth,
      };
    });
    assert.equal(field, 'ltr', screen);
    assert.equal(address, 'rtl@example.com', screen);
    assert.match(ref, /^\w{3}$/, screen);
    assert.ok(sign, `${screen}: the name stands on the left`);
    if (screen === '[2e]') assert.equal(errorEdge, '4px', screen);
  });
  assert.match(mail.html, /<html[^>]* dir="?rtl/);
  await context.close();
});

// buttonsOf are the texts of what can be pressed, as they stand in the source.
const buttonsOf = (html) => [...html.matchAll(/<(button|a)\b([^>]*)>([^<]*)/g)]
  .filter(([, tag, attributes]) => tag === 'button' || /class="[^"]*button/.test(attributes))
  .map(([, , attributes, text]) => (/class="plain"/.test(attributes) ? `plain ${text}` : text).trim());

// tooWide names what does not fit.
const tooWide = (page) => page.evaluate(() => {
  const faults = [...document.querySelectorAll('button, a.button')]
    .filter((element) => element.checkVisibility() && element.scrollWidth > element.clientWidth + 1)
    .map((element) => element.textContent.trim());
  if (document.scrollingElement.scrollWidth > document.documentElement.clientWidth) faults.push('the page scrolls sideways');
  return faults;
});

test('32 in every language each button fits on a screen of 320 px', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'doorcode-preview-'));
  const browser = await launch();
  try {
    execFileSync(binary, ['doorcode', 'preview', '--out', folder], { env: { ...process.env, HOME: folder } });
    const page = await browser.newPage({ viewport: { width: 320, height: 640 } });
    const faults = [];
    for (const language of languages) {
      const seen = new Set();
      for (const name of (await readdir(path.join(folder, language, 'light'))).sort()) {
        const file = path.join(folder, language, 'light', name);
        const fresh = buttonsOf(await readFile(file, 'utf8')).filter((text) => !seen.has(text));
        if (!fresh.length) continue;
        fresh.forEach((text) => seen.add(text));
        await page.goto(`file://${file}`);
        faults.push(...(await tooWide(page)).map((fault) => `${language}, ${name}: ${fault}`));
      }
      assert.ok(seen.size > 50, `${language} has ${seen.size} buttons`);
    }
    none(faults, 'at 320 px');
  } finally {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  }
});

// broken are the words of an element's texts within which a line ends.
const broken = (page, selector) => page.locator(selector).evaluateAll((elements) => elements.flatMap((element) => {
  const range = document.createRange(), walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT), found = [];
  for (let text; (text = walker.nextNode());) {
    for (const { 0: word, index } of text.data.matchAll(/[\p{L}\p{N}]+/gu)) {
      range.setStart(text, index);
      range.setEnd(text, index + word.length);
      if (range.getClientRects().length > 1) found.push(word);
    }
  }
  return found;
}));

test('32 in every language of letters no line ends within a word of the settings at 360 px', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'doorcode-preview-'));
  const browser = await launch();
  try {
    execFileSync(binary, ['doorcode', 'preview', '--out', folder], { env: { ...process.env, HOME: folder } });
    const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
    const faults = [];
    for (const language of languages.filter((name) => !/^(ja|zh)/.test(name))) {
      for (const name of ['account-settings', 'account-settings-chosen']) {
        await page.goto(`file://${path.join(folder, language, 'light', `${name}.html`)}`);
        faults.push(...(await broken(page, 'dl')).map((word) => `${language}, ${name}: ${word}`));
      }
    }
    none(faults, 'at 360 px');
  } finally {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  }
});

const ownCookie = async (context) => (await context.cookies()).find(({ name }) => name === 'doorcode-language');

test('a language is chosen by the keyboard alone, with scripts on and off', async () => {
  for (const javaScriptEnabled of [true, false]) {
    const { context, page, seen } = await door.visit({ javaScriptEnabled });
    await page.goto(`${door.origin}/papers?page=2`);
    await page.getByRole('link', { name: 'Language' }).focus();
    await page.keyboard.press('Enter');
    await sees(page, 'Choose a language');
    assert.ok(await page.getByRole('radio', { name: 'The language of this browser' }).isChecked());
    for (let i = 0; i < 20 && !(await page.getByRole('radio').first().evaluate((first) => first === document.activeElement)); i++) {
      await page.keyboard.press('Tab');
    }
    for (let i = 0; i < languages.length && !(await page.getByRole('radio', { name: 'Deutsch' }).isChecked()); i++) {
      await page.keyboard.press('ArrowDown');
    }
    await page.keyboard.press('Enter');
    await sees(page, (await texts('de'))['email.heading'].replace('{app}', 'Example'));
    assert.equal(page.url(), `${door.origin}/papers?page=2`);
    const cookie = await ownCookie(context);
    assert.equal(cookie.value, 'de');
    assert.ok(cookie.httpOnly && cookie.expires > Date.now() / 1000 + 300 * 86_400);
    assert.deepEqual(seen.complaints, []);
    await context.close();
  }
});

test('93 a saved language is that of its person after proof, and in the next mail, on another machine too', async () => {
  const english = await texts('en');
  const german = await texts('de');
  const first = await door.visit();
  await enter(door, first.page, { address: 'polyglot@example.com' });
  await first.page.goto(`${door.origin}/.doorcode/settings`);
  await first.page.getByRole('button', { name: english['account.change_settings'] }).click();
  await first.page.getByLabel(english['account.language']).selectOption('de');
  await first.page.getByRole('button', { name: english['account.save'] }).click();
  await sees(first.page, german['account.settings_heading']);
  await first.page.getByRole('link', { name: german['account.backup_codes'] }).first().click();
  await first.page.getByRole('button', { name: /10/ }).first().click();
  assert.equal((await door.mailbox.next('polyglot@example.com')).headers['content-language'], 'de');
  await first.context.close();

  const second = await door.visit();
  await second.page.goto(`${door.origin}/there`);
  await askForCode(second.page, 'polyglot@example.com'); // nobody knows yet who it is
  await enterCode(second.page, (await door.mailbox.next('polyglot@example.com')).code);
  await reachesApp(second.page, '/there');
  await second.page.goto(`${door.origin}/.doorcode/`);
  await sees(second.page, german['account.heading']);
  await second.context.close();
});

test('an operator\'s style, templates and texts show, and no policy stops them', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'doorcode-look-'));
  const template = await readFile(new URL('../../challenge/pages/templates/code.html', import.meta.url), 'utf8');
  await writeFile(path.join(folder, 'code.html'), template.replace('<main>', '<main>\n<p id="mine">Members only</p>'));
  await mkdir(path.join(folder, 'en'));
  await writeFile(path.join(folder, 'en', 'own.json'), '{"code.button": "Let me in"}');
  await writeFile(path.join(folder, 'own.css'), '#mine { color: rgb(1, 2, 3); background: url(data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=) }\nbody { font-family: serif }');
  const own = await openDoor({ look: [`templates ${folder}`, `css ${path.join(folder, 'own.css')}`, 'announcement "Closed on Sunday"'] });
  try {
    const visit = await own.visit();
    const { page, seen } = visit;
    await page.goto(`${own.origin}/own`);
    await askForCode(page, 'own@example.com');
    const mine = page.locator('#mine');
    assert.equal(await mine.evaluate((element) => getComputedStyle(element).color), 'rgb(1, 2, 3)');
    assert.equal(await page.getByRole('note').textContent(), 'Closed on Sunday');
    await looksRight(visit, '[2] in a look of its own');
    await page.getByRole('button', { name: 'Let me in' }).waitFor();
    await page.locator('#code').fill((await own.mailbox.next('own@example.com')).code); // as a whole, so it is sent
    await reachesApp(page, '/own');
    await page.goto(`${own.origin}/.doorcode/`);
    assert.match(await page.locator('body').evaluate((body) => getComputedStyle(body).fontFamily), /serif/);
    await looksRight(visit, 'the overview in a look of its own');
    assert.deepEqual(seen.complaints, []);
    await picture(page, 'own look');
  } finally {
    await own.close();
    await rm(folder, { recursive: true, force: true });
  }
});
