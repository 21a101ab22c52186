// Custom sign-in by amazon-cognito-identity-js, with functions as they are written for Node.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AuthenticationDetails, CognitoUser, CognitoUserPool } from 'amazon-cognito-identity-js';

import { startFunctions } from '../functions.js';
import { PASSWORD, call, endpoint, makePool, makeUser } from '../support.js';

let functions;
let pool;

/** Three functions in one: the password first if there is one, then a word, which may be wrong once. */
async function handler(event) {
  const { request, response } = event;
  const [kind] = event.triggerSource.split('_');
  if (kind === 'CreateAuthChallenge') {
    response.publicChallengeParameters = { hint: 'friend' };
    response.privateChallengeParameters = { word: 'mellon' };
  } else if (kind === 'VerifyAuthChallengeResponse') {
    response.answerCorrect = request.challengeAnswer === request.privateChallengeParameters.word;
  } else {
    const last = request.session.at(-1);
    const wrong = request.session.filter((past) => !past.challengeResult).length;
    response.issueTokens = last?.challengeName === 'CUSTOM_CHALLENGE' && last.challengeResult;
    response.failAuthentication = wrong > 1;
    response.challengeName =
      last?.challengeName === 'SRP_A' ? 'PASSWORD_VERIFIER' : 'CUSTOM_CHALLENGE';
  }
  return event;
}

before(async () => {
  functions = await startFunctions();
  const arn = await functions.invoked(handler);
  pool = await makePool({
    LambdaConfig: {
      DefineAuthChallenge: arn,
      CreateAuthChallenge: arn,
      VerifyAuthChallengeResponse: arn,
    },
  });
  const { UserPoolClient } = await call('CreateUserPoolClient', {
    UserPoolId: pool.id,
    ClientName: 'custom',
    ExplicitAuthFlows: ['ALLOW_CUSTOM_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
  });
  pool.clientId = UserPoolClient.ClientId;
});
after(() => functions.close());

/** Resolves with the session, or rejects; gives these answers to the challenges, in turn. */
function signIn(username, answers, password) {
  const Pool = new CognitoUserPool({
    UserPoolId: pool.id,
    ClientId: pool.clientId,
    endpoint: `${endpoint}/`,
  });
  const user = new CognitoUser({ Username: username, Pool });
  user.setAuthenticationFlowType('CUSTOM_AUTH');
  const hints = [];
  return new Promise((resolve, reject) => {
    const callbacks = {
      onSuccess: (session) => resolve({ session, hints }),
      onFailure: reject,
      customChallenge: ({ hint }) => {
        hints.push(hint);
        user.sendCustomChallengeAnswer(answers.shift(), callbacks);
      },
    };
    const details = new AuthenticationDetails({ Username: username, Password: password });
    if (password) user.authenticateUser(details, callbacks);
    else user.initiateAuth(details, callbacks);
  });
}

test('a right answer signs in, also after a wrong one', async () => {
  const username = await makeUser(pool);
  const { session, hints } = await signIn(username, ['enemy', 'mellon']);
  assert.equal(session.getAccessToken().payload.username, username);
  assert.deepEqual(hints, ['friend', 'friend']);
});

test('wrong answers are refused', async () => {
  const username = await makeUser(pool);
  await assert.rejects(signIn(username, ['enemy', 'foe']), {
    code: 'NotAuthorizedException',
    message: 'Incorrect username or password.',
  });
});

test('the password comes first, and is not enough', async () => {
  const username = await makeUser(pool);
  const { session, hints } = await signIn(username, ['mellon'], PASSWORD);
  assert.equal(session.getIdToken().payload['cognito:username'], username);
  assert.deepEqual(hints, ['friend']);
  await assert.rejects(signIn(username, ['mellon'], `${PASSWORD}?`), {
    code: 'NotAuthorizedException',
  });
});
