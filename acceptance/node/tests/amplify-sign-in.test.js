// Ways to sign in with aws-amplify v6 beyond the password and TOTP.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import {
  autoSignIn,
  confirmResetPassword,
  confirmSignIn,
  confirmSignUp,
  fetchMFAPreference,
  getCurrentUser,
  resetPassword,
  signIn,
  signOut,
  signUp,
  updateMFAPreference,
} from 'aws-amplify/auth';

import { use } from '../amplify.js';
import { startFunctions } from '../functions.js';
import {
  OTHER_PASSWORD,
  PASSWORD,
  call,
  codeFor,
  makePool,
  ownMail,
  textMessages,
  unique,
} from '../support.js';

const WRONG_PASSWORD = 'Wrong-Donkey-3#';
const PHONE = '+15550100123';
const CHOICES = ['PASSWORD', 'EMAIL_OTP', 'SMS_OTP'];

let functions;

before(async () => {
  functions = await startFunctions();
});
after(() => functions.close());
afterEach(() => signOut());

/** A CONFIRMED user with a verified address and number, with whom nothing is in the inbox. */
async function makeReachableUser(pool) {
  const username = unique('user');
  const email = `${username}@example.com`;
  await call('AdminCreateUser', {
    UserPoolId: pool.id,
    Username: username,
    MessageAction: 'SUPPRESS',
    UserAttributes: [
      { Name: 'email', Value: email },
      { Name: 'email_verified', Value: 'true' },
      { Name: 'phone_number', Value: PHONE },
      { Name: 'phone_number_verified', Value: 'true' },
    ],
  });
  await call('AdminSetUserPassword', {
    UserPoolId: pool.id, Username: username, Password: PASSWORD, Permanent: true,
  });
  return { username, email };
}

