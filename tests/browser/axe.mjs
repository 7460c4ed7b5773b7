// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// axe-core over a page as it stands, in light and in dark.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { launch } from './chromium.mjs';

const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

// violations returns one line for each rule that the page breaks.
export async function violations(page) {
  // The page's own policy forbids foreign scripts; the debugger's evaluation is outside of it.
  await page.evaluate(source);
  const result = await page.evaluate((values) => globalThis.axe.run(document, { runOnly: { type: 'tag', values } }), tags);
  return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
}

// none fails unless the list of faults is empty, and names them.
export function none(faults, where) {
  assert.equal(faults.length, 0, `${where}:\n${faults.join('\n')}`);
}

// accessible fails unless axe finds nothing in light and nothing in dark.
export async function accessible(page, screen) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    none(await violations(page), `${screen} in ${colorScheme}`);
  }
}

// accessibleCopy does the same for a page with scripts off. axe is a script
// and would wait there for ever, so it looks at a copy.
export async function accessibleCopy(page, screen) {
  const browser = await launch();
  try {
    const copy = await browser.newPage();
    await copy.setContent((await page.content()).replace(/<script\b.*?<\/script>/gs, ''));
    await accessible(copy, screen);
  } finally {
    await browser.close();
  }
}
