// The login pages in a browser, for an application with a generic OpenID Connect client.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';

import * as client from 'openid-client';

import { openWindow, withBrowser } from '../browser.js';
import { Authenticator, PASSWORD, call, codeFor, endpoint, makePool, unique } from '../support.js';

/** An application that waits for its answers, at an address of this machine. */
async function withApplication(use) {
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
async function makeDomain(application, { flows = ['ALLOW_REFRESH_TOKEN_AUTH'], ...settings } = {}) {
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
async function request(domain, more = {}) {
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
async function arrive(page, domain, checks) {
  await page.waitForURL(`${domain.application}/cb?*`);
  return client.authorizationCodeGrant(domain.config, new URL(page.url()), checks);
}

const submit = (page) => page.locator('button.primary').first().click();

test('sign-up, an authenticator app, sign-in, silent sign-in and sign-out', async () => {
  await withApplication((application) =>
    withBrowser(async (browser) => {
      const domain = await makeDomain(application, {
        mfa: 'ON',
        AutoVerifiedAttributes: ['email'],
        UsernameAttributes: ['email'],
      });
      const { page, problems, close } = await openWindow(browser);
      const email = `${unique('jo')}@example.com`.toLowerCase();

      const first = await request(domain);
      await page.goto(first.url);
      await page.locator('a[href*="/signup?"]').click();
      await page.locator('[name=username]').fill(email);
      await page.locator('[name=password]').fill(PASSWORD);
      await submit(page);
      await page.waitForURL(/\/confirm\?/);
      await page.locator('[name=code]').fill(await codeFor(domain, email));
      await submit(page);

      // The secret, as people type it.
      const secret = (await page.locator('#key').textContent()).replace(/\s/g, '');
      const phone = new Authenticator(secret);
      await page.locator('[name=code]').fill(phone.presentCode());
      await submit(page);
      const tokens = await arrive(page, domain, first.checks);
      const { sub, email: claimed } = tokens.claims();
      assert.equal(claimed, email);
      const about = await client.fetchUserInfo(domain.config, tokens.access_token, sub);
      assert.equal(about.email_verified, 'true');

      // The browser is signed in: no page is shown.
      const silent = await request(domain, { prompt: 'none' });
      await page.goto(silent.url);
      const again = await arrive(page, domain, silent.checks);
      assert.equal(again.claims().sub, sub);
      assert.equal(again.claims().auth_time, tokens.claims().auth_time);

      const authorize = new URL(domain.config.serverMetadata().authorization_endpoint);
      const logout = authorize.href.replace('/oauth2/authorize', '/logout');
      const out = new URLSearchParams({
        client_id: domain.clientId,
        logout_uri: `${application}/bye`,
      });
      await page.goto(`${logout}?${out}`);
      assert.equal(page.url(), `${application}/bye`);
      const refused = await request(domain, { prompt: 'none' });
      await page.goto(refused.url);
      assert.equal(new URL(page.url()).searchParams.get('error'), 'login_required');

      // From now on with the app; a wrong password first.
      const second = await request(domain, { login_hint: email });
      await page.goto(second.url);
      assert.equal(await page.locator('[name=username]').inputValue(), email);
      await page.locator('[name=password]').fill('Wrong-Horse-9!');
      await submit(page);
      await page.locator('#problem').waitFor();
      await page.locator('[name=password]').fill(PASSWORD);
      await submit(page);
      await page.locator('[name=code]').fill(phone.nextCode());
      await submit(page);
      assert.equal((await arrive(page, domain, second.checks)).claims().sub, sub);
      assert.deepEqual(problems, []);
      await close();
    }),
  );
});

test('a passkey signs in, from an authenticator of the browser', async () => {
  await withApplication((application) =>
    withBrowser(async (browser) => {
      const host = new URL(endpoint).hostname === '127.0.0.1' ? 'localhost' : new URL(endpoint).hostname;
      const local = endpoint.replace('127.0.0.1', host);
      const domain = await makeDomain(application, {
        flows: ['ALLOW_USER_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH', 'ALLOW_ADMIN_USER_PASSWORD_AUTH'],
        Policies: { SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD', 'WEB_AUTHN'] } },
      });
      await call('SetUserPoolMfaConfig', {
        UserPoolId: domain.id,
        WebAuthnConfiguration: { RelyingPartyId: host, UserVerification: 'preferred' },
      });
      const username = unique('ada');
      const user = { UserPoolId: domain.id, Username: username };
      await call('AdminCreateUser', { ...user, MessageAction: 'SUPPRESS' });
      await call('AdminSetUserPassword', { ...user, Password: PASSWORD, Permanent: true });
      const { AuthenticationResult } = await call('AdminInitiateAuth', {
        UserPoolId: domain.id,
        ClientId: domain.clientId,
        AuthFlow: 'ADMIN_USER_PASSWORD_AUTH',
        AuthParameters: { USERNAME: username, PASSWORD },
      });
      const { AccessToken } = AuthenticationResult;
      const { CredentialCreationOptions } = await call('StartWebAuthnRegistration', { AccessToken });

      const { page, problems, close } = await openWindow(browser);
      const devtools = await page.context().newCDPSession(page);
      await devtools.send('WebAuthn.enable');
      await devtools.send('WebAuthn.addVirtualAuthenticator', {
        options: {
          protocol: 'ctap2',
          transport: 'internal',
          hasResidentKey: true,
          hasUserVerification: true,
          isUserVerified: true,
        },
      });
      const { url, checks } = await request(domain);
      const here = url.replace(endpoint, local);
      await page.goto(here);
      const credential = await page.evaluate(async (options) => {
        const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
        return (await navigator.credentials.create({ publicKey })).toJSON();
      }, CredentialCreationOptions);
      await call('CompleteWebAuthnRegistration', { AccessToken, Credential: credential });

      await page.locator('[name=username]').fill(username);
      await submit(page);
      await page.locator('button[value=WEB_AUTHN]').click();
      await page.locator('[name=credential]').waitFor({ state: 'attached' });
      const isBack = page.waitForURL(`${application}/cb?*`);
      await submit(page).catch(() => {});
      await isBack;
      const tokens = await arrive(page, domain, checks);
      assert.equal(tokens.claims()['cognito:username'], username);
      assert.deepEqual(problems, []);
      await close();
    }),
  );
});
