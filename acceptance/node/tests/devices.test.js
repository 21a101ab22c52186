// Devices with amazon-cognito-identity-js, which confirms a device after each sign-in that makes one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AuthenticationDetails,
  CognitoUser,
  CognitoUserPool,
} from 'amazon-cognito-identity-js';

import { PASSWORD, call, endpoint, makePool, makeUser } from '../support.js';

/** Where the library keeps tokens and devices: what a browser keeps for one origin. */
class MemoryStorage {
  #items = new Map();
  setItem(key, value) { this.#items.set(key, value); return value; }
  getItem(key) { return this.#items.get(key) ?? null; }
  removeItem(key) { return this.#items.delete(key); }
  clear() { this.#items.clear(); }
}

/** The user as the application sees them after it was started on a machine with this storage. */
function userOn(storage, pool, username) {
  const Pool = new CognitoUserPool({
    UserPoolId: pool.id, ClientId: pool.clientId, endpoint: `${endpoint}/`, Storage: storage,
  });
  return new CognitoUser({ Username: username, Pool, Storage: storage });
}

/** Resolves with the arguments of `onSuccess`, or with `{ asked }`, the callback that came instead. */
function outcome(start) {
  return new Promise((resolve, reject) => {
    start({
      onSuccess: (...args) => resolve(args),
      totpRequired: () => resolve({ asked: 'totpRequired' }),
      onFailure: reject,
    });
  });
}

function signIn(user) {
  const details = new AuthenticationDetails({ Username: user.getUsername(), Password: PASSWORD });
  return outcome((callbacks) => user.authenticateUser(details, callbacks));
}

async function devicesOf(user) {
  const [answer] = await outcome((callbacks) => user.listDevices(60, null, callbacks));
  return answer.Devices.map((device) => device.DeviceKey);
}

function deviceKey(session) {
  return session.getAccessToken().decodePayload().device_key;
}

test('a device is confirmed, remembered, listed, signs in again and is forgotten', async () => {
  const pool = await makePool({
    DeviceConfiguration: {
      ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: true,
    },
  });
  const username = await makeUser(pool);
  const machine = new MemoryStorage();

  const user = userOn(machine, pool, username);
  const [first, mustAsk] = await signIn(user);
  assert.equal(mustAsk, true);
  const key = deviceKey(first);
  assert.deepEqual(await devicesOf(user), []);
  await outcome((callbacks) => user.setDeviceStatusRemembered(callbacks));
  assert.deepEqual(await devicesOf(user), [key]);

  // The proof stands in for the TOTP code that everybody has to show from now on.
  await call('SetUserPoolMfaConfig', {
    UserPoolId: pool.id,
    MfaConfiguration: 'ON',
    SoftwareTokenMfaConfiguration: { Enabled: true },
  });
  const again = userOn(machine, pool, username);
  const [second] = await signIn(again);
  assert.equal(deviceKey(second), key);
  assert.notEqual(second.getAccessToken().getJwtToken(), first.getAccessToken().getJwtToken());

  const refreshed = await new Promise((resolve, reject) => {
    again.refreshSession(second.getRefreshToken(), (error, session) => (
      error ? reject(error) : resolve(session)
    ));
  });
  assert.equal(deviceKey(refreshed), key);

  again.getCachedDeviceKeyAndPassword();
  const shown = await outcome((callbacks) => again.getDevice(callbacks));
  assert.equal(shown[0].Device.DeviceKey, key);
  await outcome((callbacks) => again.forgetDevice(callbacks));
  assert.deepEqual(await devicesOf(again), []);
});

test('a device that the server has forgotten is replaced within the same sign-in', async () => {
  const pool = await makePool({ DeviceConfiguration: { ChallengeRequiredOnNewDevice: true } });
  const username = await makeUser(pool);
  const machine = new MemoryStorage();
  const key = deviceKey((await signIn(userOn(machine, pool, username)))[0]);
  const [known] = await signIn(userOn(machine, pool, username));
  assert.equal(deviceKey(known), key);

  await call('AdminForgetDevice', { UserPoolId: pool.id, Username: username, DeviceKey: key });
  const user = userOn(machine, pool, username);
  const [replaced] = await signIn(user);
  assert.notEqual(deviceKey(replaced), key);
  assert.deepEqual(await devicesOf(user), [deviceKey(replaced)]);
});
