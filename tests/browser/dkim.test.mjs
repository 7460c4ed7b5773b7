// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// An independent verifier reads the public key where receivers would and takes
// the mail, and no other.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import verification from 'mailauth/lib/dkim/verify.js';
import { openDoor } from './door.mjs';
import { newVisitor } from './visitor.mjs';

const { dkimVerify } = verification;
const kinds = { rsa: ['rsa', { modulusLength: 2048 }], ed25519: ['ed25519', {}] };

let folder;
before(async () => { folder = await mkdtemp(path.join(tmpdir(), 'doorcode-dkim-')); });
after(() => rm(folder, { recursive: true, force: true }));

// recordOf is what the operator publishes (RFC 6376 section 3.6.1, RFC 8463 section 4).
function recordOf(kind, publicKey) {
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const bytes = kind === 'ed25519' ? der.subarray(-32) : der;
  return `v=DKIM1; k=${kind}; p=${bytes.toString('base64')}`;
}

for (const [kind, [type, options]] of Object.entries(kinds)) {
  test(`a mail that is signed by ${kind} verifies, and not when it is changed`, async () => {
    const { privateKey, publicKey } = generateKeyPairSync(type, options);
    const file = path.join(folder, `${kind}.pem`);
    await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const door = await openDoor({ browser: false, letter: [`dkim example.com s1 ${file}`] });
    try {
      await newVisitor(door).enter('/json', 'ana@example.com');
      const [{ raw, code }] = await door.mailbox.to('ana@example.com');
      const resolver = async (name, record) => {
        assert.deepEqual([name, record], ['s1._domainkey.example.com', 'TXT']);
        return [[recordOf(kind, publicKey)]];
      };
      const verify = async (mail) => (await dkimVerify(Buffer.from(mail), { resolver })).results[0];
      const good = await verify(raw);
      assert.equal(good.status.result, 'pass', JSON.stringify(good.status));
      assert.equal(good.status.aligned, 'example.com');
      for (const field of ['From', 'To', 'Subject', 'Date', 'Message-ID']) {
        assert.ok(good.signingHeaders.keys.toLowerCase().includes(field.toLowerCase()), `${field} is not signed`);
      }
      for (const changed of [raw.replaceAll(code, '000000'), `Subject: Hello\r\n${raw}`, raw.replace(/^To: .*$/m, 'To: <eve@example.com>')]) {
        assert.notEqual(changed, raw);
        assert.notEqual((await verify(changed)).status.result, 'pass');
      }
    } finally {
      await door.close();
    }
  });
}
