// What stands on the other side of a sign-in at the pages: applications, and a server with settings of
// its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { PASSWORD, call, makePool, unique } from './support.js';

/** An HTTP server on this machine while a function runs with its address. */
export async function withServer(answer, use) {
  const server = createServer(answer);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://localhost:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** An application whose every page is empty: what matters is the address that a browser has there. */
export function withApplication(use) {
  const page = '<link rel="icon" href="data:,">Welcome';
  return withServer((_, answer) => answer.setHeader('content-type', 'text/html').end(page), use);
}

/** A pool with a domain, managed login and a user with an e-mail address. */
export async function makeDomain(settings) {
  const pool = await makePool(settings);
  const prefix = unique('login').toLowerCase();
  await call('CreateUserPoolDomain', { UserPoolId: pool.id, Domain: prefix, ManagedLoginVersion: 2 });
  const username = unique('ada');
  const email = `${username}@example.com`.toLowerCase();
  const user = { UserPoolId: pool.id, Username: username };
  await call('AdminCreateUser', {
    ...user,
    MessageAction: 'SUPPRESS',
    UserAttributes: [{ Name: 'email', Value: email }, { Name: 'email_verified', Value: 'true' }],
  });
  await call('AdminSetUserPassword', { ...user, Password: PASSWORD, Permanent: true });
  return { ...pool, prefix, username, email };
}

/** An app client for people, with the style that managed login asks for. */
export async function makeWebClient(pool, callback, settings) {
  const { UserPoolClient } = await call('CreateUserPoolClient', {
    UserPoolId: pool.id,
    ClientName: 'web',
    ExplicitAuthFlows: ['ALLOW_REFRESH_TOKEN_AUTH'],
    CallbackURLs: [callback],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ['code'],
    AllowedOAuthScopes: ['openid', 'email', 'profile'],
    SupportedIdentityProviders: ['COGNITO'],
    ...settings,
  });
  await call('CreateManagedLoginBranding', {
    UserPoolId: pool.id,
    ClientId: UserPoolClient.ClientId,
    UseCognitoProvidedValues: true,
  });
  return { id: UserPoolClient.ClientId, secret: UserPoolClient.ClientSecret };
}

/** Fills in the login page that is open in the browser. */
export async function signIn(page, username) {
  await page.locator('[name=username]').fill(username);
  await page.locator('[name=password]').fill(PASSWORD);
  await page.locator('button.primary').first().click();
}

const BINARY = process.env.POOLHOUSE_BIN
  ?? fileURLToPath(new URL('../../target/debug/poolhouse', import.meta.url));

/** A `poolhouse dev` with these options while a function runs with its address. */
export async function withOwnServer(options, use) {
  const all = ['dev', '--ephemeral', '--listen', '127.0.0.1:0', ...options];
  const child = spawn(BINARY, all, { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  try {
    const lines = createInterface({ input: child.stdout });
    // Its first line ends with its address. Without one it has ended.
    const [line] = await Promise.race([once(lines, 'line'), ended]);
    return await use(/ready at (\S+)$/.exec(line)[1]);
  } finally {
    child.kill();
    await ended;
  }
}
