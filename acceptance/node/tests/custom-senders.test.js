// Codes for custom senders, opened as functions in JavaScript do: with the AWS Encryption SDK, which
// asks the server to unwrap data keys because AWS_ENDPOINT_URL_KMS says so.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { AlgorithmSuiteIdentifier, buildClient, CommitmentPolicy, KmsKeyringNode } from '@aws-crypto/client-node';

import { call, endpoint, unique } from '../support.js';

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
