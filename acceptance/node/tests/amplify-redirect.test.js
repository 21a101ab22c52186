// aws-amplify v6 in a browser, with the login pages: signInWithRedirect and signOut. Amplify writes
// `https://` before the domain, so that the server has to speak TLS.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import { makeWebClient, submit } from '../application.js';
import { openWindow, withBrowser } from '../browser.js';
import { bundle } from '../bundle.js';
import { PASSWORD, call, endpoint, makePool, makeUser, unique } from '../support.js';

const SCOPES = ['openid', 'email', 'profile', 'aws.cognito.signin.user.admin'];

/** The application's web server; its page is configured for the pool of the test that runs. */
let server;
let origin;
let configuration;

before(async () => {
  const script = await bundle('./amplify-page.js');
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    if (pathname === '/page.js') {
      response.writeHead(200, { 'content-type': 'text/javascript; charset=utf-8' }).end(script);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(
      '<!doctype html><link rel="icon" href="data:,">'
      + `<script type="application/json" id="amplify">${JSON.stringify(configuration)}</script>`
      + '<script src="/page.js"></script>',
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://localhost:${server.address().port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

/** A pool with a domain, as Amplify's configuration says it: a name of its own, or a path. */
async function makeAmplifyPool({ isPath = false } = {}) {
  const pool = await makePool();
  const prefix = unique('amplify');
  await call('CreateUserPoolDomain', { UserPoolId: pool.id, Domain: prefix, ManagedLoginVersion: 2 });
  const clientId = await makeWebClient(pool, {
    CallbackURLs: [`${origin}/`],
    LogoutURLs: [`${origin}/bye`],
    AllowedOAuthScopes: SCOPES,
  });
  const { port } = new URL(endpoint);
  const domain = isPath ? `localhost:${port}/${prefix}` : `${prefix}.auth.localhost:${port}`;
  configuration = {
    Auth: {
      Cognito: {
        userPoolId: pool.id,
        userPoolClientId: clientId,
        userPoolEndpoint: `${endpoint}/`,
        loginWith: {
          oauth: {
            domain,
            scopes: SCOPES,
            redirectSignIn: [`${origin}/`],
            redirectSignOut: [`${origin}/bye`],
            responseType: 'code',
          },
        },
      },
    },
  };
  return { ...pool, clientId, pages: `https://${domain}` };
}

/** A window with the application's page; `run` calls a function of its `auth`. */
async function openApplication(browser) {
  // Nobody vouches for the certificate that the server has made.
  const { page, problems } = await openWindow(browser, { ignoreHTTPSErrors: true });
  await page.goto(`${origin}/`);
  const run = (name, ...args) => page.evaluate(
    ([called, given]) => globalThis.auth[called](...given), [name, args],
  );
  /** What the hub was told up to this event. */
  const until = async (last) => {
    const waited = page.waitForFunction((name) => {
      const events = JSON.parse(sessionStorage.getItem('events') ?? '[]');
      return events.some(({ event }) => event === name);
    }, last);
    await waited;
    return run('events');
  };
  return { page, problems, run, until };
}

/** Sends the browser to the login pages; answers the parameters it brings there. */
async function leave({ page, run }, pool, options) {
  const left = page.waitForURL(`${pool.pages}/login?*`);
  // The page goes away before the call ends.
  run('signInWithRedirect', options).catch(() => {});
  await left;
  return new URL(page.url()).searchParams;
}

const names = (events) => events.map(({ event }) => event);

test('a user is sent to the login pages, signed in, refreshed, signed out', async () => {
  await withBrowser(async (browser) => {
    const pool = await makeAmplifyPool();
    const username = await makeUser(pool);
    await call('AdminUpdateUserAttributes', {
      UserPoolId: pool.id,
      Username: username,
      UserAttributes: [{ Name: 'email', Value: `${username}@example.com` }],
    });
    const window = await openApplication(browser);
    const { page, problems, run, until } = window;
    assert.equal(await run('session'), null);

    const asked = await leave(window, pool, { customState: 'cart=7&x=ä' });
    assert.equal(asked.get('code_challenge_method'), 'S256');
    assert.equal(asked.get('scope'), SCOPES.join(' '));
    const exchanged = page.waitForRequest(`${pool.pages}/oauth2/token`);
    await submit(page, { username, password: PASSWORD });
    const form = new URLSearchParams((await exchanged).postData());
    assert.ok(form.get('code_verifier').length >= 43);
    const events = await until('signedIn');
    assert.deepEqual(names(events), ['customOAuthState', 'signInWithRedirect', 'signedIn']);
    assert.equal(page.url(), `${origin}/`, 'the code is gone from the address');

    const first = await run('session');
    assert.equal(first.access.username, username);
    assert.equal(first.access.client_id, pool.clientId);
    assert.deepEqual(first.access.scope.split(' ').sort(), [...SCOPES].sort());
    assert.equal(first.id['cognito:username'], username);
    assert.equal((await run('getCurrentUser')).username, username);
    // An operation of the API with the token of the pages.
    assert.equal((await run('fetchUserAttributes')).email, `${username}@example.com`);
    const second = await run('session', { forceRefresh: true });
    assert.notEqual(second.accessToken, first.accessToken);
    assert.equal(second.access.origin_jti, first.access.origin_jti);
    assert.equal(second.access.auth_time, first.access.auth_time);
    assert.deepEqual(names(await until('tokenRefresh')), ['tokenRefresh']);
    // The tokens outlive the page.
    await page.reload();
    assert.equal((await run('session')).access.sub, first.access.sub);
    await run('events');

    const out = page.waitForURL(`${origin}/bye`);
    run('signOut').catch(() => {});
    await out;
    assert.deepEqual(names(await until('signedOut')), ['signedOut']);
    assert.equal(await run('session'), null);
    await assert.rejects(
      call('GetUser', { AccessToken: second.accessToken }), /Access Token has been revoked/,
    );
    // The browser is signed out as well: the pages ask again.
    await page.goto(`${origin}/`);
    await leave(window, pool);
    await page.locator('[name=password]').waitFor();
    assert.deepEqual(problems, []);
  });
});

test('who is still signed in at the pages comes back at once', async () => {
  await withBrowser(async (browser) => {
    const pool = await makeAmplifyPool({ isPath: true });
    const username = await makeUser(pool);
    const window = await openApplication(browser);
    const { page, problems, run, until } = window;
    await leave(window, pool);
    await submit(page, { username, password: PASSWORD });
    await until('signedIn');
    const { sub } = (await run('session')).access;

    // As if another application of the pool were opened.
    await page.evaluate(() => localStorage.clear());
    await page.reload();
    assert.equal(await run('session'), null);
    // A state of one's own must survive that nobody is asked.
    run('signInWithRedirect', { customState: 'a%2Fb c' }).catch(() => {});
    const events = await until('signedIn');
    assert.deepEqual(names(events), ['customOAuthState', 'signInWithRedirect', 'signedIn']);
    assert.equal((await run('session')).access.sub, sub);

    // Silently, while a session lasts; then the application is told that it has to ask.
    run('signInWithRedirect', { options: { prompt: 'NONE' } }).catch(() => {});
    await until('signedIn');
    await page.context().clearCookies();
    run('signInWithRedirect', { options: { prompt: 'NONE' } }).catch(() => {});
    const [failed] = await until('signInWithRedirect_failure');
    assert.equal(failed.error, 'login_required');
    assert.deepEqual(problems, []);
  });
});

test('who goes back from the login pages has cancelled, and may try again', async () => {
  await withBrowser(async (browser) => {
    const pool = await makeAmplifyPool();
    const username = await makeUser(pool);
    const window = await openApplication(browser);
    const { page, run, until } = window;
    await leave(window, pool);
    await page.goto(`${origin}/`);
    const [cancelled] = await until('signInWithRedirect_failure');
    assert.equal(cancelled.error, 'User cancelled OAuth flow.');
    assert.equal(await run('session'), null);

    await leave(window, pool);
    await submit(page, { username, password: PASSWORD });
    await until('signedIn');
  });
});

test('a failure behind the pages is told to the application', async () => {
  await withBrowser(async (browser) => {
    const pool = await makeAmplifyPool();
    const username = await makeUser(pool);
    const window = await openApplication(browser);
    const { page, run, until } = window;
    await leave(window, pool);
    // The application's client loses its scope while somebody types.
    const change = { UserPoolId: pool.id, ClientId: pool.clientId };
    const { UserPoolClient } = await call('DescribeUserPoolClient', change);
    const { CreationDate, LastModifiedDate, ...settings } = UserPoolClient;
    await call('UpdateUserPoolClient', { ...settings, AllowedOAuthScopes: ['openid'] });
    await submit(page, { username, password: PASSWORD });
    const [failed] = await until('signInWithRedirect_failure');
    assert.equal(failed.error, 'invalid_scope');
    assert.equal(await run('session'), null);
  });
});

test('an answer to nobody, and a code without its secret, sign nobody in', async () => {
  await withBrowser(async (browser) => {
    const pool = await makeAmplifyPool();
    const username = await makeUser(pool);
    const window = await openApplication(browser);
    const { page, run, until } = window;

    // Somebody else's answer, to which a stranger has led the browser.
    await leave(window, pool);
    await page.goto(`${origin}/?code=${crypto.randomUUID()}&state=planted`);
    const [planted] = await until('signInWithRedirect_failure');
    assert.equal(planted.error, 'An error occurred while validating the state.');
    assert.equal(await run('session'), null);

    // A stolen code comes without the secret behind its challenge.
    await page.route(`${pool.pages}/oauth2/token`, (route) => {
      const form = new URLSearchParams(route.request().postData());
      form.set('code_verifier', 'a'.repeat(64));
      return route.continue({ postData: form.toString() });
    });
    await leave(window, pool);
    await submit(page, { username, password: PASSWORD });
    const [stolen] = await until('signInWithRedirect_failure');
    assert.equal(stolen.error, 'invalid_grant');
    assert.equal(await run('session'), null);
  });
});
