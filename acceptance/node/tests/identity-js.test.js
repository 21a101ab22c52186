// amazon-cognito-identity-js, the SRP client of many web and mobile applications.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AuthenticationDetails,
  CognitoRefreshToken,
  CognitoUser,
  CognitoUserPool,
} from 'amazon-cognito-identity-js';

import {
  Authenticator,
  OTHER_PASSWORD,
  PASSWORD,
  call,
  codeFor,
  endpoint,
  makeNewUser,
  makePool,
  makeUser,
  textMessages,
  unique,
} from '../support.js';

/** Keeps tokens of one test apart from those of another. */
class MemoryStorage {
  #items = new Map();
  setItem(key, value) { this.#items.set(key, value); return value; }
  getItem(key) { return this.#items.get(key) ?? null; }
  removeItem(key) { return this.#items.delete(key); }
  clear() { this.#items.clear(); }
}

function clientOf(pool) {
  return new CognitoUserPool({
    UserPoolId: pool.id,
    ClientId: pool.clientId,
    endpoint: `${endpoint}/`,
    Storage: new MemoryStorage(),
  });
}

function userOf(pool, username) {
  const Pool = clientOf(pool);
  return new CognitoUser({ Username: username, Pool, Storage: Pool.storage });
}

/** Resolves with the name of the callback that came and its arguments; rejects on failure. */
function outcome(start) {
  return new Promise((resolve, reject) => {
    const names = ['onSuccess', 'totpRequired', 'mfaSetup', 'newPasswordRequired', 'mfaRequired',
      'selectMFAType', 'associateSecretCode'];
    const callbacks = Object.fromEntries(
      names.map((name) => [name, (...args) => resolve({ name, args })]),
    );
    start({ ...callbacks, onFailure: reject });
  });
}

/** Promise form of a method that ends with a node-style callback. */
function promised(start) {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value)));
  });
}

function signIn(user, password = PASSWORD) {
  const details = new AuthenticationDetails({ Username: user.getUsername(), Password: password });
  return outcome((callbacks) => user.authenticateUser(details, callbacks));
}

test('SRP signs in and the session is valid', async () => {
  const pool = await makePool();
  const username = await makeUser(pool);
  const done = await signIn(userOf(pool, username));
  assert.equal(done.name, 'onSuccess');
  assert.ok(done.args[0].isValid());
  assert.equal(done.args[0].getIdToken().payload['cognito:username'], username);
});

test('SRP refuses a wrong password', async () => {
  const pool = await makePool();
  const user = userOf(pool, await makeUser(pool));
  await assert.rejects(signIn(user, 'Wrong-Donkey-3#'), {
    code: 'NotAuthorizedException',
    message: 'Incorrect username or password.',
  });
});

test('SRP signs in many users whose salts differ', async () => {
  const pool = await makePool();
  for (let round = 0; round < 20; round += 1) {
    const done = await signIn(userOf(pool, await makeUser(pool)));
    assert.equal(done.name, 'onSuccess');
  }
});

test('a user signs up, confirms with the code from the message, and signs in', async () => {
  const pool = await makePool({ AutoVerifiedAttributes: ['email'] });
  const username = unique('user');
  const address = `${username}@example.com`;
  const signedUp = await promised((done) => clientOf(pool).signUp(
    username, PASSWORD, [{ Name: 'email', Value: address }], [], done,
  ));
  assert.equal(signedUp.userConfirmed, false);
  const user = userOf(pool, username);
  const code = await codeFor(pool, address);
  await promised((done) => user.confirmRegistration(code, false, done));
  assert.equal((await signIn(user)).name, 'onSuccess');
});

test('a temporary password is changed on the way in', async () => {
  const pool = await makePool();
  const username = await makeNewUser(pool);
  const user = userOf(pool, username);
  assert.equal((await signIn(user)).name, 'newPasswordRequired');
  const changed = await outcome((callbacks) => {
    user.completeNewPasswordChallenge(OTHER_PASSWORD, {}, callbacks);
  });
  assert.equal(changed.name, 'onSuccess');
  assert.equal((await signIn(userOf(pool, username), OTHER_PASSWORD)).name, 'onSuccess');
});

test('a signed-in user sets up TOTP and is asked for it next time', async () => {
  const pool = await makePool({ mfa: 'OPTIONAL' });
  const username = await makeUser(pool);
  const user = userOf(pool, username);
  await signIn(user);
  const associated = await outcome((callbacks) => user.associateSoftwareToken(callbacks));
  assert.equal(associated.name, 'associateSecretCode');
  const app = new Authenticator(associated.args[0]);
  await outcome((callbacks) => user.verifySoftwareToken(app.presentCode(), 'phone', callbacks));
  await promised((done) => user.setUserMfaPreference(
    null, { PreferredMfa: true, Enabled: true }, done,
  ));

  const again = userOf(pool, username);
  assert.equal((await signIn(again)).name, 'totpRequired');
  const done = await outcome((callbacks) => {
    again.sendMFACode(app.nextCode(), callbacks, 'SOFTWARE_TOKEN_MFA');
  });
  assert.equal(done.name, 'onSuccess');
});

test('TOTP is set up while signing in where MFA is required', async () => {
  const pool = await makePool({ mfa: 'ON' });
  const username = await makeUser(pool);
  const user = userOf(pool, username);
  assert.equal((await signIn(user)).name, 'mfaSetup');
  const associated = await outcome((callbacks) => user.associateSoftwareToken(callbacks));
  const app = new Authenticator(associated.args[0]);
  const verified = await outcome((callbacks) => {
    user.verifySoftwareToken(app.presentCode(), 'phone', callbacks);
  });
  assert.equal(verified.name, 'onSuccess');
  assert.ok(verified.args[0].isValid());

  const again = userOf(pool, username);
  assert.equal((await signIn(again)).name, 'totpRequired');
  const done = await outcome((callbacks) => {
    again.sendMFACode(app.nextCode(), callbacks, 'SOFTWARE_TOKEN_MFA');
  });
  assert.equal(done.name, 'onSuccess');
});

