// aws-amplify v6, pointed at the server by `userPoolEndpoint`.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import {
  confirmSignIn,
  confirmSignUp,
  fetchAuthSession,
  fetchMFAPreference,
  getCurrentUser,
  setUpTOTP,
  signIn,
  signOut,
  signUp,
  updateMFAPreference,
  verifyTOTPSetup,
} from 'aws-amplify/auth';

import { use } from '../amplify.js';
import {
  Authenticator,
  OTHER_PASSWORD,
  PASSWORD,
  call,
  codeFor,
  makeNewUser,
  makePool,
  makeUser,
  unique,
} from '../support.js';

afterEach(() => signOut());

async function setUpAuthenticator() {
  const app = new Authenticator((await setUpTOTP()).sharedSecret);
  await verifyTOTPSetup({ code: app.presentCode() });
  await updateMFAPreference({ totp: 'PREFERRED' });
  return app;
}

test('a user signs up, confirms and signs in by SRP', async () => {
  const pool = await makePool({ AutoVerifiedAttributes: ['email'] });
  use(pool);
  const username = unique('user');
  const email = `${username}@example.com`;
  const signedUp = await signUp({
    username, password: PASSWORD, options: { userAttributes: { email } },
  });
  assert.equal(signedUp.nextStep.signUpStep, 'CONFIRM_SIGN_UP');
  const confirmationCode = await codeFor(pool, email);
  const confirmed = await confirmSignUp({ username, confirmationCode });
  assert.equal(confirmed.nextStep.signUpStep, 'DONE');
  const { isSignedIn } = await signIn({ username, password: PASSWORD });
  assert.ok(isSignedIn);
  assert.equal((await getCurrentUser()).username, username);
});

test('a wrong password is a NotAuthorizedException', async () => {
  const pool = await makePool();
  use(pool);
  const username = await makeUser(pool);
  await assert.rejects(signIn({ username, password: 'Wrong-Donkey-3#' }), {
    name: 'NotAuthorizedException',
    message: 'Incorrect username or password.',
  });
});

test('a temporary password is changed on the way in', async () => {
  const pool = await makePool();
  use(pool);
  const username = await makeNewUser(pool);
  const begun = await signIn({ username, password: PASSWORD });
  assert.equal(begun.nextStep.signInStep, 'CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED');
  const { isSignedIn } = await confirmSignIn({ challengeResponse: OTHER_PASSWORD });
  assert.ok(isSignedIn);
});

test('a signed-in user sets up TOTP and is asked for it next time', async () => {
  const pool = await makePool({ mfa: 'OPTIONAL' });
  use(pool);
  const username = await makeUser(pool);
  await signIn({ username, password: PASSWORD });
  const app = await setUpAuthenticator();
  assert.deepEqual(await fetchMFAPreference(), { enabled: ['TOTP'], preferred: 'TOTP' });
  await signOut();

  const begun = await signIn({ username, password: PASSWORD });
  assert.equal(begun.nextStep.signInStep, 'CONFIRM_SIGN_IN_WITH_TOTP_CODE');
  const { isSignedIn } = await confirmSignIn({ challengeResponse: app.nextCode() });
  assert.ok(isSignedIn);
});

test('TOTP is set up while signing in where MFA is required', async () => {
  const pool = await makePool({ mfa: 'ON' });
  use(pool);
  const username = await makeUser(pool);
  const begun = await signIn({ username, password: PASSWORD });
  assert.equal(begun.nextStep.signInStep, 'CONTINUE_SIGN_IN_WITH_TOTP_SETUP');
  const app = new Authenticator(begun.nextStep.totpSetupDetails.sharedSecret);
  const { isSignedIn } = await confirmSignIn({ challengeResponse: app.presentCode() });
  assert.ok(isSignedIn);
});

test('a wrong TOTP code may be followed by the right one', async () => {
  const pool = await makePool({ mfa: 'OPTIONAL' });
  use(pool);
  const username = await makeUser(pool);
  await signIn({ username, password: PASSWORD });
  const app = await setUpAuthenticator();
  await signOut();

  await signIn({ username, password: PASSWORD });
  const right = app.nextCode();
  const wrong = right === '000000' ? '111111' : '000000';
  await assert.rejects(confirmSignIn({ challengeResponse: wrong }), {
    name: 'CodeMismatchException',
  });
  assert.ok((await confirmSignIn({ challengeResponse: right })).isSignedIn);
});

test('a session is refreshed on demand', async () => {
  const pool = await makePool();
  use(pool);
  await signIn({ username: await makeUser(pool), password: PASSWORD });
  const before = await fetchAuthSession();
  const after = await fetchAuthSession({ forceRefresh: true });
  assert.notEqual(after.tokens.accessToken.toString(), before.tokens.accessToken.toString());
  assert.equal(after.tokens.accessToken.payload.sub, before.tokens.accessToken.payload.sub);
});

test('global sign-out ends the session on the server', async () => {
  const pool = await makePool();
  use(pool);
  await signIn({ username: await makeUser(pool), password: PASSWORD });
  const { tokens } = await fetchAuthSession();
  await signOut({ global: true });
  await assert.rejects(
    call('GetUser', { AccessToken: tokens.accessToken.toString() }),
    /Access Token has been revoked/,
  );
});
