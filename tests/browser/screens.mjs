// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// What a person sees and does on the check's screens, in a person's words.

// heading is the page's only h1.
export const heading = (page) => page.getByRole('heading', { level: 1 });

export const emailField = (page) => page.getByLabel('Email address');
export const codeField = (page) => page.getByLabel('Code', { exact: true });
export const rememberBox = (page) => page.getByLabel(/Don.t ask again in this browser/);
export const button = (page, name) => page.getByRole('button', { name });

// sees waits until the page's heading is the text.
export const sees = (page, text) => heading(page).filter({ hasText: text }).waitFor();

// says waits until the page shows the text somewhere.
export const says = (page, text) => page.getByText(text).first().waitFor();

// reachesApp waits until the app's own page shows, at the path.
export const reachesApp = (page, path) => page.locator('#path').filter({ hasText: path }).waitFor();

// askForCode types the address on [1] and waits for [2].
export async function askForCode(page, address) {
  await emailField(page).fill(address);
  await button(page, 'Send code').click();
  await sees(page, 'Check your email');
}

// enterCode types a code as a whole, without the event that a paste makes,
// and presses the button.
export async function enterCode(page, code) {
  await codeField(page).fill('');
  await codeField(page).pressSequentially(code);
  await button(page, 'Continue').click();
}

// enter goes the whole way from a protected address to the app.
export async function enter(door, page, { url = '/', address, remember = false }) {
  await page.goto(door.origin + url);
  await askForCode(page, address);
  const mail = await door.mailbox.next(address);
  if (remember) await rememberBox(page).check();
  await enterCode(page, mail.code);
  await reachesApp(page, new URL(url, door.origin).pathname);
  return mail;
}

// wrongCodes returns n different codes of six digits that are not the right one.
export function wrongCodes(right, n) {
  return Array.from({ length: n }, (_, i) => String((Number(right) + 111_111 * (i + 1)) % 1_000_000).padStart(6, '0'));
}
