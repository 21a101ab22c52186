// The login pages in a browser: passkeys, accounts without a password, text messages, levels, errors.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { application, arrive, makeDomain, request, submit } from '../application.js';
import { addAuthenticator, openWindow, withBrowser } from '../browser.js';
import { PASSWORD, call, codeFor, makeUser, textMessages, unique } from '../support.js';

// Passkeys belong to names, not to addresses.
const host = 'localhost';
const local = (url) => url.replace('//127.0.0.1', `//${host}`);

/** A domain whose people sign in by passkey, among other things. */
async function makePasskeyDomain(settings) {
  const domain = await makeDomain({
    flows: ['ALLOW_USER_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
    ...settings,
  });
  await call('SetUserPoolMfaConfig', {
    UserPoolId: domain.id,
    WebAuthnConfiguration: { RelyingPartyId: host, UserVerification: 'preferred' },
  });
  return domain;
}

/** Presses a button that makes or uses a passkey, and waits for the application. */
async function withPasskey(page, domain, checks) {
  const isBack = page.waitForURL(`${application}/cb?*`);
  await page.locator('[data-start]').click();
  await isBack;
  return arrive(page, domain, checks);
}

async function signInByPasskey(page, domain, username) {
  const { url, checks } = await request(domain, { prompt: 'login' });
  await page.goto(local(url));
  await page.locator('[name=username]').fill(username);
  await submit(page);
  await page.locator('button[value=WEB_AUTHN]').click();
  return withPasskey(page, domain, checks);
}

test('who signs up without a password is offered a passkey, and signs in by it', async () => {
  await withBrowser(async (browser) => {
    const domain = await makePasskeyDomain({
      AutoVerifiedAttributes: ['email'],
      UsernameAttributes: ['email'],
      Policies: {
        SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD', 'EMAIL_OTP', 'WEB_AUTHN'] },
      },
    });
    const { page, problems } = await openWindow(browser);
    await addAuthenticator(page);
    const email = `${unique('jo')}@example.com`.toLowerCase();

    const first = await request(domain);
    await page.goto(local(first.url));
    await page.locator('a[href*="/signup?"]').click();
    await page.locator('[name=username]').fill(email);
    assert.equal(await page.locator('[name=password]').getAttribute('required'), null);
    await submit(page);
    await page.waitForURL(/\/confirm\?/);
    await page.locator('[name=code]').fill(await codeFor(domain, email));
    await submit(page);
    await page.waitForURL(/\/passkeys\/add\?/);
    assert.equal(await page.locator('button[value=skip]').innerText(), 'Not now');
    const tokens = await withPasskey(page, domain, first.checks);
    assert.equal(tokens.claims().email, email);
    assert.deepEqual(tokens.claims().amr, ['email_otp']);

    const again = await signInByPasskey(page, domain, email);
    assert.equal(again.claims().sub, tokens.claims().sub);
    assert.deepEqual(again.claims().amr, ['swk']);
    assert.deepEqual(problems, []);
  });
});

test('/passkeys/add signs in first, and adds a passkey for the next time', async () => {
  await withBrowser(async (browser) => {
    const domain = await makePasskeyDomain({
      Policies: { SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD', 'WEB_AUTHN'] } },
    });
    const username = await makeUser(domain);
    const { page, problems } = await openWindow(browser);
    await addAuthenticator(page);
    const { url, checks } = await request(domain);
    await page.goto(local(url).replace('/oauth2/authorize?', '/passkeys/add?'));
    await page.locator('[name=username]').fill(username);
    await submit(page);
    await page.locator('[name=password]').fill(PASSWORD);
    await submit(page);
    await page.getByRole('heading', { name: 'Sign in with a passkey next time' }).waitFor();
    await withPasskey(page, domain, checks);
    const tokens = await signInByPasskey(page, domain, username);
    assert.equal(tokens.claims()['cognito:username'], username);
    assert.deepEqual(problems, []);
  });
});

test('text messages are set up as second factor, and reach the level that is asked for', async () => {
  await withBrowser(async (browser) => {
    const domain = await makeDomain({ SmsConfiguration: textMessages });
    await call('SetUserPoolMfaConfig', {
      UserPoolId: domain.id,
      MfaConfiguration: 'ON',
      SoftwareTokenMfaConfiguration: { Enabled: true },
      SmsMfaConfiguration: { SmsConfiguration: textMessages },
    });
    const username = await makeUser(domain);
    const { page, problems } = await openWindow(browser);
    const level = { acr_values: 'urn:cognito:loa:3' };
    const { url, checks } = await request(domain, level);
    await page.goto(url);
    await page.locator('[name=username]').fill(username);
    await page.locator('[name=password]').fill(PASSWORD);
    await submit(page);
    await page.getByRole('button', { name: 'Code by text message' }).click();
    await page.getByLabel('Phone number').fill('+1 555 010 0199');
    await submit(page);
    const resend = page.getByRole('button', { name: /You can ask for a new code in (30|29) s/ });
    assert.ok(await resend.isDisabled());
    await page.locator('[name=code]').fill(await codeFor(domain, '+15550100199'));
    await submit(page);
    const claims = (await arrive(page, domain, checks)).claims();
    assert.deepEqual([claims.acr, claims.amr], ['urn:cognito:loa:3', ['pwd', 'sms', 'mfa']]);

    // The session of the browser has that level from now on.
    const silent = await request(domain, { ...level, prompt: 'none' });
    await page.goto(silent.url);
    assert.equal((await arrive(page, domain, silent.checks)).claims().acr, 'urn:cognito:loa:3');
    assert.deepEqual(problems, []);
  });
});

test('the page for errors says what went wrong, and repeats nothing of its address', async () => {
  await withBrowser(async (browser) => {
    const domain = await makeDomain();
    const { page, problems } = await openWindow(browser);
    const { url } = await request(domain, { redirect_uri: `${application}/other` });
    await page.goto(url);
    assert.match(page.url(), /\/error\?error=redirect_mismatch&client_id=/);
    await page.getByText('to an address that is not registered for it').waitFor();
    await page.getByText(`callback URLs of the app client ${domain.clientId}`).waitFor();
    await page.goto(page.url().replace('redirect_mismatch', 'Call+us'));
    await page.getByRole('heading', { name: 'Something went wrong' }).waitFor();
    assert.equal(await page.getByText('Call us').count(), 0);
    await page.goto(`${page.url().split('?')[0]}?error=invalid_client&lang=nl`);
    await page.getByText('De applicatie die u hierheen heeft gestuurd').waitFor();
    assert.deepEqual(problems, []);
  });
});
