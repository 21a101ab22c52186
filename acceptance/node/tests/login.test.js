// The login pages in a browser, for an application with a generic OpenID Connect client: who people
// are, and how they prove it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as client from 'openid-client';

import {
  application, arrive, makeDomain, readQr, signOutUrl, silently, submit, visit,
} from '../application.js';
import { addAuthenticator, openWindow, withBrowser } from '../browser.js';
import {
  Authenticator, OTHER_PASSWORD, PASSWORD, call, codeFor, endpoint, makeUser, ownMail, unique,
} from '../support.js';

const CHOICE = ['ALLOW_USER_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH', 'ALLOW_ADMIN_USER_PASSWORD_AUTH'];

const emailAddress = () => `${unique('jo')}@example.com`;

/** A CONFIRMED user with PASSWORD whose address is verified. */
async function makeMailUser(pool) {
  const username = await makeUser(pool);
  const email = `${username}@example.com`;
  await call('AdminUpdateUserAttributes', {
    UserPoolId: pool.id,
    Username: username,
    UserAttributes: [{ Name: 'email', Value: email }, { Name: 'email_verified', Value: 'true' }],
  });
  return { username, email };
}

/** What the page says went wrong. */
async function problemOn(page) {
  const problem = page.locator('#problem');
  await problem.waitFor();
  return problem.innerText();
}

/** Another code than this one. */
const wrong = (code) => String((Number(code) + 1) % 10 ** code.length).padStart(code.length, '0');

test('sign-up, an authenticator app, sign-in, silent sign-in and sign-out', async () => {
  await withBrowser(async (browser) => {
    const domain = await makeDomain({
      mfa: 'ON', AutoVerifiedAttributes: ['email'], UsernameAttributes: ['email'],
    });
    const { page, problems } = await openWindow(browser);
    const email = emailAddress();

    const first = await visit(page, domain);
    await page.locator('a[href*="/signup?"]').click();
    await submit(page, { username: email, password: PASSWORD });
    await page.waitForURL(/\/confirm\?/);
    await submit(page, { code: await codeFor(domain, email) });

    // The picture, as an app sees it, and the key, as people type it, are the same secret.
    await page.locator('svg.qr').waitFor();
    const scanned = new URL(await readQr(page));
    assert.equal(scanned.protocol, 'otpauth:');
    assert.match(decodeURIComponent(scanned.pathname), new RegExp(`:${email}$`));
    const secret = scanned.searchParams.get('secret');
    assert.equal((await page.locator('#key').textContent()).replace(/\s/g, ''), secret);
    const phone = new Authenticator(secret);
    await submit(page, { code: phone.presentCode() });
    const tokens = await arrive(page, domain, first);
    const { sub, email: claimed } = tokens.claims();
    assert.equal(claimed, email);
    const about = await client.fetchUserInfo(domain.config, tokens.access_token, sub);
    assert.equal(about.email_verified, 'true');

    // The browser is signed in: no page is shown.
    const again = (await silently(page, domain)).tokens;
    assert.equal(again.claims().sub, sub);
    assert.equal(again.claims().auth_time, tokens.claims().auth_time);

    await page.goto(signOutUrl(domain));
    assert.equal(page.url(), `${application}/bye`);
    assert.deepEqual(await silently(page, domain), { error: 'login_required' });

    // From now on with the app; a wrong password first.
    const second = await visit(page, domain, { login_hint: email });
    assert.equal(await page.locator('[name=username]').inputValue(), email);
    await submit(page, { password: 'Wrong-Horse-9!' });
    await page.locator('#problem').waitFor();
    await submit(page, { password: PASSWORD });
    await submit(page, { code: phone.nextCode() });
    assert.equal((await arrive(page, domain, second)).claims().sub, sub);
    assert.deepEqual(problems, []);
  });
});

