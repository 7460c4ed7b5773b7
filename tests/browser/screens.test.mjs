// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// The screens that need a setting of their own, each looked at in light and dark.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { accessible } from './axe.mjs';
import { ask, asPage, binary } from './caddy.mjs';
import { openDoor } from './door.mjs';
import { askForCode, codeField, emailField, enterCode, heading, reachesApp, says, sees } from './screens.mjs';

// behind opens a door for one test and closes it whatever happens.
async function behind(options, run) {
  const door = await openDoor(options);
  try {
    await run(door);
  } finally {
    await door.close();
  }
}

test('28 [1] and [2] are accessible, and [2] says why it asks', () => behind({}, async (door) => {
  const { page } = await door.visit();
  await page.goto(door.origin);
  await accessible(page, '[1]');
  await askForCode(page, 'look@example.com');
  await accessible(page, '[2]');
  await page.getByText('Why am I seeing this?').click();
  await says(page, /We don.t recognise this browser\. We check each new browser once\./);
  await accessible(page, '[2] with its reason');
}));

test('28 behind a first step [2] masks the address and mails by itself; [6] turns away who is not on the list', async () => {
  const password = 'correct horse';
  const hash = execFileSync(binary, ['hash-password', '--plaintext', password], { encoding: 'utf8' }).trim();
  await behind({
    before: ['basic_auth {', `\tana ${hash}`, `\teve ${hash}`, '}'],
    lines: ['identity {http.auth.user.id} {', '\tmap ana ana@example.com', '\tmap eve eve@evil.example', '}'],
  }, async (door) => {
    const { page } = await door.visit({ httpCredentials: { username: 'ana', password } });
    await page.goto(`${door.origin}/known`);
    await sees(page, 'Check your email');
    await says(page, 'a••@example.com');
    assert.doesNotMatch(await page.content(), /ana@example\.com|Use a different email/);
    await accessible(page, '[2] behind a first step');
    await enterCode(page, (await door.mailbox.next('ana@example.com')).code);
    await reachesApp(page, '/known');

    const { page: refused } = await door.visit({ httpCredentials: { username: 'eve', password } });
    const response = await refused.goto(`${door.origin}/known`);
    assert.equal(response.status(), 403);
    await sees(refused, /You don.t have access to Example/);
    await accessible(refused, '[6]');
    assert.deepEqual(await door.mailbox.to('eve@evil.example'), []);
  });
});

test('2m a mail server that does not answer is told as such, and the field for the code stays', () => behind({
  mail: ['mail smtp 127.0.0.1:1 {', '\tfrom login@example.com', '\ttls off', '}'],
}, async (door) => {
  const { page } = await door.visit();
  await page.goto(door.origin);
  await emailField(page).fill('ana@example.com');
  await page.getByRole('button', { name: 'Send code' }).click();
  await codeField(page).waitFor();
  let response;
  for (let i = 0; i < 100 && response?.status() !== 503; i++) {
    await pause(100); // the queue tries and fails in its own time
    response = await page.reload();
  }
  assert.equal(response.status(), 503);
  assert.equal(response.headers()['retry-after'], '30');
  await sees(page, /We couldn.t send the email/);
  assert.ok(await codeField(page).isVisible());
  await accessible(page, '[2m]');
}));

// relay is a mail server that takes everything, until it is stopped. It is on the port, or on any.
async function relay(at = 0) {
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    let content = false;
    const reply = (line) => {
      if (content && line !== '.') return;
      content = /^data/i.test(line);
      socket.write(content ? '354 go on\r\n' : '250 ok\r\n');
    };
    createInterface({ input: socket }).on('line', reply).on('error', () => {});
    socket.write('220 relay.test\r\n');
  });
  await once(server.listen(at, '127.0.0.1'), 'listening');
  const stop = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: server.address().port, stop };
}

test('2m an open page learns that no mail goes out, without being loaded anew', async () => {
  const server = await relay();
  try {
    await behind({ mail: [`mail smtp 127.0.0.1:${server.port} {`, '\tfrom login@example.com', '\ttls off', '}'] }, async (door) => {
      const { page, seen } = await door.visit();
      await page.goto(`${door.origin}/open`);
      await askForCode(page, 'ana@example.com');
      const told = page.locator('#status');
      await page.waitForResponse(/status$/);
      assert.equal(await told.textContent(), '');
      server.stop();
      const { page: other } = await door.visit();
      await other.goto(door.origin);
      await emailField(other).fill('ben@example.com');
      await other.getByRole('button', { name: 'Send code' }).click();
      await told.filter({ hasText: /Our mail service isn.t answering\. Nothing is wrong with your account\. We keep trying until \d/ }).waitFor();
      await sees(page, 'Check your email');
      await accessible(page, '[2] while no mail goes out');
      assert.deepEqual(seen.requests.filter(({ method, url }) => method === 'GET' && url.endsWith('/open')).length, 2, 'it was loaded anew');
      assert.deepEqual(seen.complaints, []);
    });
  } finally {
    server.stop();
  }
});

test('2m the page that no mail goes out shows the code page once mail goes out again', async () => {
  let server = await relay();
  const { port } = server;
  try {
    await behind({ mail: [`mail smtp 127.0.0.1:${port} {`, '\tfrom login@example.com', '\ttls off', '}'] }, async (door) => {
      server.stop();
      const { page, seen } = await door.visit();
      await page.goto(`${door.origin}/down`);
      await emailField(page).fill('ana@example.com');
      await page.getByRole('button', { name: 'Send code' }).click();
      await codeField(page).waitFor();
      for (let i = 0, response; i < 100 && response?.status() !== 503; i++) {
        await pause(100); // the queue tries and fails in its own time
        response = await page.reload();
      }
      await sees(page, /We couldn.t send the email/);
      await page.waitForResponse(/status$/);
      assert.equal(await page.getByText(/Our mail service isn.t answering/).count(), 1, 'it is told twice');
      await accessible(page, '[2m] that asks');
      server = await relay(port);
      await sees(page, 'Check your email');
      assert.deepEqual(seen.complaints, []);
    });
  } finally {
    server.stop();
  }
});

test('14 over plain http on a public name the page tells the operator what to do', () => behind({ host: 'app.example.test' }, async (door) => {
  const answer = await ask(door.origin, { headers: asPage });
  assert.equal(answer.status, 400);
  assert.match(answer.body, /This site is served over http/);
  assert.deepEqual(answer.cookies, []);
  const { page } = await door.visit();
  await page.setContent(answer.body);
  assert.equal(await heading(page).count(), 1);
  await accessible(page, '[14]');
}));
