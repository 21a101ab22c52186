// An application that lets people sign in at the login pages, with a generic OpenID Connect client.

import { createServer } from 'node:http';
import { after } from 'node:test';

import * as client from 'openid-client';
import decodeQR from 'qr/decode.js';

import { call, endpoint, makePool, unique } from './support.js';

export const SCOPES = ['openid', 'email', 'aws.cognito.signin.user.admin'];

const server = createServer((request, answer) => {
  answer.writeHead(200, { 'content-type': 'text/html' }).end('<link rel="icon" href="data:,">Welcome');
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
server.unref();
after(() => {
  server.closeAllConnections();
  server.close();
});

/** Where the application waits for its answers: an address of this machine. */
export const application = `http://localhost:${server.address().port}`;

/**
 * An app client of a pool that has a domain, for the application or for the callback and the
 * sign-out address given.
 */
export async function makeWebClient(pool, settings = {}) {
  const { UserPoolClient } = await call('CreateUserPoolClient', {
    UserPoolId: pool.id,
    ClientName: 'web',
    ExplicitAuthFlows: ['ALLOW_REFRESH_TOKEN_AUTH'],
    CallbackURLs: [`${application}/cb`],
    LogoutURLs: [`${application}/bye`],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ['code'],
    AllowedOAuthScopes: SCOPES,
    SupportedIdentityProviders: ['COGNITO'],
    ...settings,
  });
  const { ClientId } = UserPoolClient;
  await call('CreateManagedLoginBranding', {
    UserPoolId: pool.id,
    ClientId,
    UseCognitoProvidedValues: true,
  });
  return ClientId;
}

/** What the generic client knows of an app client, which it has discovered. */
async function discover(pool, clientId) {
  const config = await client.discovery(
    new URL(`${endpoint}/${pool.id}`),
    clientId,
    undefined,
    client.None(),
    { execute: [client.allowInsecureRequests] },
  );
  return { ...pool, clientId, config };
}

/** A pool with a domain, managed login, and a client for the application. */
export async function makeDomain({ flows, client: settings, ...ofPool } = {}) {
  const pool = await makePool(ofPool);
  const prefix = unique('login').toLowerCase();
  await call('CreateUserPoolDomain', { UserPoolId: pool.id, Domain: prefix, ManagedLoginVersion: 2 });
  const clientId = await makeWebClient(pool, { ...(flows && { ExplicitAuthFlows: flows }), ...settings });
  return { ...(await discover(pool, clientId)), prefix };
}

/** The same pool for another app client, which shares the sign-ins of browsers. */
export async function withOtherClient(domain, settings) {
  return { ...domain, ...(await discover(domain, await makeWebClient(domain, settings))) };
}

/** A request for a code with PKCE, and what its answer is exchanged with. */
export async function request(domain, more = {}) {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(domain.config, {
    redirect_uri: `${application}/cb`,
    scope: SCOPES.join(' '),
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...more,
  });
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
  return { url: url.href, checks };
}

/** Begins to sign in: the page is at the login pages, or beyond. Answers what `arrive` checks. */
export async function visit(page, domain, more) {
  const { url, checks } = await request(domain, more);
  await page.goto(url);
  return checks;
}

/** Waits until the browser is back, and exchanges the code. */
export async function arrive(page, domain, checks) {
  await page.waitForURL(`${application}/cb?*`);
  return client.authorizationCodeGrant(domain.config, new URL(page.url()), checks);
}

/** What the application gets that asks for a sign-in without a page: tokens, or an error. */
export async function silently(page, domain) {
  const checks = await visit(page, domain, { prompt: 'none' });
  const error = new URL(page.url()).searchParams.get('error');
  return error ? { error } : { tokens: await arrive(page, domain, checks) };
}

/** Where a browser goes to sign out. */
export function signOutUrl(domain) {
  const { end_session_endpoint: url } = domain.config.serverMetadata();
  const query = { client_id: domain.clientId, logout_uri: `${application}/bye` };
  return `${url}?${new URLSearchParams(query)}`;
}

/** Fills in fields by their names and sends the form. */
export async function submit(page, fields = {}) {
  for (const [name, value] of Object.entries(fields)) {
    await page.locator(`input[name="${name}"]:visible`).fill(value);
  }
  await page.locator('button.primary').first().click();
}

/** The text of the one QR code that can be seen on the page. */
export async function readQr(page) {
  const screenshot = await page.screenshot();
  const { width, height, pixels } = await page.evaluate(async (png) => {
    const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    const parts = [];
    for (let at = 0; at < data.length; at += 32_768) {
      parts.push(String.fromCharCode(...data.subarray(at, at + 32_768)));
    }
    return { width: image.width, height: image.height, pixels: btoa(parts.join('')) };
  }, screenshot.toString('base64'));
  return decodeQR({ width, height, data: Buffer.from(pixels, 'base64') });
}
