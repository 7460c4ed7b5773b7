// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// An independent verifier, with nothing but jwks.json over HTTP, takes what is
// ours and refuses what is not.

import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { after, before, test } from 'node:test';
import { openDoor } from './door.mjs';
import { newVisitor } from './visitor.mjs';

globalThis.crypto ??= webcrypto; // Node.js 18 keeps it out of the global scope
const { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } = await import('jose');

let door, keys, session, assertion;
before(async () => {
  door = await openDoor({ browser: false });
  const visitor = newVisitor(door);
  await visitor.enter('/json', 'ana@example.com');
  const seen = JSON.parse((await visitor.send('/json')).body);
  session = visitor.jar.get('doorcode');
  assertion = seen.headers['doorcode-assertion'];
  keys = createRemoteJWKSet(new URL(`${door.origin}/.doorcode/jwks.json`));
});
after(() => door?.close());

const types = { session: 'doorcode-session+jwt', assertion: 'doorcode-assertion+jwt' };
const issuer = (kind) => (kind === 'session' ? 'doorcode' : door.origin);
const tokens = () => ({ session, assertion });
const right = (kind) => ({ algorithms: ['ES256'], issuer: issuer(kind), audience: door.origin, typ: types[kind], requiredClaims: ['exp', 'iat', 'sub', 'sid'] });

for (const kind of ['session', 'assertion']) {
  test(`the ${kind} verifies`, async () => {
    const { payload, protectedHeader } = await jwtVerify(tokens()[kind], keys, right(kind));
    assert.equal(protectedHeader.alg, 'ES256');
    assert.ok(protectedHeader.kid);
    assert.ok(payload.exp > Date.now() / 1000);
  });

  test(`the ${kind} is refused for another audience, issuer, type or algorithm`, async () => {
    for (const change of [
      { audience: 'https://other.example' }, { issuer: 'https://other.example' },
      { typ: types[kind === 'session' ? 'assertion' : 'session'] }, { algorithms: ['HS256'] },
    ]) {
      await assert.rejects(jwtVerify(tokens()[kind], keys, { ...right(kind), ...change }), undefined, JSON.stringify(change));
    }
  });

  test(`the ${kind} is refused when one character of it is changed`, async () => {
    const token = tokens()[kind];
    for (const at of [token.indexOf('.') + 5, token.lastIndexOf('.') + 5]) {
      const other = token[at] === 'A' ? 'B' : 'A';
      await assert.rejects(jwtVerify(token.slice(0, at) + other + token.slice(at + 1), keys, right(kind)));
    }
  });
}

test('the assertion says who it is, for a minute at most', () => {
  const { email, exp, iat, auth_time: proved } = decodeJwt(assertion);
  assert.equal(email, 'ana@example.com');
  assert.ok(exp - iat <= 60, `${exp - iat} s`);
  assert.ok(proved <= iat);
});

test('the session tells nobody who it is', () => {
  const text = JSON.stringify([decodeProtectedHeader(session), decodeJwt(session)]);
  assert.doesNotMatch(text, /ana|example|127\.0\.0\.1/);
});

test('the session and the assertion are signed with different keys', () => {
  assert.notEqual(decodeProtectedHeader(session).kid, decodeProtectedHeader(assertion).kid);
});

test('jwks.json holds public keys only, for anybody, for five minutes', async () => {
  const answer = await newVisitor(door).send('/.doorcode/jwks.json');
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['access-control-allow-origin'], '*');
  assert.match(answer.headers['cache-control'], /max-age=300/);
  const { keys: published } = JSON.parse(answer.body);
  assert.ok(published.length >= 2);
  for (const key of published) {
    assert.ok(key.kid && key.alg && key.use === 'sig');
    for (const secret of ['d', 'k', 'p', 'q']) assert.ok(!(secret in key), secret);
  }
});
