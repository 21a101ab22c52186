// Sessions of a pool that tracks them, as people have them in browsers: what the AWS SDK for JavaScript
// lists and revokes, and what the browser and its tokens are worth afterwards.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  AdminListUserSessionsCommand,
  AdminRevokeUserSessionCommand,
  CognitoIdentityProviderClient,
  ListUserSessionsCommand,
  RevokeTokenCommand,
  RevokeUserSessionCommand,
  SetUserPoolClientSessionConfigurationCommand,
  SetUserPoolSessionConfigurationCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import * as client from 'openid-client';

import { arrive, makeDomain, silently, submit, visit, withOtherClient } from '../application.js';
import { openWindow, withBrowser } from '../browser.js';
import { PASSWORD, endpoint, makeUser } from '../support.js';

const cognito = new CognitoIdentityProviderClient({
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'dev', secretAccessKey: 'dev' },
});

const REVOKED = { error: 'invalid_grant' };

/** A domain whose pool tracks sessions, and a user. */
async function makeTracking() {
  const domain = await makeDomain();
  await cognito.send(new SetUserPoolSessionConfigurationCommand({
    UserPoolId: domain.id, UserSessionTracking: 'ENABLED', TokenSession: { MaxPerUser: 20 },
  }));
  return { domain, username: await makeUser(domain) };
}

/** A window of its own in which the user signs in at the pages. */
async function signIn(browser, domain, username) {
  const { page } = await openWindow(browser);
  const checks = await visit(page, domain);
  await submit(page, { username, password: PASSWORD });
  return { page, tokens: await arrive(page, domain, checks) };
}

async function listed(tokens) {
  const AccessToken = tokens.access_token;
  return (await cognito.send(new ListUserSessionsCommand({ AccessToken }))).Sessions;
}

async function listedByAdministrator(domain, username) {
  const about = { UserPoolId: domain.id, Username: username };
  return (await cognito.send(new AdminListUserSessionsCommand(about))).Sessions;
}

const refresh = (domain, tokens) => client.refreshTokenGrant(domain.config, tokens.refresh_token);
const types = (sessions) => sessions.map((session) => session.SessionType).sort();

/** The browser's session and the token's, of a user who has signed in once. */
function pair(sessions) {
  assert.deepEqual(types(sessions), ['SSO', 'TOKEN']);
  return [...sessions].sort((a, b) => a.SessionType.localeCompare(b.SessionType));
}

test('a sign-in at the pages is a session of the browser and one of its tokens', async () => {
  await withBrowser(async (browser) => {
    const { domain, username } = await makeTracking();
    const { page, tokens } = await signIn(browser, domain, username);
    const [sso, token] = pair(await listed(tokens));
    assert.match(sso.SessionId, /^sso[a-z0-9]{25}$/);
    assert.equal(token.OriginSessionId, sso.SessionId);
    assert.equal(token.ClientId, domain.clientId);
    assert.deepEqual([sso.IsCurrentSession, token.IsCurrentSession], [false, true]);
    for (const session of [sso, token]) assert.equal(session.LastIPAddress, '127.0.0.1');
    assert.match(sso.DeviceType, /Chrom/);

    // Another application takes part in the browser's session and has a token of its own.
    const other = await withOtherClient(domain);
    const { tokens: others } = await silently(page, other);
    const sessions = await listedByAdministrator(domain, username);
    assert.deepEqual(types(sessions), ['SSO', 'TOKEN', 'TOKEN']);
    const ofOther = sessions.find(({ ClientId, SessionType }) =>
      ClientId === other.clientId && SessionType === 'TOKEN');
    assert.equal(ofOther.OriginSessionId, sso.SessionId);
    assert.ok(sessions.every((session) => session.IsCurrentSession === false));
    assert.equal((await listed(others)).length, 3);
  });
});

