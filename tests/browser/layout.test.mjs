// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Narrow, enlarged, spaced out, by keyboard, dark, and in forced colours.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { none } from './axe.mjs';
import { openDoor } from './door.mjs';
import { borderless, scrollsSideways } from './looks.mjs';
import { askForCode, button, codeField, emailField, enterCode, reachesApp, says, wrongCodes } from './screens.mjs';

let door;
before(async () => { door = await openDoor(); });
after(() => door?.close());

// throughScreens calls look on [1], [2] and [2e], and then enters.
async function throughScreens(settings, address, look) {
  const { context, page } = await door.visit(settings);
  await page.goto(`${door.origin}/looked`);
  await look(page, '[1]');
  await askForCode(page, address);
  await look(page, '[2]');
  const { code } = await door.mailbox.next(address);
  await enterCode(page, wrongCodes(code, 1)[0]);
  await says(page, 'You have 4 tries left');
  await look(page, '[2e]');
  await enterCode(page, code);
  await reachesApp(page, '/looked');
  await context.close();
}

// clipped names the elements that hide a part of what they hold.
const clipped = (page) => page.evaluate(() => [...document.querySelectorAll('body *')]
  .filter((element) => element.checkVisibility() && (element.tagName === 'INPUT' || getComputedStyle(element).overflow !== 'visible'))
  .filter((element) => element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1)
  .map((element) => element.outerHTML.slice(0, 120)));

test('27 at 320 px nothing scrolls sideways', async () => {
  await throughScreens({ viewport: { width: 320, height: 640 } }, 'narrow@example.com', async (page, screen) => {
    assert.equal(await scrollsSideways(page), false, screen);
  });
});

test('27 at 400% the page is usable', async () => {
  // A window of 1280x1024 enlarged four times leaves 320x256 CSS pixels.
  await throughScreens({ viewport: { width: 320, height: 256 }, deviceScaleFactor: 4 }, 'large@example.com', async (page, screen) => {
    assert.equal(await scrollsSideways(page), false, screen);
  });
});

test('27 text spacing clips nothing', async () => {
  await throughScreens({ viewport: { width: 320, height: 640 } }, 'spaced@example.com', async (page, screen) => {
    await page.evaluate(() => {
      for (const element of document.querySelectorAll('body, body *')) {
        element.style.setProperty('line-height', '1.5', 'important');
        element.style.setProperty('letter-spacing', '0.12em', 'important');
        element.style.setProperty('word-spacing', '0.16em', 'important');
      }
      for (const element of document.querySelectorAll('p')) element.style.setProperty('margin-block-end', '2em', 'important');
    });
    assert.equal(await scrollsSideways(page), false, screen);
    none(await clipped(page), screen);
  });
});

test('27 the whole code is visible in its field', async () => {
  const { context, page } = await door.visit({ viewport: { width: 320, height: 640 } });
  await page.goto(door.origin);
  await askForCode(page, 'visible@example.com');
  await codeField(page).fill('000 000');
  const { holds, needs, size } = await codeField(page).evaluate((field) => ({
    holds: field.clientWidth, needs: field.scrollWidth, size: parseFloat(getComputedStyle(field).fontSize),
  }));
  assert.ok(needs <= holds, `${needs} > ${holds}`);
  assert.ok(size >= 16, 'smaller than 16 px makes iOS zoom');
  await context.close();
});

test('29 the keyboard reaches everything in order, with a visible focus', async () => {
  await throughScreens({}, 'keyboard@example.com', async (page, screen) => {
    const { inOrder, reached, faint } = await tabThrough(page);
    assert.deepEqual(reached, inOrder, screen);
    none(faint, `${screen}: less than 3 px of focus`);
  });
});

// tabThrough presses Tab once for each thing that can have the focus.
async function tabThrough(page) {
  const inOrder = await page.evaluate(() => {
    const focusable = [...document.querySelectorAll('a[href], button, input, summary, select, textarea')]
      .filter((element) => element.type !== 'hidden' && element.tabIndex >= 0 && element.checkVisibility());
    focusable.forEach((element, i) => { element.dataset.order = i; });
    document.activeElement.blur();
    return focusable.map((element) => Number(element.dataset.order));
  });
  // A click in the corner puts the starting point before everything.
  await page.mouse.click(1, 1);
  const reached = [];
  const faint = [];
  for (const _ of inOrder) {
    await page.keyboard.press('Tab');
    const { order, ring, html } = await page.evaluate(() => {
      const { dataset, outerHTML } = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      return { order: Number(dataset.order), ring: outlineStyle === 'none' ? 0 : parseFloat(outlineWidth), html: outerHTML.slice(0, 120) };
    });
    reached.push(order);
    if (ring < 3) faint.push(html);
  }
  return { inOrder, reached, faint };
}

test('29 the whole way goes by keyboard alone', async () => {
  const { context, page } = await door.visit();
  await page.goto(`${door.origin}/keys`);
  await emailField(page).waitFor();
  assert.ok(await emailField(page).evaluate((field) => field === document.activeElement), 'the first field has the focus');
  await page.keyboard.type('keys@example.com');
  await page.keyboard.press('Enter');
  await codeField(page).waitFor();
  const { code } = await door.mailbox.next('keys@example.com');
  await page.keyboard.type(code);
  await page.keyboard.press('Enter');
  await reachesApp(page, '/keys');
  await context.close();
});

test('29 every target is at least 24 px in each direction', async () => {
  await throughScreens({}, 'targets@example.com', async (page, screen) => {
    const small = await page.evaluate(() => [...document.querySelectorAll('a[href], button, input, summary')]
      // WCAG 2.5.8 lets a link in a sentence be as small as its line.
      .filter((element) => element.type !== 'hidden' && element.checkVisibility() && !(element.tagName === 'A' && getComputedStyle(element).display === 'inline'))
      .map((element) => ({ html: element.outerHTML.slice(0, 120), box: element.getBoundingClientRect() }))
      .filter(({ box }) => box.width < 24 || box.height < 24)
      .map(({ html, box }) => `${Math.round(box.width)}x${Math.round(box.height)} ${html}`));
    none(small, screen);
  });
});

test('30 dark is dark, and light is light', async () => {
  for (const [colorScheme, dark] of [['dark', true], ['light', false]]) {
    await throughScreens({ colorScheme }, `${colorScheme}@example.com`, async (page, screen) => {
      const [paper, ink] = await page.evaluate(() => {
        const lightness = (colour) => { const [r, g, b] = colour.match(/[\d.]+/g).map(Number); return (r + g + b) / 765; };
        const { backgroundColor, color } = getComputedStyle(document.body);
        return [lightness(backgroundColor), lightness(color)];
      });
      assert.equal(paper < 0.3, dark, `${screen}: the paper's lightness is ${paper}`);
      assert.equal(ink > 0.6, dark, `${screen}: the ink's lightness is ${ink}`);
    });
  }
});

test('30 with forced colours every field keeps a border, and every button that or a line', async () => {
  await throughScreens({ forcedColors: 'active' }, 'forced@example.com', async (page, screen) => {
    none(await borderless(page), screen);
    assert.ok(await button(page, /Send code|Continue/).first().isVisible());
  });
});
