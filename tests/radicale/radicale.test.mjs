// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// A real calendar server behind the door: a person's session opens the person's
// own calendars, and nothing else does.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask } from '../browser/caddy.mjs';
import { openDoor } from '../browser/door.mjs';
import { newVisitor } from '../browser/visitor.mjs';
import { startRadicale } from './radicale.mjs';

let radicale, door, ana;
before(async () => {
  radicale = await startRadicale();
  door = await openDoor({ browser: false, upstream: radicale.port, lines: ['copy_headers Remote-User>X-Remote-User'] });
  ana = newVisitor(door);
  await ana.enter('/', 'ana@example.com');
});
after(async () => {
  await door?.close();
  await radicale?.stop();
});

const look = { method: 'PROPFIND', headers: { Depth: '0', 'Content-Type': 'application/xml' }, body: '<propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>' };

test('without the door Radicale believes whoever asks, which is why it listens on loopback only', async () => {
  const answer = await ask(`http://localhost:${radicale.port}/bob@example.com/`, { ...look, headers: { ...look.headers, 'X-Remote-User': 'bob@example.com' } });
  assert.equal(answer.status, 207);
});

test('a calendar client without a session gets a problem that says what to do', async () => {
  const answer = await newVisitor(door).send('/ana@example.com/', look);
  assert.equal(answer.status, 401);
  assert.match(answer.headers['content-type'], /^application\/problem\+json/);
  assert.equal(JSON.parse(answer.body).type, 'urn:doorcode:check-needed');
});

test('after the code the session opens the calendars of its own person', async () => {
  const answer = await ana.send('/ana@example.com/', look);
  assert.equal(answer.status, 207);
  assert.match(decodeURIComponent(answer.body), /\/ana@example\.com\//);
});

test('a calendar can be made, filled and read back through the door', async () => {
  const made = await ana.send('/ana@example.com/tea/', { method: 'MKCALENDAR' });
  assert.equal(made.status, 201);
  const event = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//doorcode//test//EN', 'BEGIN:VEVENT', 'UID:one', 'DTSTAMP:20260101T000000Z', 'DTSTART:20260101T090000Z', 'SUMMARY:Tea', 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n');
  const put = await ana.send('/ana@example.com/tea/one.ics', { method: 'PUT', headers: { 'Content-Type': 'text/calendar' }, body: event });
  assert.equal(put.status, 201);
  assert.match((await ana.send('/ana@example.com/tea/one.ics')).body, /SUMMARY:Tea/);
});

test("nobody else's calendars open, whoever the visitor claims to be", async () => {
  assert.equal((await ana.send('/bob@example.com/', look)).status, 403);
  for (const name of ['X-Remote-User', 'x-remote-user', 'X_Remote_User', 'X.Remote.User', 'Remote-User']) {
    const forged = { ...look, headers: { ...look.headers, [name]: 'bob@example.com' } };
    assert.equal((await ana.send('/bob@example.com/', forged)).status, 403, name);
    assert.equal((await ana.send('/ana@example.com/', forged)).status, 207, name);
    assert.equal((await newVisitor(door).send('/bob@example.com/', forged)).status, 401, name);
  }
});
