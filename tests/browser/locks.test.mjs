// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// What strangers can do to a person, and what they can learn: nothing.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible } from './axe.mjs';
import { openDoor } from './door.mjs';
import { button, emailField, enter, reachesApp, says, sees, wrongCodes } from './screens.mjs';
import { findForm, newVisitor } from './visitor.mjs';

let door, sparing;
before(async () => {
  door = await openDoor();
  sparing = await openDoor({ lines: ['limits {', '\tsend_address 1/1h', '}'] });
});
after(async () => {
  await door?.close();
  await sparing?.close();
});

// useUpOneCode asks for a code and enters five wrong ones; it returns the last answer.
async function useUpOneCode(address, from) {
  const stranger = newVisitor(door, { from });
  let answer = await stranger.askForCode('/in', address);
  const { code } = await door.mailbox.next(address);
  for (const wrong of wrongCodes(code, 5)) answer = await stranger.submit('/in', answer.body, 'code', { code: wrong });
  return answer;
}

test("12 the third used-up code in an hour locks the address, but never the owner's remembered browser", async () => {
  const address = 'target@example.com';
  const owner = await door.visit();
  await enter(door, owner.page, { address, remember: true });
  await owner.context.clearCookies({ name: 'doorcode' });

  let last;
  for (const _ of [1, 2, 3]) last = await useUpOneCode(address, '127.0.7.1');
  assert.equal(last.status, 429);
  assert.match(last.headers['retry-after'], /^\d+$/);
  assert.match(last.body, /Try again (at|in)/);

  const stranger = await door.visit();
  await stranger.page.goto(door.origin);
  await emailField(stranger.page).fill(address);
  await button(stranger.page, 'Send code').click();
  await sees(stranger.page, /Try again (at|in)/);
  await says(stranger.page, 'Too many wrong codes for this address.');
  await accessible(stranger.page, '[2L]');
  await stranger.context.close();

  await owner.page.goto(`${door.origin}/owner`);
  await reachesApp(owner.page, '/owner');
  await owner.context.close();
});

test('2t too many mails to an address: the page says when, and sends none', async () => {
  const address = 'often@example.com';
  await newVisitor(sparing).askForCode('/', address);
  await sparing.mailbox.next(address);
  const { context, page } = await sparing.visit();
  await page.goto(sparing.origin);
  await emailField(page).fill(address);
  await button(page, 'Send code').click();
  await says(page, /Too many codes were sent for this address\. Try again (at|in)/);
  await accessible(page, '[2t]');
  assert.equal((await sparing.mailbox.to(address)).length, 1);
  await context.close();
});

test('41 an unknown address gets the same bytes as an allowed one', async () => {
  // Equal in length, so that nothing has to differ in length.
  const known = await conversation('ana@example.com', '127.0.8.1');
  const unknown = await conversation('ana@elpmaxe.com', '127.0.9.1');
  assert.equal(known.length, unknown.length);
  for (const [i, { step, status, headers, body }] of known.entries()) {
    assert.equal(status, unknown[i].status, step);
    assert.deepEqual(headers, unknown[i].headers, step);
    assert.equal(body, unknown[i].body, step);
  }
  assert.equal((await door.mailbox.to('ana@example.com')).length, 1);
  assert.deepEqual(await door.mailbox.to('ana@elpmaxe.com'), []);
});

// conversation asks for a code and goes through what can be said of one, in
// pages and in JSON, with everything that must differ taken out.
async function conversation(address, from) {
  const visitor = newVisitor(door, { from });
  const steps = [];
  const note = (step, answer) => {
    steps.push({ step, status: answer.status, headers: plainHeaders(answer), body: plainBody(answer.body, address) });
    return answer;
  };
  let page = note('the code page', await visitor.askForCode('/in', address));
  for (const [i, code] of ['1234', 'abcdef', '000000', '000000', '000001'].entries()) {
    page = note(`entry ${i}: ${code}`, await visitor.submit('/in', page.body, 'code', { code }));
  }
  const form = findForm(page.body, 'code');
  note('a wrong code as JSON', await visitor.send(new URL(form.action, `${door.origin}/in`), {
    method: 'POST',
    headers: { Accept: 'application/json', Origin: door.origin, 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ ...form.hidden, code: '000002' }).toString(),
  }));
  return steps;
}

function plainHeaders({ headers }) {
  const { date, ...rest } = headers;
  const cookies = (rest['set-cookie'] ?? []).map((line) => line.replace(/=[^;]*/, (value) => `=${value.length}`).replace(/expires=[^;]*/i, ''));
  return { ...rest, 'set-cookie': cookies };
}

function plainBody(body, address) {
  const letters = body.match(/letters\W+(?:<[^>]*>)*([2-9A-Z]{3})\b/)?.[1] ?? body.match(/"ref":"(\w{3})"/)?.[1];
  return body
    .replaceAll(address, 'ADDRESS')
    .replaceAll(letters ?? 'no letters', 'REF')
    .replace(/(type="?hidden"?[^>]*value=")([^"]*)"/g, (_, start, value) => `${start}${value.length} bytes"`)
    .replace(/urn:doorcode:req:\w+/g, 'REQUEST')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)/g, 'TIME')
    .replace(/\b\d\d:\d\d\b/g, 'TIME')
    .replace(/data-(in|wait|expires)="\d+"/g, 'data-$1="SECONDS"')
    .replace(/in \d+ seconds?/g, 'in SECONDS');
}
