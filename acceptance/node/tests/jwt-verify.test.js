// aws-jwt-verify as a resource server would use it: issuer and keys of a self-hosted pool.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JwtRsaVerifier } from 'aws-jwt-verify';
import { JwtInvalidSignatureError } from 'aws-jwt-verify/error';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';

import { PASSWORD, call, endpoint, makePool, makeUser } from '../support.js';

/** The library's own fetcher speaks https only; the server under test is on loopback without TLS. */
const httpFetcher = {
  async fetch(uri) {
    const answer = await fetch(uri);
    assert.equal(answer.status, 200);
    return answer.arrayBuffer();
  },
};

function verifierFor(pool, audience) {
  const issuer = `${endpoint}/${pool.id}`;
  return JwtRsaVerifier.create(
    { issuer, audience, jwksUri: `${issuer}/.well-known/jwks.json` },
    { jwksCache: new SimpleJwksCache({ fetcher: httpFetcher }) },
  );
}

/** Tokens of a new user of a new pool. */
async function signedIn() {
  const pool = await makePool();
  const username = await makeUser(pool);
  const { ClientId } = (await call('CreateUserPoolClient', {
    UserPoolId: pool.id,
    ClientName: 'plain',
    ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
  })).UserPoolClient;
  const { AuthenticationResult } = await call('InitiateAuth', {
    ClientId,
    AuthFlow: 'USER_PASSWORD_AUTH',
    AuthParameters: { USERNAME: username, PASSWORD },
  });
  return { pool, username, clientId: ClientId, tokens: AuthenticationResult };
}

test('the ID token verifies for its audience', async () => {
  const { pool, username, clientId, tokens } = await signedIn();
  const claims = await verifierFor(pool, clientId).verify(tokens.IdToken);
  assert.equal(claims.token_use, 'id');
  assert.equal(claims['cognito:username'], username);
});

test('the access token verifies and names its client', async () => {
  const { pool, clientId, tokens } = await signedIn();
  const claims = await verifierFor(pool, null).verify(tokens.AccessToken);
  assert.equal(claims.token_use, 'access');
  assert.equal(claims.client_id, clientId);
});

test('a refreshed token verifies too', async () => {
  const { pool, clientId, tokens } = await signedIn();
  const { AuthenticationResult } = await call('InitiateAuth', {
    ClientId: clientId,
    AuthFlow: 'REFRESH_TOKEN_AUTH',
    AuthParameters: { REFRESH_TOKEN: tokens.RefreshToken },
  });
  const claims = await verifierFor(pool, clientId).verify(AuthenticationResult.IdToken);
  assert.equal(claims.aud, clientId);
});

test('a token of one pool does not verify for another', async () => {
  const [one, other] = [await signedIn(), await signedIn()];
  await assert.rejects(verifierFor(other.pool, null).verify(one.tokens.AccessToken));
});

test('a changed claim breaks the signature', async () => {
  const { pool, tokens } = await signedIn();
  const [header, payload, signature] = tokens.AccessToken.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url'));
  const forged = Buffer.from(JSON.stringify({ ...claims, scope: 'all' })).toString('base64url');
  await assert.rejects(
    verifierFor(pool, null).verify(`${header}.${forged}.${signature}`),
    JwtInvalidSignatureError,
  );
});
