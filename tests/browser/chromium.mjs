// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Debian's Chromium, started so that it talks to nobody but the test.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

const options = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
};

// launch starts a browser; every context of it is a stranger to the others.
export const launch = () => chromium.launch(options);

// launchProfile starts a browser that keeps what it learns in a folder, as a
// person's own does: close it and start it again on the same folder.
export const launchProfile = (folder, settings = {}) => chromium.launchPersistentContext(folder, { ...options, ...settings });

// newProfile returns an empty profile folder, and what removes it. With
// cookies off, the setting is the one that a person makes in the browser.
export async function newProfile({ cookies = true } = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'doorcode-profile-'));
  await mkdir(path.join(folder, 'Default'));
  if (!cookies) {
    const blocked = { profile: { default_content_setting_values: { cookies: 2 } } };
    await writeFile(path.join(folder, 'Default', 'Preferences'), JSON.stringify(blocked));
  }
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

// watch collects what a page asks for and complains of.
export function watch(page) {
  const seen = { requests: [], complaints: [], dialogs: [] };
  page.on('request', (request) => seen.requests.push({ method: request.method(), url: request.url() }));
  page.on('console', (message) => { if (/Content Security Policy/i.test(message.text())) seen.complaints.push(message.text()); });
  page.on('pageerror', (error) => seen.complaints.push(String(error)));
  page.on('dialog', (dialog) => { seen.dialogs.push(dialog.message()); dialog.dismiss(); });
  return seen;
}

// paste puts text on the clipboard and presses the keys that paste it.
export async function paste(page, field, text) {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await field.focus();
  await page.evaluate((value) => navigator.clipboard.writeText(value), text);
  await page.keyboard.press('Control+V');
}