test('who left before the code came goes on in another browser', async () => {
  await withBrowser(async (browser) => {
    const domain = await makeDomain({
      AutoVerifiedAttributes: ['email'], UsernameAttributes: ['email'],
    });
    const email = emailAddress();
    const there = await openWindow(browser);
    await visit(there.page, domain);
    await there.page.locator('a[href*="/signup?"]').click();
    await submit(there.page, { username: email, password: PASSWORD });
    await there.page.waitForURL(/\/confirm\?/);
    const before = await codeFor(domain, email);
    await there.close();

    const { page, problems } = await openWindow(browser, { javaScriptEnabled: false });
    const checks = await visit(page, domain);
    await submit(page, { username: email, password: PASSWORD });
    await page.waitForURL(/\/confirm\?/);
    await page.locator('button[value=resend]').click();
    await page.getByRole('status').waitFor();
    const code = await codeFor(domain, email);
    assert.notEqual(code, before);
    await submit(page, { code });
    await page.waitForURL(/\/login\?/);
    await page.getByRole('status').waitFor();
    await submit(page, { username: email, password: PASSWORD });
    assert.equal((await arrive(page, domain, checks)).claims().email, email);
    assert.deepEqual(problems, []);
  });
});

test('a forgotten password is replaced by a code, and the old one is dead', async () => {
  await withBrowser(async (browser) => {
    const domain = await makeDomain({ AutoVerifiedAttributes: ['email'] });
    const { username, email } = await makeMailUser(domain);
    const other = await openWindow(browser);
    const elsewhere = await visit(other.page, domain);
    await submit(other.page, { username, password: PASSWORD });
    const tokens = await arrive(other.page, domain, elsewhere);

    const { page, problems } = await openWindow(browser);
    const checks = await visit(page, domain);
    await page.locator('a[href*="/forgotPassword?"]').click();
    await submit(page, { username });
    await page.waitForURL(/\/confirmforgotPassword\?/);
    const code = await codeFor(domain, email);
    const fields = { code, new_password: OTHER_PASSWORD, confirm_password: PASSWORD };
    await submit(page, fields);
    await problemOn(page);
    await submit(page, { ...fields, code: wrong(code), confirm_password: OTHER_PASSWORD });
    assert.match(await problemOn(page), /code/);
    await submit(page, { ...fields, confirm_password: OTHER_PASSWORD });
    await page.waitForURL(/\/login\?/);
    await page.getByRole('status').waitFor();
    await submit(page, { username, password: PASSWORD });
    assert.match(await problemOn(page), /Incorrect username or password/);
    await submit(page, { username, password: OTHER_PASSWORD });
    assert.equal((await arrive(page, domain, checks)).claims().sub, tokens.claims().sub);

    // Who was signed in elsewhere still is: only a sign-out or an administrator ends that.
    assert.equal((await silently(other.page, domain)).tokens.claims().sub, tokens.claims().sub);
    await client.refreshTokenGrant(domain.config, tokens.refresh_token);
    assert.deepEqual(problems, []);
  });
});

test('whom an administrator created chooses a password and says what is missing', async () => {
  await withBrowser(async (browser) => {
    const domain = await makeDomain({
      Schema: [{ Name: 'name', Required: true, AttributeDataType: 'String' }],
    });
    const username = unique('user');
    await call('AdminCreateUser', {
      UserPoolId: domain.id,
      Username: username,
      TemporaryPassword: PASSWORD,
      MessageAction: 'SUPPRESS',
    });
    const { page, problems } = await openWindow(browser);
    const checks = await visit(page, domain);
    await submit(page, { username, password: PASSWORD });
    await page.locator('[name=new_password]').waitFor();
    const name = page.getByLabel('Full name');
    await name.fill('Ada Lovelace');
    await submit(page, { new_password: 'nodigits', confirm_password: 'nodigits' });
    await problemOn(page);
    // What was typed is still there, but for the passwords.
    assert.equal(await name.inputValue(), 'Ada Lovelace');
    await submit(page, { new_password: OTHER_PASSWORD, confirm_password: OTHER_PASSWORD });
    const claims = (await arrive(page, domain, checks)).claims();
    assert.equal(claims['cognito:username'], username);
    const user = await call('AdminGetUser', { UserPoolId: domain.id, Username: username });
    assert.equal(user.UserStatus, 'CONFIRMED');
    const named = user.UserAttributes.find((attribute) => attribute.Name === 'name');
    assert.equal(named.Value, 'Ada Lovelace');
    assert.deepEqual(problems, []);
  });
});

