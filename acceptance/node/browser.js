// A browser for the tests that need one: Debian's Chromium, or the one that CHROMIUM names.

import { after } from 'node:test';

import { chromium } from 'playwright-core';

/** One for all tests of a file, since starting it takes longer than most of them. */
let launched;

after(async () => (await launched)?.close());

function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // The sandbox does not work for root, as whom containers run their tests. What is opened here
    // is our own.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
}

/** Runs a function with the browser, and closes its windows whatever happens. */
export async function withBrowser(use) {
  launched ??= launch();
  const browser = await launched;
  try {
    return await use(browser);
  } finally {
    await Promise.all(browser.contexts().map((context) => context.close()));
  }
}

/** A page in a window of its own, with its own cookies, that collects what goes wrong in it. */
export async function openWindow(browser, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const problems = [];
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`${page.url()}: ${error.message}`));
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.url()}: ${response.status()}`);
  });
  return { page, problems, close: () => context.close() };
}

/**
 * Gives the page a device with a fingerprint reader that always knows its owner; answers what the
 * tests do with it.
 */
export async function addAuthenticator(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    credentials: async () => {
      const found = await devtools.send('WebAuthn.getCredentials', { authenticatorId });
      return found.credentials;
    },
    forget: () => devtools.send('WebAuthn.clearCredentials', { authenticatorId }),
    add: (credential) => devtools.send('WebAuthn.addCredential', { authenticatorId, credential }),
  };
}
