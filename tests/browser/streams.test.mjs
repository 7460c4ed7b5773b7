// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Connections that are open when their session ends.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDoor } from './door.mjs';
import { button, enter, sees } from './screens.mjs';

const endsWithin = 5_000; // ms

let door;
before(async () => { door = await openDoor(); });
after(() => door?.close());

// connect opens a WebSocket and an event stream, and keeps them in the page.
// It returns whether they opened.
const connect = (page) => page.evaluate(() => {
  const socket = new WebSocket(`ws://${location.host}/socket`);
  const events = new EventSource('/events');
  globalThis.streams = { socket, events };
  const opened = (stream, refused) => new Promise((resolve) => {
    stream.onopen = () => resolve(true);
    stream.addEventListener(refused, () => resolve(false));
  });
  return Promise.all([opened(socket, 'close'), opened(events, 'error')]);
});

// states are 1 for what is open, and 3 and 2 for what is closed for good.
const states = (page) => page.evaluate(() => [globalThis.streams.socket.readyState, globalThis.streams.events.readyState]);

for (const remember of [false, true]) {
  test(`50 a WebSocket and an event stream ${remember ? 'of a remembered browser ' : ''}end when another tab signs out, and new ones are refused`, async () => {
    const { context, page } = await door.visit();
    await enter(door, page, { url: '/live', address: `live-${remember}@example.com`, remember });
    assert.deepEqual(await connect(page), [true, true]);
    const other = await context.newPage();
    await other.goto(`${door.origin}/.doorcode/signout`);
    assert.deepEqual(await states(page), [1, 1]);
    await button(other, 'Sign out').click();
    await sees(other, /You.re signed out/);
    await page.waitForFunction(() => globalThis.streams.socket.readyState === 3 && globalThis.streams.events.readyState === 2, null, { timeout: endsWithin });
    assert.deepEqual(await connect(page), [false, false]);
    await context.close();
  });
}