test('a code by mail is the second factor', async () => {
  await withBrowser(async (browser) => {
    const domain = await makeDomain({
      AutoVerifiedAttributes: ['email'], EmailConfiguration: ownMail,
    });
    await call('SetUserPoolMfaConfig', {
      UserPoolId: domain.id, MfaConfiguration: 'OPTIONAL', EmailMfaConfiguration: {},
    });
    const { username, email } = await makeMailUser(domain);
    await call('AdminSetUserMFAPreference', {
      UserPoolId: domain.id,
      Username: username,
      EmailMfaSettings: { Enabled: true, PreferredMfa: true },
    });
    const { page, problems } = await openWindow(browser);
    const checks = await visit(page, domain);
    await submit(page, { username, password: PASSWORD });
    await page.locator('[name=code]').waitFor();
    const code = await codeFor(domain, email);
    await submit(page, { code: wrong(code) });
    await problemOn(page);
    // As people copy it.
    await submit(page, { code: ` ${code.slice(0, 3)} ${code.slice(3)}` });
    const claims = (await arrive(page, domain, checks)).claims();
    assert.equal(claims['cognito:username'], username);
    assert.deepEqual(problems, []);
  });
});

test('of several first factors one is chosen, and another instead', async () => {
  await withBrowser(async (browser) => {
    const domain = await makeDomain({
      flows: CHOICE,
      AutoVerifiedAttributes: ['email'],
      Policies: { SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD', 'EMAIL_OTP'] } },
    });
    const { username, email } = await makeMailUser(domain);
    const { page, problems } = await openWindow(browser);
    const choices = page.locator('button[name=factor]');
    const offered = () => choices.evaluateAll((buttons) => buttons.map((it) => it.value).sort());

    const first = await visit(page, domain);
    await submit(page, { username });
    await choices.first().waitFor();
    assert.deepEqual(await offered(), ['EMAIL_OTP', 'PASSWORD']);
    await page.locator('button[value=PASSWORD]').click();
    await submit(page, { password: PASSWORD });
    const { sub } = (await arrive(page, domain, first)).claims();

    const second = await visit(page, domain, { prompt: 'login' });
    await submit(page, { username });
    await page.locator('button[value=PASSWORD]').click();
    await page.locator('[name=password]').waitFor();
    await page.locator('button[value=other-way]').click();
    await page.locator('button[value=EMAIL_OTP]').click();
    await page.locator('[name=code]').waitFor();
    await submit(page, { code: await codeFor(domain, email) });
    assert.equal((await arrive(page, domain, second)).claims().sub, sub);
    assert.deepEqual(problems, []);
  });
});

test('the language is chosen on the page, and kept', async () => {
  await withBrowser(async (browser) => {
    const domain = await makeDomain();
    const username = await makeUser(domain);
    const { page, problems } = await openWindow(browser, { locale: 'fr-FR' });
    const language = () => page.evaluate(() => document.documentElement.lang);
    await visit(page, domain);
    assert.equal(await language(), 'fr');
    await page.locator('.languages summary').click();
    await page.getByRole('link', { name: 'Deutsch' }).click();
    await page.waitForURL(/lang=de/);
    assert.equal(await language(), 'de');
    // It lasts after a mistake, and the next time.
    await submit(page, { username, password: OTHER_PASSWORD });
    await problemOn(page);
    assert.equal(await language(), 'de');
    const checks = await visit(page, domain);
    assert.equal(await language(), 'de');
    await page.getByRole('button', { name: 'Anmelden' }).waitFor();
    await submit(page, { username, password: PASSWORD });
    await arrive(page, domain, checks);
    assert.deepEqual(problems, []);
  });
});

test('everything can be done with the keyboard', async () => {
  await withBrowser(async (browser) => {
    const domain = await makeDomain({
      flows: CHOICE,
      AutoVerifiedAttributes: ['email'],
      Policies: { SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD', 'EMAIL_OTP'] } },
    });
    const { username } = await makeMailUser(domain);
    const { page, problems } = await openWindow(browser);
    const press = async (...keys) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    const tabTo = async (selector) => {
      for (let presses = 0; presses < 12; presses += 1) {
        if (await page.evaluate((it) => document.activeElement.matches(it), selector)) return;
        await press('Tab');
      }
      assert.fail(`no key leads to ${selector}`);
    };
    const checks = await visit(page, domain);
    // The first field has the focus from the beginning.
    await page.keyboard.type(username);
    await press('Enter');
    await page.locator('button[name=factor]').first().waitFor();
    await tabTo('button[value=PASSWORD]');
    await press('Enter');
    await page.locator('[name=password]').waitFor();
    await tabTo('[name=password]');
    await page.keyboard.type(PASSWORD);
    await press('Enter');
    const claims = (await arrive(page, domain, checks)).claims();
    assert.equal(claims['cognito:username'], username);

    await visit(page, domain, { prompt: 'login' });
    await tabTo('.languages summary');
    await press('Enter');
    await tabTo('.languages a[hreflang=ja]');
    await press('Enter');
    await page.waitForURL(/lang=ja/);
    assert.deepEqual(problems, []);
  });
});

test('an account is made and used without JavaScript', async () => {
  await withBrowser(async (browser) => {
    const domain = await makeDomain({
      mfa: 'ON', AutoVerifiedAttributes: ['email'], UsernameAttributes: ['email'],
    });
    const { page, problems } = await openWindow(browser, { javaScriptEnabled: false });
    const email = emailAddress();
    const first = await visit(page, domain);
    await page.locator('a[href*="/signup?"]').click();
    await submit(page, { username: email, password: PASSWORD });
    await page.waitForURL(/\/confirm\?/);
    await submit(page, { code: await codeFor(domain, email) });
    await page.locator('details.manual summary').click();
    const secret = (await page.locator('#key').innerText()).replace(/\s/g, '');
    const phone = new Authenticator(secret);
    await submit(page, { code: phone.presentCode() });
    const { sub } = (await arrive(page, domain, first)).claims();
    const second = await visit(page, domain, { prompt: 'login' });
    await submit(page, { username: email, password: PASSWORD });
    await submit(page, { code: phone.nextCode() });
    assert.equal((await arrive(page, domain, second)).claims().sub, sub);
    assert.deepEqual(problems, []);
  });
});

test('a passkey signs in, from an authenticator of the browser', async () => {
  await withBrowser(async (browser) => {
    // Passkeys belong to names, not to addresses.
    const local = endpoint.replace('127.0.0.1', 'localhost');
    const domain = await makeDomain({
      flows: CHOICE,
      Policies: { SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD', 'WEB_AUTHN'] } },
    });
    await call('SetUserPoolMfaConfig', {
      UserPoolId: domain.id,
      WebAuthnConfiguration: {
        RelyingPartyId: new URL(local).hostname, UserVerification: 'preferred',
      },
    });
    const username = await makeUser(domain);
    const { AuthenticationResult } = await call('AdminInitiateAuth', {
      UserPoolId: domain.id,
      ClientId: domain.clientId,
      AuthFlow: 'ADMIN_USER_PASSWORD_AUTH',
      AuthParameters: { USERNAME: username, PASSWORD },
    });
    const { AccessToken } = AuthenticationResult;
    const { CredentialCreationOptions } = await call('StartWebAuthnRegistration', { AccessToken });

    const { page, problems } = await openWindow(browser);
    await addAuthenticator(page);
    // Browsers are sent on under the name by which they came.
    await page.route(`${endpoint}/**`, (route) => assert.fail(route.request().url()));
    const at = new URL(domain.config.serverMetadata().authorization_endpoint);
    const config = new client.Configuration(
      { ...domain.config.serverMetadata(), authorization_endpoint: at.href.replace(endpoint, local) },
      domain.clientId,
    );
    client.allowInsecureRequests(config);
    const checks = await visit(page, { ...domain, config });
    const credential = await page.evaluate(async (options) => {
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
      return (await navigator.credentials.create({ publicKey })).toJSON();
    }, CredentialCreationOptions);
    await call('CompleteWebAuthnRegistration', { AccessToken, Credential: credential });

    await submit(page, { username });
    await page.locator('button[value=WEB_AUTHN]').click();
    const start = page.locator('button[data-start]');
    await start.click();
    const tokens = await arrive(page, domain, checks);
    assert.equal(tokens.claims()['cognito:username'], username);
    assert.deepEqual(problems, []);
  });
});
