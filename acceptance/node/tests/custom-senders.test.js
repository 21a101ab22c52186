// Codes for custom senders, opened as functions in JavaScript do: with the AWS Encryption SDK, which
// asks the server to unwrap data keys because AWS_ENDPOINT_URL_KMS says so.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { before, test } from 'node:test';

import { AlgorithmSuiteIdentifier, buildClient, CommitmentPolicy, KmsKeyringNode } from '@aws-crypto/client-node';

import { call, endpoint, makePool, PASSWORD, unique } from '../support.js';

const SUITE = AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384;

// As in a function's environment.
process.env.AWS_ENDPOINT_URL_KMS = endpoint;
process.env.AWS_ACCESS_KEY_ID = 'AKIAIOSFODNN7EXAMPLE';
process.env.AWS_SECRET_ACCESS_KEY = 'any-secret';

let key;

before(async () => {
  const { UserPool } = await call('CreateUserPool', { PoolName: unique('account') });
  await call('DeleteUserPool', { UserPoolId: UserPool.Id });
  const [, , , region, account] = UserPool.Arn.split(':');
  key = `arn:aws:kms:${region}:${account}:key/5e0f2b1c-codes`;
});

test('what the SDK encrypts it decrypts', async () => {
  const { encrypt, decrypt } = buildClient(CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT);
  const keyring = new KmsKeyringNode({ generatorKeyId: key });
  const encryptionContext = { 'userpool-id': 'us-east-1_AbCdEfGhI' };
  const { result } = await encrypt(keyring, '123456', { suiteId: SUITE, encryptionContext });
  const { plaintext, messageHeader } = await decrypt(keyring, result);
  assert.equal(plaintext.toString(), '123456');
  assert.equal(messageHeader.encryptionContext['userpool-id'], 'us-east-1_AbCdEfGhI');
});

test('the SDK opens nothing with another key', async () => {
  const { encrypt, decrypt } = buildClient(CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT);
  const keyring = new KmsKeyringNode({ generatorKeyId: key });
  const { result } = await encrypt(keyring, '123456', { suiteId: SUITE });
  await assert.rejects(decrypt(new KmsKeyringNode({ keyIds: [`${key}2`] }), result));
});

test('a function reads the code that confirms a sign-up', async (t) => {
  // A server in the shape of AWS Lambda that keeps the first event it gets.
  let mailer;
  const event = new Promise((resolve) => {
    mailer = createServer(async (request, response) => {
      const chunks = await request.toArray();
      response.writeHead(202).end();
      resolve(JSON.parse(Buffer.concat(chunks).toString()));
    });
  });
  await new Promise((resolve) => mailer.listen(0, '127.0.0.1', resolve));
  t.after(() => mailer.close());

  const [, , , region, account] = key.split(':');
  const name = `arn:aws:lambda:${region}:${account}:function:${unique('mailer')}`;
  const route = { function: name, lambda: `http://127.0.0.1:${mailer.address().port}` };
  const put = { method: 'PUT', body: JSON.stringify(route) };
  assert.ok((await fetch(`${endpoint}/_poolhouse/functions`, put)).ok);
  const sender = { LambdaVersion: 'V1_0', LambdaArn: name };
  const pool = await makePool({
    AutoVerifiedAttributes: ['email'],
    LambdaConfig: { CustomEmailSender: sender, KMSKeyID: key },
  });

  const username = unique('user');
  await call('SignUp', {
    ClientId: pool.clientId,
    Username: username,
    Password: PASSWORD,
    UserAttributes: [{ Name: 'email', Value: `${username}@example.com` }],
  });
  const { triggerSource, request } = await event;
  assert.equal(triggerSource, 'CustomEmailSender_SignUp');

  // As the documentation of the service tells functions to do it.
  const { decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_ALLOW_DECRYPT);
  const keyring = new KmsKeyringNode({ keyIds: [key] });
  const { plaintext } = await decrypt(keyring, Buffer.from(request.code, 'base64'));
  const answer = { ClientId: pool.clientId, Username: username };
  await call('ConfirmSignUp', { ...answer, ConfirmationCode: plaintext.toString() });
});
