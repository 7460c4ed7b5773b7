// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// What can be said of the looks of any screen, as it stands.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { none, violations } from './axe.mjs';

// A folder to put pictures of the screens in, for people to look at.
const pictures = process.env.DOORCODE_PICTURES;

export const scrollsSideways = (page) => page.evaluate(() => document.scrollingElement.scrollWidth > document.documentElement.clientWidth);

// borderless names the fields and buttons of which forced colours leave nothing
// to be seen.
export const borderless = (page) => page.evaluate(() => [...document.querySelectorAll('input:not([type=hidden], [type=checkbox], [type=radio]), button')]
  .filter((element) => element.checkVisibility())
  .filter((element) => {
    const { borderTopStyle, borderTopWidth, textDecorationLine } = getComputedStyle(element);
    const underlined = element.tagName === 'BUTTON' && textDecorationLine === 'underline';
    return !underlined && (borderTopStyle === 'none' || parseFloat(borderTopWidth) < 1);
  })
  .map((element) => element.outerHTML.slice(0, 120)));

// looksRight looks at what a visitor sees: with axe on a phone in light and in
// dark, in forced colours, on the narrowest screen, and for what the page's own
// policy had to stop.
export async function looksRight({ page, seen }, screen) {
  const size = page.viewportSize();
  await page.setViewportSize({ width: 360, height: 740 });
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    none(await violations(page), `${screen} in ${colorScheme}`);
    await picture(page, `${screen} ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: 'light', forcedColors: 'active' });
  none(await borderless(page), `${screen} in forced colours`);
  await picture(page, `${screen} forced`);
  await page.emulateMedia({ forcedColors: 'none' });
  await page.setViewportSize({ width: 320, height: 640 });
  assert.equal(await scrollsSideways(page), false, `${screen} scrolls sideways at 320 px`);
  await page.setViewportSize(size);
  assert.deepEqual(seen.complaints, [], screen);
}

// picture puts the page into that folder, if there is one.
export async function picture(page, name) {
  if (!pictures) return;
  await mkdir(pictures, { recursive: true });
  await page.screenshot({ path: path.join(pictures, `${name.replace(/\W+/g, '-').replace(/^-/, '')}.png`), fullPage: true });
}
