// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Calendar programs behind the door: what DAVx5 and Thunderbird send, in their order,
// with an access token as the password. They get to their person's calendars, and
// Radicale never sees the token.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newVisitor } from '../browser/visitor.mjs';
import { ana, event, openCalendars } from './calendars.mjs';

const realm = 'Basic realm="Doorcode: your email and an access token"';

let calendars, door, all, reads, narrow;
before(async () => {
  calendars = await openCalendars();
  door = calendars.door;
  all = await calendars.makeToken('Phone');
  narrow = await calendars.makeToken('Team', { path: '/ana@example.com/team' });
  reads = await calendars.makeToken('Wall', { reads: '1' });
});
after(() => calendars?.close());

// newProgram is a client that asks for its password only when it is told to, as
// calendar programs do.
function newProgram(agent, token, name = ana) {
  const visitor = newVisitor(door);
  let authorization;
  return async (url, options = {}) => {
    const send = () => visitor.send(url, {
      ...options, headers: { 'User-Agent': agent, Accept: '*/*', ...options.headers, ...(authorization ? { Authorization: authorization } : {}) },
    });
    const answer = await send();
    if (answer.status !== 401 || authorization || answer.headers['www-authenticate'] !== realm) return answer;
    authorization = `Basic ${Buffer.from(`${name}:${token}`).toString('base64')}`;
    return send();
  };
}

const xml = (body, depth = '0') => ({ headers: { Depth: depth, 'Content-Type': 'application/xml; charset=utf-8' }, body });
const find = (property, space = 'DAV:', depth) => ({ method: 'PROPFIND', ...xml(`<propfind xmlns="DAV:" xmlns:c="${space}"><prop><c:${property}/></prop></propfind>`, depth) });
const hrefOf = (answer, property) => decodeURIComponent(answer.body.match(new RegExp(`<[^>]*${property}[^>]*>\\s*<[^>]*href[^>]*>([^<]+)<`))?.[1] ?? '');
const caldav = 'urn:ietf:params:xml:ns:caldav';

for (const [program, agent] of [
  ['DAVx5', 'DAVx5/4.4.5-ose (2024/12/01; dav4jvm; okhttp/4.12.0) Android/14'],
  ['Thunderbird', 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.5.0'],
]) {
  const home = `/${ana}/${program.toLowerCase()}/`;

  test(`${program} finds the calendars of its person, makes one, and keeps it in step`, async () => {
    const send = newProgram(agent, all);
    const options = await send('/', { method: 'OPTIONS' });
    assert.equal(options.status, 200, options.body);
    assert.match(options.headers.dav, /calendar-access/);
    const principal = hrefOf(await send('/', find('current-user-principal')), 'current-user-principal');
    assert.equal(principal, `/${ana}/`);
    assert.equal(hrefOf(await send(principal, find('calendar-home-set', caldav)), 'calendar-home-set'), `/${ana}/`);

    assert.equal((await send(home, { method: 'MKCALENDAR' })).status, 201);
    assert.match((await send(`/${ana}/`, find('resourcetype', 'DAV:', '1'))).body, new RegExp(program.toLowerCase()));
    const put = await send(`${home}one.ics`, { method: 'PUT', headers: { 'Content-Type': 'text/calendar; charset=utf-8', 'If-None-Match': '*' }, body: event('one', 'Tea') });
    assert.equal(put.status, 201);
    const query = await send(home, { method: 'REPORT', ...xml(`<c:calendar-query xmlns="DAV:" xmlns:c="${caldav}"><prop><getetag/></prop><c:filter><c:comp-filter name="VCALENDAR"/></c:filter></c:calendar-query>`, '1') });
    assert.equal(query.status, 207);
    assert.match(query.body, /one\.ics/);
    const several = await send(home, { method: 'REPORT', ...xml(`<c:calendar-multiget xmlns="DAV:" xmlns:c="${caldav}"><prop><getetag/><c:calendar-data/></prop><href>${encodeURI(home)}one.ics</href></c:calendar-multiget>`, '1') });
    assert.match(several.body, /SUMMARY:Tea/);
    assert.equal((await send(`${home}one.ics`, { method: 'DELETE' })).status, 200);
  });
}

test('a program without a token is asked for a password, and Radicale is not reached', async () => {
  const strange = newVisitor(door);
  for (const method of ['OPTIONS', 'PROPFIND', 'REPORT', 'MKCALENDAR']) {
    const answer = await strange.send(`/${ana}/`, { method });
    assert.equal(answer.status, 401, method);
    assert.equal(answer.headers['www-authenticate'], realm, method);
    assert.equal(answer.cookies.length, 0, method);
  }
});

test('a token that only reads changes nothing', async () => {
  const send = newProgram('DAVx5/4.4.5', reads);
  assert.equal((await send(`/${ana}/`, find('resourcetype', 'DAV:', '1'))).status, 207);
  for (const method of ['MKCALENDAR', 'PUT', 'DELETE', 'PROPPATCH', 'MOVE', 'LOCK']) {
    const answer = await send(`/${ana}/thunderbird/`, { method, headers: { Destination: `${door.origin}/${ana}/x/` } });
    assert.equal(answer.status, 403, method);
    assert.equal(answer.headers['www-authenticate'], 'Bearer error="insufficient_scope"', method);
  }
});

test('a token for one calendar opens that one alone, however its path is written', async () => {
  const send = newProgram('DAVx5/4.4.5', narrow);
  assert.equal((await send(`/${ana}/team/`, { method: 'MKCALENDAR' })).status, 201);
  assert.equal((await send('/ana%40example.com/team/', find('resourcetype'))).status, 207);
  for (const path of [`/${ana}/`, '/', `/${ana}/teams/`, `/${ana}/team/%2e%2e/thunderbird/`, `/${ana}/team/..%2fthunderbird/`]) {
    assert.equal((await send(path, find('resourcetype'))).status, 403, path);
  }
});

test("whatever name a program gives, the token is its person's", async () => {
  const send = newProgram('DAVx5/4.4.5', all, 'bob@example.com');
  assert.equal(hrefOf(await send('/', find('current-user-principal')), 'current-user-principal'), `/${ana}/`);
  assert.equal((await send('/bob@example.com/', find('resourcetype'))).status, 403);
});

test('a made-up token, and one that was revoked, let nobody in', async () => {
  const send = newProgram('DAVx5/4.4.5', `dct_${'a'.repeat(72)}`);
  const refused = await send(`/${ana}/`, find('resourcetype'));
  assert.equal(refused.status, 401);
  assert.match(refused.headers['www-authenticate'], /^Bearer error="invalid_token"/);

  await calendars.revoke('Wall');
  assert.equal((await newProgram('DAVx5/4.4.5', reads)(`/${ana}/`, find('resourcetype'))).status, 401);
  assert.equal((await newProgram('DAVx5/4.4.5', all)(`/${ana}/`, find('resourcetype'))).status, 207);
});
