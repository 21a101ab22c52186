// aws-jwt-verify as a resource server would use it: issuer and keys of a self-hosted pool.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CognitoJwtVerifier, JwtRsaVerifier } from 'aws-jwt-verify';
import { JwtInvalidSignatureError } from 'aws-jwt-verify/error';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';

import { openWindow, withBrowser } from '../browser.js';
import { makeDomain, makeWebClient, signIn, withApplication, withOwnServer } from '../relying-party.js';
import { PASSWORD, call, endpoint, makePool, makeUser, unique } from '../support.js';

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

test('tokens that an application got through the pages verify', async () => {
  await withApplication((application) =>
    withBrowser(async (browser) => {
      const pool = await makeDomain();
      const callback = `${application}/cb`;
      const client = await makeWebClient(pool, callback, { GenerateSecret: true });
      const { page, close } = await openWindow(browser);
      const request = { client_id: client.id, redirect_uri: callback, response_type: 'code' };
      const base = `${endpoint}/${pool.prefix}/oauth2`;
      await page.goto(`${base}/authorize?${new URLSearchParams(request)}`);
      await signIn(page, pool.username);
      await page.waitForURL(`${callback}?*`);
      const answer = await fetch(`${base}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${client.id}:${client.secret}`)}` },
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          code: new URL(page.url()).searchParams.get('code'),
          redirect_uri: callback,
        }),
      });
      const tokens = await answer.json();
      const id = await verifierFor(pool, client.id).verify(tokens.id_token);
      assert.deepEqual([id.token_use, id.email], ['id', pool.email]);
      const access = await verifierFor(pool, null).verify(tokens.access_token);
      assert.equal(access.token_use, 'access');
      assert.deepEqual(access.scope.split(' ').sort(), ['email', 'openid', 'profile']);
      await close();
    }),
  );
});

/** A pool of another server, a client and tokens of a user. */
async function signedInAt(address, type) {
  const ask = (operation, body) => call(operation, body, address);
  const { UserPool } = await ask('CreateUserPool', {
    PoolName: unique('pool'), IssuerConfiguration: { Type: type },
  });
  const { UserPoolClient } = await ask('CreateUserPoolClient', {
    UserPoolId: UserPool.Id,
    ClientName: 'plain',
    ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
  });
  const user = { UserPoolId: UserPool.Id, Username: unique('user') };
  await ask('AdminCreateUser', { ...user, MessageAction: 'SUPPRESS' });
  await ask('AdminSetUserPassword', { ...user, Password: PASSWORD, Permanent: true });
  const { AuthenticationResult } = await ask('InitiateAuth', {
    ClientId: UserPoolClient.ClientId,
    AuthFlow: 'USER_PASSWORD_AUTH',
    AuthParameters: { USERNAME: user.Username, PASSWORD },
  });
  return { poolId: UserPool.Id, clientId: UserPoolClient.ClientId, tokens: AuthenticationResult };
}

/** Fetches at a server of ours what has an address at AWS. */
const fetcherAt = (address) => ({
  fetch: (uri) => httpFetcher.fetch(uri.replace(/^https:\/\/[a-z0-9.-]+\.amazonaws\.com/, address)),
});

test('code that pins the issuer of AWS verifies tokens of a server that writes it', async () => {
  await withOwnServer(['--token-issuer', 'aws'], async (address) => {
    for (const [type, host] of [
      ['ORIGINAL', 'cognito-idp.us-east-1.amazonaws.com'],
      ['UPDATED', 'issuer-cognito-idp.us-east-1.amazonaws.com'],
    ]) {
      const { poolId, clientId, tokens } = await signedInAt(address, type);
      const discovered = await fetch(`${address}/${poolId}/.well-known/openid-configuration`);
      const { issuer, jwks_uri: keysAt } = await discovered.json();
      assert.equal(issuer, `https://${host}/${poolId}`);
      assert.equal(keysAt, `${address}/${poolId}/.well-known/jwks.json`);
      const keys = await (await fetch(keysAt)).json();

      const ofPool = { userPoolId: poolId, clientId };
      const given = CognitoJwtVerifier.create(ofPool);
      given.cacheJwks(keys);
      const jwksCache = new SimpleJwksCache({ fetcher: fetcherAt(address) });
      for (const verifier of [given, CognitoJwtVerifier.create(ofPool, { jwksCache })]) {
        const id = await verifier.verify(tokens.IdToken, { tokenUse: 'id' });
        const access = await verifier.verify(tokens.AccessToken, { tokenUse: 'access' });
        assert.deepEqual([id.iss, access.iss], [issuer, issuer]);
        await assert.rejects(verifier.verify(tokens.IdToken, { tokenUse: 'access' }));
      }
      // The server knows its own tokens, whatever issuer they name.
      const user = await call('GetUser', { AccessToken: tokens.AccessToken }, address);
      assert.equal(user.Username, JSON.parse(atob(tokens.AccessToken.split('.')[1])).username);
    }
  });
});

test('by itself a server does not claim to be AWS', async () => {
  const { pool, clientId, tokens } = await signedIn();
  const verifier = CognitoJwtVerifier.create({ userPoolId: pool.id, clientId, tokenUse: 'access' });
  await assert.rejects(verifier.verify(tokens.AccessToken), /issuer not configured/);
});
