// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Every mail that there is a golden file of, as a phone shows it.

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { accessible } from './axe.mjs';
import { launch } from './chromium.mjs';
import { picture, scrollsSideways } from './looks.mjs';
import { parseMail } from './mailbox.mjs';

const folder = path.join(import.meta.dirname, '../../challenge/mailer/testdata/golden');

let chromium;

before(async () => { chromium = await launch(); });
after(() => chromium.close());

test('axe finds nothing in any mail, and none is wider than a narrow phone', async () => {
  const page = await chromium.newPage({ viewport: { width: 360, height: 740 } });
  let looked = 0;
  for (const name of (await readdir(folder)).sort()) {
    const { html } = parseMail(await readFile(path.join(folder, name), 'utf8'));
    if (!html) continue; // a mail that is text only
    await page.setContent(html);
    await page.setViewportSize({ width: 320, height: 740 });
    assert.equal(await scrollsSideways(page), false, `${name} scrolls sideways at 320 px`);
    await page.setViewportSize({ width: 360, height: 740 });
    await accessible(page, name);
    await picture(page, `mail ${name.replace(/\.eml$/, '')}`);
    looked++;
  }
  assert.ok(looked > 10, `only ${looked} mails have HTML`);
  await page.close();
});
