// oauth4webapi, which checks every answer against the specifications: an application for people with
// PKCE, one for itself, and errors as it tells them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as oauth from 'oauth4webapi';

import { makeDomain, makeWebClient, signIn, withApplication } from '../relying-party.js';
import { openWindow, withBrowser } from '../browser.js';
import { call, endpoint } from '../support.js';

/** The server under test has no TLS. */
const plain = { [oauth.allowInsecureRequests]: true };

async function discover(pool) {
  const issuer = new URL(`${endpoint}/${pool.id}`);
  const answer = await oauth.discoveryRequest(issuer, plain);
  return oauth.processDiscoveryResponse(issuer, answer);
}

/** A request for a code, and what its answer is exchanged with. */
async function request(server, client, more) {
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: client.client_id,
    response_type: 'code',
    redirect_uri: client.callback,
    scope: 'openid email',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...more,
  });
  return { url: url.href, verifier, state, nonce };
}

/** Exchanges the code with which the browser came back. */
async function exchange(server, client, authentication, asked, address) {
  const parameters = oauth.validateAuthResponse(server, client, new URL(address), asked.state);
  return oauth.authorizationCodeGrantRequest(
    server, client, authentication, parameters, client.callback, asked.verifier, plain,
  );
}

/** How the library tells a refusal of the token endpoint. */
const refused = (error, status = 400) => (problem) => {
  assert.ok(problem instanceof oauth.ResponseBodyError, problem);
  assert.deepEqual([problem.error, problem.status], [error, status]);
  return true;
};

async function refresh(server, client, authentication, token) {
  const answer = await oauth.refreshTokenGrantRequest(server, client, authentication, token, plain);
  return oauth.processRefreshTokenResponse(server, client, answer);
}

/** From the login page to the revocation of all that came of it. */
async function wholeLife(page, pool, application, { secret, rotates }) {
  const callback = `${application}/cb`;
  const made = await makeWebClient(pool, callback, {
    ...(secret && { ClientSecret: secret }),
    ...(rotates && { RefreshTokenRotation: { Feature: 'ENABLED', RetryGracePeriodSeconds: 0 } }),
    ...(rotates && { ExplicitAuthFlows: ['ALLOW_USER_SRP_AUTH'] }),
  });
  const client = { client_id: made.id, callback };
  const authentication = secret ? oauth.ClientSecretBasic(secret) : oauth.None();
  const server = await discover(pool);

  // Signed in before, the browser is sent back at once; `prompt` shows the page anyhow.
  const asked = await request(server, client, { prompt: 'login' });
  await page.goto(asked.url);
  await signIn(page, pool.username);
  await page.waitForURL(`${callback}?*`);
  const address = page.url();
  const answer = await exchange(server, client, authentication, asked, address);
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, {
    expectedNonce: asked.nonce, requireIdToken: true,
  });
  // The signature too: behind this flow TLS would stand for it.
  await oauth.validateApplicationLevelSignature(server, answer, plain);
  const { sub, email } = oauth.getValidatedIdTokenClaims(tokens);
  assert.equal(email, pool.email);
  assert.equal(tokens.token_type, 'bearer');

  const about = await oauth.userInfoRequest(server, client, tokens.access_token, plain);
  const claims = await oauth.processUserInfoResponse(server, client, sub, about);
  assert.deepEqual([claims.username, claims.email], [pool.username, pool.email]);

  const used = await exchange(server, client, authentication, asked, address);
  await assert.rejects(
    oauth.processAuthorizationCodeResponse(server, client, used), refused('invalid_grant'),
  );

  const fresh = await refresh(server, client, authentication, tokens.refresh_token);
  assert.equal(oauth.getValidatedIdTokenClaims(fresh).sub, sub);
  assert.equal(Boolean(fresh.refresh_token), Boolean(rotates));
  const last = fresh.refresh_token ?? tokens.refresh_token;
  const revoked = await oauth.revocationRequest(server, client, authentication, last, plain);
  await oauth.processRevocationResponse(revoked);
  await assert.rejects(refresh(server, client, authentication, last), refused('invalid_grant'));
  const ended = await oauth.userInfoRequest(server, client, fresh.access_token, plain);
  assert.equal(ended.status, 401);
  assert.match(ended.headers.get('www-authenticate'), /error="invalid_token"/);
}