/** A pool whose users choose how to sign in, and one of them. */
async function usePoolOfChoices() {
  const pool = await makePool({
    SmsConfiguration: textMessages,
    Policies: { SignInPolicy: { AllowedFirstAuthFactors: CHOICES } },
    flows: ['ALLOW_USER_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
  });
  use(pool);
  return { pool, ...await makeReachableUser(pool) };
}

const choose = (preferredChallenge) => ({ authFlowType: 'USER_AUTH', preferredChallenge });

for (const factor of ['PASSWORD', 'PASSWORD_SRP']) {
  test(`${factor} is a choice`, async () => {
    const { username } = await usePoolOfChoices();
    const options = choose(factor);
    const { isSignedIn } = await signIn({ username, password: PASSWORD, options });
    assert.ok(isSignedIn);
    assert.equal((await getCurrentUser()).username, username);
    await signOut();
    await assert.rejects(signIn({ username, password: WRONG_PASSWORD, options }), {
      name: 'NotAuthorizedException',
      message: 'Incorrect username or password.',
    });
  });

  test(`${factor} can be selected`, async () => {
    const { username } = await usePoolOfChoices();
    const begun = await signIn({ username, options: choose() });
    assert.equal(begun.nextStep.signInStep, 'CONTINUE_SIGN_IN_WITH_FIRST_FACTOR_SELECTION');
    const available = ['EMAIL_OTP', 'PASSWORD', 'PASSWORD_SRP', 'SMS_OTP'];
    assert.deepEqual([...begun.nextStep.availableChallenges].sort(), available);
    const selected = await confirmSignIn({ challengeResponse: factor });
    assert.equal(selected.nextStep.signInStep, 'CONFIRM_SIGN_IN_WITH_PASSWORD');
    const { isSignedIn } = await confirmSignIn({ challengeResponse: PASSWORD });
    assert.ok(isSignedIn);
    assert.equal((await getCurrentUser()).username, username);
  });
}

for (const [factor, step, medium, contact] of [
  ['EMAIL_OTP', 'CONFIRM_SIGN_IN_WITH_EMAIL_CODE', 'EMAIL', ({ email }) => email],
  ['SMS_OTP', 'CONFIRM_SIGN_IN_WITH_SMS_CODE', 'SMS', () => PHONE],
]) {
  /** Answers the code: a wrong one, then the one that came. */
  const finish = async (asked, user) => {
    assert.equal(asked.nextStep.signInStep, step);
    assert.equal(asked.nextStep.codeDeliveryDetails.deliveryMedium, medium);
    const right = await codeFor(user.pool, contact(user));
    const wrong = right === '00000000' ? '11111111' : '00000000';
    await assert.rejects(confirmSignIn({ challengeResponse: wrong }), {
      name: 'CodeMismatchException',
    });
    const { isSignedIn } = await confirmSignIn({ challengeResponse: right });
    assert.ok(isSignedIn);
    assert.equal((await getCurrentUser()).username, user.username);
  };

  test(`${factor} is a choice`, async () => {
    const user = await usePoolOfChoices();
    await finish(await signIn({ username: user.username, options: choose(factor) }), user);
  });

  test(`${factor} can be selected`, async () => {
    const user = await usePoolOfChoices();
    await signIn({ username: user.username, options: choose() });
    await finish(await confirmSignIn({ challengeResponse: factor }), user);
  });
}

test('a forgotten password is replaced', async () => {
  const byMail = { RecoveryMechanisms: [{ Name: 'verified_email', Priority: 1 }] };
  const pool = await makePool({ AccountRecoverySetting: byMail });
  use(pool);
  const { username, email } = await makeReachableUser(pool);
  const { nextStep } = await resetPassword({ username });
  assert.equal(nextStep.resetPasswordStep, 'CONFIRM_RESET_PASSWORD_WITH_CODE');
  assert.equal(nextStep.codeDeliveryDetails.deliveryMedium, 'EMAIL');
  const confirmationCode = await codeFor(pool, email);
  await confirmResetPassword({ username, confirmationCode, newPassword: OTHER_PASSWORD });
  assert.ok((await signIn({ username, password: OTHER_PASSWORD })).isSignedIn);
});

test('a code by mail is the second factor', async () => {
  const pool = await makePool({ EmailConfiguration: ownMail });
  await call('SetUserPoolMfaConfig', {
    UserPoolId: pool.id, MfaConfiguration: 'OPTIONAL', EmailMfaConfiguration: {},
  });
  use(pool);
  const { username, email } = await makeReachableUser(pool);
  await signIn({ username, password: PASSWORD });
  await updateMFAPreference({ email: 'PREFERRED' });
  assert.deepEqual(await fetchMFAPreference(), { enabled: ['EMAIL'], preferred: 'EMAIL' });
  await signOut();

  const begun = await signIn({ username, password: PASSWORD });
  assert.equal(begun.nextStep.signInStep, 'CONFIRM_SIGN_IN_WITH_EMAIL_CODE');
  assert.equal(begun.nextStep.codeDeliveryDetails.deliveryMedium, 'EMAIL');
  assert.match(begun.nextStep.codeDeliveryDetails.destination, /^u\*\*\*@e\*\*\*$/);
  const { isSignedIn } = await confirmSignIn({ challengeResponse: await codeFor(pool, email) });
  assert.ok(isSignedIn);
});

test('one of two second factors is selected', async () => {
  const pool = await makePool({ EmailConfiguration: ownMail, SmsConfiguration: textMessages });
  await call('SetUserPoolMfaConfig', {
    UserPoolId: pool.id,
    MfaConfiguration: 'ON',
    EmailMfaConfiguration: {},
    SmsMfaConfiguration: { SmsConfiguration: textMessages },
  });
  use(pool);
  const { username } = await makeReachableUser(pool);
  await call('AdminSetUserMFAPreference', {
    UserPoolId: pool.id,
    Username: username,
    SMSMfaSettings: { Enabled: true },
    EmailMfaSettings: { Enabled: true },
  });
  const begun = await signIn({ username, password: PASSWORD });
  assert.equal(begun.nextStep.signInStep, 'CONTINUE_SIGN_IN_WITH_MFA_SELECTION');
  assert.deepEqual([...begun.nextStep.allowedMFATypes].sort(), ['EMAIL', 'SMS']);
  const selected = await confirmSignIn({ challengeResponse: 'SMS' });
  assert.equal(selected.nextStep.signInStep, 'CONFIRM_SIGN_IN_WITH_SMS_CODE');
  const { isSignedIn } = await confirmSignIn({ challengeResponse: await codeFor(pool, PHONE) });
  assert.ok(isSignedIn);
});

/** Three functions in one: the password first if there is one, then a word. */
async function askForWord(event) {
  const { request, response } = event;
  const [kind] = event.triggerSource.split('_');
  if (kind === 'CreateAuthChallenge') {
    response.publicChallengeParameters = { hint: 'friend' };
    response.privateChallengeParameters = { word: 'mellon' };
  } else if (kind === 'VerifyAuthChallengeResponse') {
    response.answerCorrect = request.challengeAnswer === request.privateChallengeParameters.word;
  } else {
    const last = request.session.at(-1);
    response.issueTokens = last?.challengeName === 'CUSTOM_CHALLENGE' && last.challengeResult;
    response.failAuthentication = last?.challengeResult === false;
    response.challengeName =
      last?.challengeName === 'SRP_A' ? 'PASSWORD_VERIFIER' : 'CUSTOM_CHALLENGE';
  }
  return event;
}

for (const authFlowType of ['CUSTOM_WITH_SRP', 'CUSTOM_WITHOUT_SRP']) {
  test(`${authFlowType} asks what the functions say`, async () => {
    const arn = await functions.invoked(askForWord);
    const pool = await makePool({
      LambdaConfig: {
        DefineAuthChallenge: arn, CreateAuthChallenge: arn, VerifyAuthChallengeResponse: arn,
      },
      flows: ['ALLOW_CUSTOM_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
    });
    use(pool);
    const { username } = await makeReachableUser(pool);
    const begin = (password) => signIn({
      username,
      options: { authFlowType },
      ...(authFlowType === 'CUSTOM_WITH_SRP' && { password }),
    });

    const begun = await begin(PASSWORD);
    assert.equal(begun.nextStep.signInStep, 'CONFIRM_SIGN_IN_WITH_CUSTOM_CHALLENGE');
    assert.equal(begun.nextStep.additionalInfo.hint, 'friend');
    const { isSignedIn } = await confirmSignIn({ challengeResponse: 'mellon' });
    assert.ok(isSignedIn);
    assert.equal((await getCurrentUser()).username, username);
    await signOut();

    await begin(PASSWORD);
    await assert.rejects(confirmSignIn({ challengeResponse: 'foe' }), {
      name: 'NotAuthorizedException',
    });
    if (authFlowType === 'CUSTOM_WITH_SRP') {
      await assert.rejects(begin(WRONG_PASSWORD), { name: 'NotAuthorizedException' });
    }
  });
}

test('who signs up without a password is signed in by confirming', async () => {
  const pool = await makePool({
    AutoVerifiedAttributes: ['email'],
    Policies: { SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD', 'EMAIL_OTP'] } },
    flows: ['ALLOW_USER_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
  });
  use(pool);
  const username = unique('user');
  const email = `${username}@example.com`;
  const signedUp = await signUp({
    username,
    options: { userAttributes: { email }, autoSignIn: { authFlowType: 'USER_AUTH' } },
  });
  assert.equal(signedUp.nextStep.signUpStep, 'CONFIRM_SIGN_UP');
  const confirmationCode = await codeFor(pool, email);
  const confirmed = await confirmSignUp({ username, confirmationCode });
  assert.equal(confirmed.nextStep.signUpStep, 'COMPLETE_AUTO_SIGN_IN');
  const { isSignedIn } = await autoSignIn();
  assert.ok(isSignedIn);
  assert.equal((await getCurrentUser()).username, username);
});
