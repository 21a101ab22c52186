// Auth.js with its Cognito provider, as a gate in front of an application that reads who somebody is
// from headers and knows nothing of tokens.

import assert from 'node:assert/strict';
import { request as forward } from 'node:http';
import { test } from 'node:test';

import { Auth } from '@auth/core';
import Cognito from '@auth/core/providers/cognito';

import { openWindow, withBrowser } from '../browser.js';
import { makeDomain, makeWebClient, signIn, withServer } from '../relying-party.js';
import { endpoint } from '../support.js';

/** The application behind the gate: it shows what it is told. */
const application = (request, answer) => {
  const { 'x-user': user, 'x-email': email, 'x-groups': groups } = request.headers;
  answer.setHeader('content-type', 'text/html');
  answer.end(`<link rel="icon" href="data:,"><p id="told">${JSON.stringify({ user, email, groups })}</p>`);
};

/** The settings of Auth.js; the issuer is all that it is told of the server. */
const settings = (pool, client) => ({
  basePath: '/auth',
  secret: 'a secret for the cookies of the gate',
  trustHost: true,
  providers: [
    Cognito({
      clientId: client.id,
      clientSecret: client.secret,
      issuer: `${endpoint}/${pool.id}`,
      checks: ['pkce', 'state', 'nonce'],
    }),
  ],
  callbacks: {
    jwt: ({ token, profile }) => (profile
      ? { ...token, user: profile['cognito:username'], groups: profile['cognito:groups'] }
      : token),
    session: ({ session, token }) => ({ ...session, user: { ...session.user, ...token } }),
  },
});

/** What a gate does: its own paths are those of Auth.js, all others are the application's. */
function gate(config, upstream) {
  return async (request, answer) => {
    const url = `http://${request.headers.host}${request.url}`;
    const { connection: _, 'content-length': __, ...headers } = request.headers;
    if (request.url.startsWith('/auth/')) {
      const body = request.method === 'POST' ? await new Response(request).text() : undefined;
      const made = await Auth(new Request(url, { method: request.method, headers, body }), config);
      answer.writeHead(made.status, [...made.headers].flat());
      answer.end(await made.text());
      return;
    }
    const asked = new Request(new URL('/auth/session', url), { headers });
    const session = await (await Auth(asked, config)).json();
    if (!session?.user) {
      answer.writeHead(302, { location: '/auth/signin' }).end();
      return;
    }
    // What a browser says of itself must not pass.
    const identity = {
      'x-user': session.user.user,
      'x-email': session.user.email,
      'x-groups': (session.user.groups ?? []).join(','),
    };
    forward(`${upstream}${request.url}`, { headers: { ...headers, ...identity } }, (reply) => {
      answer.writeHead(reply.statusCode, reply.headers);
      reply.pipe(answer);
    }).end();
  };
}

test('a gate lets those through who signed in, and tells the application who they are', async () => {
  await withServer(application, (upstream) => {
    let config;
    return withServer((...both) => gate(config, upstream)(...both), (address) =>
      withBrowser(async (browser) => {
        const pool = await makeDomain();
        const callback = `${address}/auth/callback/cognito`;
        const client = await makeWebClient(pool, callback, { GenerateSecret: true });
        config = settings(pool, client);
        const { page, problems, close } = await openWindow(browser, {
          extraHTTPHeaders: { 'x-user': 'root' },
        });
        await page.goto(`${address}/orders`);
        await page.locator('button').click();
        await page.waitForURL(/\/login\?/);
        await signIn(page, pool.username);
        await page.waitForURL(`${address}/`);
        await page.goto(`${address}/orders`);
        const told = JSON.parse(await page.locator('#told').textContent());
        assert.deepEqual(told, { user: pool.username, email: pool.email, groups: '' });
        // The library's own page shows pictures from elsewhere.
        assert.deepEqual(problems.filter((problem) => problem.startsWith(endpoint)), []);
        await close();
      }),
    );
  });
});