test('an application for people, with and without a secret, with and without rotation', async () => {
  await withApplication((application) =>
    withBrowser(async (browser) => {
      const pool = await makeDomain();
      const { page, problems, close } = await openWindow(browser);
      await wholeLife(page, pool, application, {});
      await wholeLife(page, pool, application, { rotates: true });
      // The library encodes the underscores, as RFC 6749 wants it.
      await wholeLife(page, pool, application, { secret: 'a_secret_of_thirty_characters1' });
      assert.deepEqual(problems, []);
      await close();
    }),
  );
});

test('what is wrong with a request comes back as its error, with the state', async () => {
  await withApplication((application) =>
    withBrowser(async (browser) => {
      const pool = await makeDomain();
      const callback = `${application}/cb`;
      const { id } = await makeWebClient(pool, callback);
      const [client, server] = [{ client_id: id, callback }, await discover(pool)];
      const { page, close } = await openWindow(browser);
      for (const [change, error] of [
        [{ prompt: 'none' }, 'login_required'],
        [{ scope: 'openid phone' }, 'invalid_scope'],
        [{ code_challenge_method: 'plain' }, 'invalid_request'],
        [{ response_type: 'code id_token' }, 'invalid_request'],
      ]) {
        const asked = await request(server, client, change);
        await page.goto(asked.url);
        assert.ok(page.url().startsWith(callback), page.url());
        assert.throws(
          () => oauth.validateAuthResponse(server, client, new URL(page.url()), asked.state),
          (problem) => problem instanceof oauth.AuthorizationResponseError && problem.error === error,
        );
      }
      await close();
    }),
  );
});

test('a machine gets tokens by its secret, in header or body, and is told why not', async () => {
  const pool = await makeDomain();
  await call('CreateResourceServer', {
    UserPoolId: pool.id,
    Identifier: 'orders',
    Name: 'Orders',
    Scopes: [{ ScopeName: 'read', ScopeDescription: 'r' }],
  });
  const secret = 'machine+secret_of_thirty_chars';
  const { UserPoolClient } = await call('CreateUserPoolClient', {
    UserPoolId: pool.id,
    ClientName: 'machine',
    ClientSecret: secret,
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ['client_credentials'],
    AllowedOAuthScopes: ['orders/read'],
  });
  const [client, server] = [{ client_id: UserPoolClient.ClientId }, await discover(pool)];
  const ask = async (authentication, parameters) => {
    const answer = await oauth.clientCredentialsGrantRequest(
      server, client, authentication, new URLSearchParams(parameters), plain,
    );
    return oauth.processClientCredentialsResponse(server, client, answer);
  };
  for (const authentication of [oauth.ClientSecretBasic(secret), oauth.ClientSecretPost(secret)]) {
    const { access_token, expires_in } = await ask(authentication, { scope: 'orders/read' });
    assert.equal(expires_in, 3600);
    const request = new Request('https://api.example.test/orders', {
      headers: { authorization: `Bearer ${access_token}` },
    });
    // As a resource server would check it by RFC 9068, but that the service knows neither its `typ`
    // nor its `aud`.
    await assert.rejects(oauth.validateJwtAccessToken(server, request, 'orders', plain), /"typ"/);
  }
  const right = oauth.ClientSecretPost(secret);
  await assert.rejects(ask(oauth.ClientSecretPost('wrong'), {}), refused('invalid_client'));
  await assert.rejects(ask(oauth.None(), {}), refused('invalid_client'));
  await assert.rejects(ask(right, { scope: 'orders/write' }), refused('invalid_scope'));
  const answer = await oauth.genericTokenEndpointRequest(
    server, client, right, 'urn:ietf:params:oauth:grant-type:device_code', {}, plain,
  );
  const process = oauth.processGenericTokenEndpointResponse(server, client, answer);
  await assert.rejects(process, refused('unsupported_grant_type'));
});

test('a server that answers is no introspection endpoint', async () => {
  const server = await discover(await makeDomain());
  assert.equal(server.introspection_endpoint, undefined);
  await assert.rejects(
    oauth.introspectionRequest(server, { client_id: 'x' }, oauth.None(), 'token', plain),
    /introspection_endpoint/,
  );
});