test('a wrong TOTP code may be followed by the right one', async () => {
  const pool = await makePool({ mfa: 'OPTIONAL' });
  const username = await makeUser(pool);
  const user = userOf(pool, username);
  await signIn(user);
  const associated = await outcome((callbacks) => user.associateSoftwareToken(callbacks));
  const app = new Authenticator(associated.args[0]);
  await outcome((callbacks) => user.verifySoftwareToken(app.presentCode(), 'phone', callbacks));
  await promised((done) => user.setUserMfaPreference(
    null, { PreferredMfa: true, Enabled: true }, done,
  ));

  const again = userOf(pool, username);
  await signIn(again);
  const right = app.nextCode();
  const wrong = right === '000000' ? '111111' : '000000';
  await assert.rejects(
    outcome((callbacks) => again.sendMFACode(wrong, callbacks, 'SOFTWARE_TOKEN_MFA')),
    { code: 'CodeMismatchException' },
  );
  const done = await outcome((callbacks) => {
    again.sendMFACode(right, callbacks, 'SOFTWARE_TOKEN_MFA');
  });
  assert.equal(done.name, 'onSuccess');
});

/** A user whose verified number may be a second factor. */
async function makeUserWithPhone() {
  const pool = await makePool({ SmsConfiguration: textMessages });
  await call('SetUserPoolMfaConfig', {
    UserPoolId: pool.id,
    MfaConfiguration: 'OPTIONAL',
    SmsMfaConfiguration: { SmsConfiguration: textMessages },
  });
  const username = await makeUser(pool);
  const phone = '+15550100123';
  await call('AdminUpdateUserAttributes', {
    UserPoolId: pool.id,
    Username: username,
    UserAttributes: [
      { Name: 'phone_number', Value: phone },
      { Name: 'phone_number_verified', Value: 'true' },
    ],
  });
  return { pool, username, phone };
}

test('a user turns codes by SMS on and is asked for one next time', async () => {
  const { pool, username, phone } = await makeUserWithPhone();
  const user = userOf(pool, username);
  await signIn(user);
  await promised((done) => user.setUserMfaPreference(
    { PreferredMfa: true, Enabled: true }, null, done,
  ));

  const again = userOf(pool, username);
  const asked = await signIn(again);
  assert.equal(asked.name, 'mfaRequired');
  const [kind, parameters] = asked.args;
  assert.equal(kind, 'SMS_MFA');
  assert.equal(parameters.CODE_DELIVERY_DELIVERY_MEDIUM, 'SMS');
  assert.equal(parameters.CODE_DELIVERY_DESTINATION, '+*******0123');
  const right = await codeFor(pool, phone);
  const wrong = right === '000000' ? '111111' : '000000';
  await assert.rejects(outcome((callbacks) => again.sendMFACode(wrong, callbacks)), {
    code: 'CodeMismatchException',
  });
  const done = await outcome((callbacks) => again.sendMFACode(right, callbacks));
  assert.equal(done.name, 'onSuccess');
  assert.ok(done.args[0].isValid());
});

test('the older way to turn codes by SMS on and off', async () => {
  const { pool, username, phone } = await makeUserWithPhone();
  const user = userOf(pool, username);
  await signIn(user);
  await promised((done) => user.enableMFA(done));
  const again = userOf(pool, username);
  assert.equal((await signIn(again)).name, 'mfaRequired');
  const code = await codeFor(pool, phone);
  await outcome((callbacks) => again.sendMFACode(code, callbacks));
  await promised((done) => again.disableMFA(done));
  assert.equal((await signIn(userOf(pool, username))).name, 'onSuccess');
});

test('a session is refreshed', async () => {
  const pool = await makePool();
  const user = userOf(pool, await makeUser(pool));
  const { args: [session] } = await signIn(user);
  const token = new CognitoRefreshToken({ RefreshToken: session.getRefreshToken().getToken() });
  const renewed = await promised((done) => user.refreshSession(token, done));
  assert.ok(renewed.isValid());
  assert.notEqual(renewed.getAccessToken().getJwtToken(), session.getAccessToken().getJwtToken());
});

test('global sign-out ends the session on the server', async () => {
  const pool = await makePool();
  const user = userOf(pool, await makeUser(pool));
  const { args: [session] } = await signIn(user);
  await outcome((callbacks) => user.globalSignOut(callbacks));
  await assert.rejects(
    call('GetUser', { AccessToken: session.getAccessToken().getJwtToken() }),
    /Access Token has been revoked/,
  );
});

test('a user reads and changes attributes', async () => {
  const pool = await makePool();
  const user = userOf(pool, await makeUser(pool));
  await signIn(user);
  await promised((done) => user.updateAttributes([{ Name: 'name', Value: 'Jo' }], done));
  const found = await promised((done) => user.getUserAttributes(done));
  assert.equal(found.find((attribute) => attribute.getName() === 'name').getValue(), 'Jo');
});

test('a user changes the password', async () => {
  const pool = await makePool();
  const username = await makeUser(pool);
  const user = userOf(pool, username);
  await signIn(user);
  await promised((done) => user.changePassword(PASSWORD, OTHER_PASSWORD, done));
  assert.equal((await signIn(userOf(pool, username), OTHER_PASSWORD)).name, 'onSuccess');
});
