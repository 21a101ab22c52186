// Passkeys with aws-amplify v6 in a browser whose authenticator is virtual.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import { addAuthenticator, openWindow, withBrowser } from '../browser.js';
import { bundle } from '../bundle.js';
import { PASSWORD, call, endpoint, makePool, makeUser } from '../support.js';

/** The application's web server. */
let server;
let address;

before(async () => {
  const script = await bundle('./passkey-page.js');
  server = createServer((request, response) => {
    if (request.url === '/page.js') {
      response.setHeader('Content-Type', 'text/javascript; charset=utf-8');
      response.end(script);
    } else if (request.url === '/') {
      response.setHeader('Content-Type', 'text/html; charset=utf-8');
      response.end('<!doctype html><link rel="icon" href="data:,"><script src="/page.js"></script>');
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  // Passkeys belong to names: there are none for addresses.
  address = `http://localhost:${server.address().port}/`;
});
after(() => {
  server.close();
  server.closeAllConnections();
});

/** A pool with passkeys for pages of this machine. */
async function makePasskeyPool(verification) {
  const pool = await makePool({
    Policies: { SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD', 'WEB_AUTHN'] } },
    flows: ['ALLOW_USER_AUTH', 'ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
  });
  await call('SetUserPoolMfaConfig', {
    UserPoolId: pool.id,
    WebAuthnConfiguration: { RelyingPartyId: 'localhost', UserVerification: verification },
  });
  return pool;
}

/** A page with Amplify and an authenticator; `run` calls a function of its `auth`. */
async function openApplication(browser, pool) {
  const { page } = await openWindow(browser);
  const authenticator = await addAuthenticator(page);
  await page.goto(address);
  const run = (name, ...args) => page.evaluate(
    ([called, given]) => globalThis.auth[called](...given), [name, args],
  );
  await run('use', endpoint, pool);
  return { run, authenticator };
}

for (const verification of ['required', 'preferred']) {
  test(`a passkey is made, signs in and is deleted; verification is ${verification}`, async () => {
    const pool = await makePasskeyPool(verification);
    const username = await makeUser(pool);
    await withBrowser(async (browser) => {
      const { run, authenticator } = await openApplication(browser, pool);
      await run('signIn', { username, password: PASSWORD });
      await run('associateWebAuthnCredential');
      const [made, ...others] = await authenticator.credentials();
      assert.equal(made.rpId, 'localhost');
      assert.deepEqual(others, []);
      const { credentials: [shown] } = await run('listWebAuthnCredentials');
      assert.equal(shown.relyingPartyId, 'localhost');
      const id = Buffer.from(made.credentialId, 'base64').toString('base64url');
      assert.equal(shown.credentialId, id);
      await run('signOut');

      const { isSignedIn } = await run('signIn', {
        username, options: { authFlowType: 'USER_AUTH', preferredChallenge: 'WEB_AUTHN' },
      });
      assert.ok(isSignedIn);
      assert.equal((await run('getCurrentUser')).username, username);
      assert.equal((await run('claims')).username, username);

      await run('deleteWebAuthnCredential', { credentialId: id });
      assert.deepEqual((await run('listWebAuthnCredentials')).credentials, []);
    });
  });
}

test('a passkey can be selected', async () => {
  const pool = await makePasskeyPool('preferred');
  const username = await makeUser(pool);
  await withBrowser(async (browser) => {
    const { run } = await openApplication(browser, pool);
    await run('signIn', { username, password: PASSWORD });
    await run('associateWebAuthnCredential');
    await run('signOut');

    const begun = await run('signIn', { username, options: { authFlowType: 'USER_AUTH' } });
    assert.equal(begun.nextStep.signInStep, 'CONTINUE_SIGN_IN_WITH_FIRST_FACTOR_SELECTION');
    const offered = [...begun.nextStep.availableChallenges].sort();
    assert.deepEqual(offered, ['PASSWORD', 'PASSWORD_SRP', 'WEB_AUTHN']);
    const { isSignedIn } = await run('confirmSignIn', { challengeResponse: 'WEB_AUTHN' });
    assert.ok(isSignedIn);
    assert.equal((await run('claims')).username, username);
  });
});

test('nobody makes two passkeys on one device, or signs in where theirs is not', async () => {
  const pool = await makePasskeyPool('preferred');
  const username = await makeUser(pool);
  await withBrowser(async (browser) => {
    const { run, authenticator } = await openApplication(browser, pool);
    await run('signIn', { username, password: PASSWORD });
    await run('associateWebAuthnCredential');
    await assert.rejects(run('associateWebAuthnCredential'), /PasskeyAlreadyExists/);
    await run('signOut');
    await authenticator.forget();
    const options = { authFlowType: 'USER_AUTH', preferredChallenge: 'WEB_AUTHN' };
    await assert.rejects(run('signIn', { username, options }), /PasskeyAuthenticationCanceled/);
  });
});

test('a forged passkey signs nobody in', async () => {
  const pool = await makePasskeyPool('preferred');
  const username = await makeUser(pool);
  await withBrowser(async (browser) => {
    const { run, authenticator } = await openApplication(browser, pool);
    await run('signIn', { username, password: PASSWORD });
    await run('associateWebAuthnCredential');
    await run('signOut');
    const [made] = await authenticator.credentials();
    const options = { authFlowType: 'USER_AUTH', preferredChallenge: 'WEB_AUTHN' };

    // All that is public is right, but not the key.
    await authenticator.forget();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const forged = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
    await authenticator.add({ ...made, privateKey: forged });
    await assert.rejects(run('signIn', { username, options }), /NotAuthorizedException/);

    await authenticator.forget();
    await authenticator.add({ ...made, signCount: made.signCount + 1 });
    assert.ok((await run('signIn', { username, options })).isSignedIn);
  });
});