test('an administrator ends a browser’s session and every token that came of it', async () => {
  await withBrowser(async (browser) => {
    const { domain, username } = await makeTracking();
    const { page, tokens } = await signIn(browser, domain, username);
    const away = await signIn(browser, domain, username);
    const other = await withOtherClient(domain);
    const { tokens: others } = await silently(page, other);
    const own = (await listed(tokens)).find((session) => session.IsCurrentSession);
    await cognito.send(new AdminRevokeUserSessionCommand({
      UserPoolId: domain.id,
      Username: username,
      SessionId: own.OriginSessionId,
      RevokeAssociatedSessions: 'LINKED',
    }));
    assert.deepEqual(await silently(page, domain), { error: 'login_required' });
    await assert.rejects(refresh(domain, tokens), REVOKED);
    await assert.rejects(refresh(other, others), REVOKED);
    const about = await fetch(domain.config.serverMetadata().userinfo_endpoint, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    assert.equal(about.status, 401);

    // Another browser is not concerned, and this one may sign in again.
    assert.ok((await silently(away.page, domain)).tokens);
    await refresh(domain, away.tokens);
    const checks = await visit(page, domain);
    await submit(page, { username, password: PASSWORD });
    await refresh(domain, await arrive(page, domain, checks));
  });
});

test('a user signs another browser out, whose tokens last until they are revoked too', async () => {
  await withBrowser(async (browser) => {
    const { domain, username } = await makeTracking();
    const lost = await signIn(browser, domain, username);
    const { page, tokens } = await signIn(browser, domain, username);
    const sessions = await listed(tokens);
    const own = sessions.find((session) => session.IsCurrentSession);
    const isOther = ({ SessionId, OriginSessionId }) =>
      ![SessionId, OriginSessionId].some((id) => [own.SessionId, own.OriginSessionId].includes(id));
    const [sso, token] = pair(sessions.filter(isOther));

    const AccessToken = tokens.access_token;
    await cognito.send(new RevokeUserSessionCommand({ AccessToken, SessionId: sso.SessionId }));
    assert.deepEqual(await silently(lost.page, domain), { error: 'login_required' });
    await visit(lost.page, domain);
    await lost.page.locator('[name=password]').waitFor();
    await refresh(domain, lost.tokens);

    await cognito.send(new RevokeUserSessionCommand({ AccessToken, SessionId: token.SessionId }));
    await assert.rejects(refresh(domain, lost.tokens), REVOKED);
    assert.equal((await listed(tokens)).length, 2);
    assert.ok((await silently(page, domain)).tokens);
  });
});

test('revoking a refresh token ends its browser’s session if it is to', async () => {
  await withBrowser(async (browser) => {
    const { domain, username } = await makeTracking();
    const { page, tokens } = await signIn(browser, domain, username);
    const other = await withOtherClient(domain);
    const { tokens: others } = await silently(page, other);
    const revoke = (Token, more) => cognito.send(
      new RevokeTokenCommand({ ClientId: domain.clientId, Token, ...more }),
    );
    const again = (await silently(page, domain)).tokens;
    await revoke(again.refresh_token);
    await assert.rejects(refresh(domain, again), REVOKED);
    assert.ok((await silently(page, domain)).tokens, 'the browser stays signed in');
    await revoke(tokens.refresh_token, { RevokeAssociatedSessions: 'LINKED' });
    assert.deepEqual(await silently(page, domain), { error: 'login_required' });
    await refresh(other, others);
  });
});

test('a client that takes no browser’s session always asks, and makes one for the others', async () => {
  await withBrowser(async (browser) => {
    const { domain, username } = await makeTracking();
    const strict = await withOtherClient(domain);
    await cognito.send(new SetUserPoolClientSessionConfigurationCommand({
      UserPoolId: domain.id,
      ClientId: strict.clientId,
      SSOSession: { MaxValidityMinutes: 0 },
    }));
    const { page } = await signIn(browser, strict, username);
    assert.deepEqual(await silently(page, strict), { error: 'login_required' });
    assert.ok((await silently(page, domain)).tokens);
  });
});
