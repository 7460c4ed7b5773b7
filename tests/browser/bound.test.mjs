// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Device bound session credentials, in a browser that has them. Its keys are in software
// here; everything else is as with a chip.

import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import https from 'node:https';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import tls from 'node:tls';
import { asPage } from './caddy.mjs';
import { launchProfile, newProfile } from './chromium.mjs';
import { openDoor } from './door.mjs';
import { button, enter, reachesApp, says, sees } from './screens.mjs';

const host = 'app.example.test';
const bound = '__Host-doorcode-bound';
const appearsWithin = 10_000; // ms
// Until then, requests may be under way without the cookie that is set for the first time.
const heldAfter = 31_000; // ms

let door, profile, context, page;
before(async () => {
  door = await openDoor({ browser: false, secure: true, host });
  profile = await newProfile();
  context = await launchProfile(profile.folder, { args: await switches(new URL(door.origin).port) });
  page = await context.newPage();
});
after(async () => {
  await context?.close();
  await profile?.remove();
  await door?.close();
});

// switches have Chromium keep keys in software, and trust this one certificate: it binds
// nothing to a site whose certificate it does not trust.
async function switches(port) {
  let certificate;
  await until('a certificate', async () => Boolean(certificate = await certificateOf(port))); // Caddy makes it meanwhile
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return [
    '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-component-update', '--disable-sync',
    '--enable-features=DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting',
    `--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`,
    `--host-resolver-rules=MAP ${host} 127.0.0.1`,
  ];
}

function certificateOf(port) {
  return new Promise((resolve) => {
    const socket = tls.connect({ host: '127.0.0.1', port, servername: host, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().raw);
      socket.destroy();
    });
    socket.once('error', () => resolve(undefined));
  });
}

// until waits for something to be so.
async function until(what, holds) {
  for (const deadline = Date.now() + appearsWithin; !(await holds());) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${appearsWithin} ms\n${door.log()}`);
    await pause(50);
  }
}

const cookie = async (name) => (await context.cookies()).find((each) => each.name === name);

// replay sends what a copy of the browser's cookies can, from another program.
async function replay(without = []) {
  const jar = (await context.cookies()).filter(({ name }) => !without.includes(name));
  return new Promise((resolve, reject) => {
    const request = https.request({
      host: '127.0.0.1', port: new URL(door.origin).port, servername: host, rejectUnauthorized: false, agent: false, path: '/copied',
      headers: { ...asPage, Host: new URL(door.origin).host, Cookie: jar.map(({ name, value }) => `${name}=${value}`).join('; ') },
    }, (response) => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode, reason: response.headers['doorcode-reason'] }));
    });
    request.on('error', reject);
    request.end();
  });
}

test('BND-01 a browser that can binds itself, and keeps its cookie fresh by itself', async () => {
  await enter(door, page, { url: '/bound', address: 'ana@example.com', remember: true });
  await until('the short cookie', async () => Boolean(await cookie(bound)));
  const first = await cookie(bound);
  assert.ok(first.httpOnly && first.secure && first.sameSite === 'Lax' && first.path === '/', JSON.stringify(first));
  assert.ok(first.expires * 1000 < Date.now() + 601_000, 'it lives for ten minutes at most');
  await page.goto(`${door.origin}/shown`);
  await reachesApp(page, '/shown');

  // As when its time is over: the browser proves its key before it asks for anything.
  await context.clearCookies({ name: bound });
  await page.goto(`${door.origin}/renewed`);
  await reachesApp(page, '/renewed');
  assert.ok(await cookie(bound), 'there is no new short cookie');
});

test('BND-02 a copied jar opens nothing once the short cookie is over, and the person is told', async () => {
  await pause(heldAfter);
  assert.equal((await replay()).status, 200, 'with the short cookie, which nobody can tell from the browser');
  const refused = await replay([bound]);
  assert.deepEqual(refused, { status: 401, reason: 'unproved' });
  assert.deepEqual(await replay([bound, '__Host-Http-doorcode']), { status: 401, reason: 'unproved' }, 'the device cookie alone');
  const told = await door.mailbox.notice('ana@example.com');
  assert.match(told.subject, /Someone may have copied your Example sign-in/);
  await page.goto(`${door.origin}/mine`);
  await reachesApp(page, '/mine');
});

test('BND-01 a link from another site finds the browser bound, too', async () => {
  await context.clearCookies({ name: bound });
  await page.goto(`data:text/html,<a href="${door.origin}/linked">there</a>`);
  await page.getByRole('link').click();
  await reachesApp(page, '/linked');
});

test('BND-01 the app sees no cookie of ours, and none of the requests about keys', () => {
  for (const { url, headers } of door.app.requests) {
    assert.ok(!/doorcode/.test(headers.cookie ?? ''), headers.cookie);
    assert.ok(!url.includes('.doorcode'), url);
  }
});

test('BND-01 signing out ends the binding, and the next session has its own', async () => {
  const ended = await cookie('__Host-Http-doorcode');
  const before = await cookie(bound);
  await page.goto(`${door.origin}/.doorcode/signout`);
  await button(page, 'Sign out').click();
  await sees(page, "You're signed out");
  assert.equal(await cookie(bound), undefined);
  await context.addCookies([ended]);
  await page.goto(`${door.origin}/again`);
  await sees(page, 'Sign in to Example');
  await says(page, 'Email address');
  await enter(door, page, { url: '/again', address: 'ana@example.com' });
  await until('another short cookie', async () => { const now = await cookie(bound); return now && now.value !== before.value; });
  await context.clearCookies({ name: bound });
  await page.goto(`${door.origin}/last`);
  await reachesApp(page, '/last');
  assert.ok(await cookie(bound));
});
