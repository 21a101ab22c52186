// A browser for the tests that need one: Debian's Chromium, or the one that CHROMIUM names.

import { chromium } from 'playwright-core';

/** Runs a function with a browser, and ends it whatever happens. */
export async function withBrowser(use) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // The sandbox does not work for root, as whom containers run their tests. What is opened here
    // is our own.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
  try {
    return await use(browser);
  } finally {
    await browser.close();
  }
}

/** A page in a window of its own that collects what goes wrong in it. */
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

/** Gives a page's window an authenticator that holds passkeys and asks nobody. */
export async function addAuthenticator(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
    },
  });
}
