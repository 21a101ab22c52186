// An application for people in a browser, with a generic OpenID Connect client, and a pool for it.

import { createServer } from 'node:http';

import * as client from 'openid-client';

import { call, endpoint, makePool, unique } from './support.js';

/** An application that waits for its answers, at an address of this machine. */
export async function withApplication(use) {
  const server = createServer((request, answer) => {
    answer.writeHead(200, { 'content-type': 'text/html' }).end('<link rel="icon" href="data:,">Welcome');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://localhost:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** A pool with a domain, managed login, and a client for the application. */
export async function makeDomain(application, { flows = ['ALLOW_REFRESH_TOKEN_AUTH'], ...settings } = {}) {
  const pool = await makePool(settings);
  const prefix = unique('login').toLowerCase();
  await call('CreateUserPoolDomain', { UserPoolId: pool.id, Domain: prefix, ManagedLoginVersion: 2 });
  const { UserPoolClient } = await call('CreateUserPoolClient', {
    UserPoolId: pool.id,
    ClientName: 'web',
    ExplicitAuthFlows: flows,
    CallbackURLs: [`${application}/cb`],
    LogoutURLs: [`${application}/bye`],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ['code'],
    AllowedOAuthScopes: ['openid', 'email', 'aws.cognito.signin.user.admin'],
    SupportedIdentityProviders: ['COGNITO'],
  });
  const { ClientId } = UserPoolClient;
  await call('CreateManagedLoginBranding', {
    UserPoolId: pool.id,
    ClientId,
    UseCognitoProvidedValues: true,
  });
  const config = await client.discovery(
    new URL(`${endpoint}/${pool.id}`),
    ClientId,
    undefined,
    client.None(),
    { execute: [client.allowInsecureRequests] },
  );
  return { ...pool, clientId: ClientId, config, application };
}

/** A request for a code with PKCE, and what its answer is exchanged with. */
export async function request(domain, more = {}) {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(domain.config, {
    redirect_uri: `${domain.application}/cb`,
    scope: 'openid email aws.cognito.signin.user.admin',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...more,
  });
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
  return { url: url.href, checks };
}

/** Waits until the browser is back, and exchanges the code. */
export async function arrive(page, domain, checks) {
  await page.waitForURL(`${domain.application}/cb?*`);
  return client.authorizationCodeGrant(domain.config, new URL(page.url()), checks);
}

/** Sends the form of a page. */
export const submit = (page) => page.locator('button.primary').first().click();
