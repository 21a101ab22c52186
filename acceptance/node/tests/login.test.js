// The login pages in a browser, for an application with a generic OpenID Connect client.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as client from 'openid-client';

import { arrive, makeDomain, request, submit, withApplication } from '../application.js';
import { addAuthenticator, openWindow, withBrowser } from '../browser.js';
import { Authenticator, PASSWORD, call, codeFor, endpoint, unique } from '../support.js';

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
      await addAuthenticator(page);
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
