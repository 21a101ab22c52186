// Functions of triggers, as they are written for Node, around sign-ups by amazon-cognito-identity-js.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CognitoUserAttribute, CognitoUserPool } from 'amazon-cognito-identity-js';

import { startFunctions } from '../functions.js';
import callback from '../handlers/callback.cjs';
import { handler as membersOnly, seen } from '../handlers/members-only.js';
import { PASSWORD, call, endpoint, makePool, unique } from '../support.js';

let functions;

before(async () => {
  functions = await startFunctions();
});
after(() => functions.close());

async function poolWith(arn) {
  return makePool({ LambdaConfig: { PreSignUp: arn } });
}

/** Whether the user is confirmed; a refusal rejects. */
function signUp(pool, { email = 'ann@example.com', metadata } = {}) {
  const userPool = new CognitoUserPool({
    UserPoolId: pool.id,
    ClientId: pool.clientId,
    endpoint: `${endpoint}/`,
  });
  const attributes = [new CognitoUserAttribute({ Name: 'email', Value: email })];
  return new Promise((resolve, reject) => {
    const done = (error, answer) => (error ? reject(error) : resolve(answer.userConfirmed));
    userPool.signUp(unique('user'), PASSWORD, attributes, null, done, metadata);
  });
}

test('a handler of our day decides', async () => {
  const pool = await poolWith(await functions.invoked(membersOnly));
  assert.equal(await signUp(pool), true);
  assert.match(seen.at(-1), /^[0-9a-f-]{36}$/);
  await assert.rejects(signUp(pool, { email: 'eve@example.org' }), {
    code: 'UserLambdaValidationException',
    message: 'PreSignUp failed with error eve@example.org is no member.',
  });
});

test('a handler that calls back decides', async () => {
  const pool = await poolWith(await functions.invoked(callback.handler));
  assert.equal(await signUp(pool, { metadata: { invited: 'yes' } }), true);
  await assert.rejects(signUp(pool), {
    code: 'UserLambdaValidationException',
    message: 'PreSignUp failed with error by invitation only.',
  });
});

test('a handler that forgets to give the event back is no good', async () => {
  const pool = await poolWith(await functions.invoked(async () => {}));
  await assert.rejects(signUp(pool), {
    code: 'InvalidLambdaResponseException',
    message: 'Invalid lambda function output : Invalid JSON',
  });
});

test('a webhook that verifies signatures decides', async () => {
  const pool = await poolWith(
    await functions.hooked(async (event) => {
      if (!event.request.userAttributes.email.endsWith('.com')) throw new Error('Go away');
      return { autoConfirmUser: true };
    }),
  );
  assert.equal(await signUp(pool), true);
  await assert.rejects(signUp(pool, { email: 'eve@example.org' }), {
    message: 'PreSignUp failed with error Go away.',
  });
});

test('a webhook whose signature is not right is not heard', async () => {
  const arn = await functions.hooked(async () => ({ autoConfirmUser: true }));
  const name = arn.split(':').at(-1);
  const pool = await poolWith(arn);
  assert.equal(await signUp(pool), true);
  const shown = await (await fetch(`${endpoint}/_poolhouse/invocations?pool=${pool.id}`)).json();
  const url = shown.invocations[0].target.replace('webhook ', '');
  await fetch(`${endpoint}/_poolhouse/functions`, {
    method: 'PUT',
    body: JSON.stringify({
      function: name,
      webhook: `${url}/hooks/${name}`,
      secret: `whsec_${Buffer.alloc(32).toString('base64')}`,
    }),
  });
  await assert.rejects(signUp(pool), {
    code: 'UnexpectedLambdaException',
    message: 'PreSignUp invocation failed due to error AccessDeniedException.',
  });
  const { Users } = await call('ListUsers', { UserPoolId: pool.id });
  assert.equal(Users.length, 1);
});
