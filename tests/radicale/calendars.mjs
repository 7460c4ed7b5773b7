// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Radicale behind a door that takes access tokens, and a person who makes and revokes
// them, by forms alone.

import assert from 'node:assert/strict';
import { openDoor } from '../browser/door.mjs';
import { newVisitor } from '../browser/visitor.mjs';
import { startRadicale } from './radicale.mjs';

export const ana = 'ana@example.com';
const page = '/.doorcode/tokens';

// openCalendars resolves when Ana is signed in.
export async function openCalendars() {
  const radicale = await startRadicale();
  const door = await openDoor({
    browser: false, upstream: radicale.port,
    lines: ['copy_headers Remote-User>X-Remote-User', 'tokens on', 'limits {', 'send_address 100/1h', '}'],
  }).catch(async (error) => { await radicale.stop(); throw error; });
  const person = newVisitor(door);
  const close = async () => {
    await door.close();
    await radicale.stop();
  };
  await person.enter('/', ana).catch(async (error) => { await close(); throw error; });

  return {
    door,
    radicale,
    close,
    // makeToken returns one that opens all, but for what fields say otherwise.
    async makeToken(name, fields = {}) {
      const asked = await person.submit(page, (await person.open(page)).body, 'name', { path: '/', days: '30', reads: '', name, ...fields });
      const { code } = await door.mailbox.next(ana);
      const confirm = await person.submit(page, asked.body, 'code', { code });
      const made = await person.submit(page, confirm.body, 'action', {});
      const [token] = made.body.match(/\bdct_[a-z2-7]{72}\b/) ?? assert.fail(`no token on the page:\n${made.body}`);
      return token;
    },
    async revoke(name) {
      const rows = (await person.open(page)).body.match(/<tr>.*?<\/tr>/gs);
      const confirm = await person.submit(page, rows.find((row) => row.includes(`<bdi>${name}</bdi>`)), 'id', {});
      assert.equal((await person.submit(page, confirm.body, 'id', {})).status, 200);
    },
  };
}

// event is a whole calendar file with one event.
export const event = (uid, summary) => [
  'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//doorcode//test//EN', 'BEGIN:VEVENT', `UID:${uid}`, 'DTSTAMP:20260101T000000Z',
  'DTSTART:20260101T090000Z', `SUMMARY:${summary}`, 'END:VEVENT', 'END:VCALENDAR', '',
].join('\r\n');
