// The login pages in a browser: every page of the gallery that `poolhouse dev` has.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { test } from 'node:test';

import { addAuthenticator, openWindow, withBrowser } from '../browser.js';
import { call, endpoint, makePool } from '../support.js';

const gallery = `${endpoint}/_poolhouse/pages`;
const languages = ['de', 'en', 'es', 'fr', 'id', 'it', 'ja', 'ko', 'nl', 'pt-BR', 'zh-CN', 'zh-TW'];
/** How many pages are looked at at the same time. */
const WINDOWS = 4;
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The names of all pages, as the gallery lists them. */
async function pageNames() {
  const index = await (await fetch(gallery)).text();
  const names = [...index.matchAll(/href="\/_poolhouse\/pages\/([a-z-]+)\?/g)].map(([, name]) => name);
  assert.ok(names.length >= 30, `only ${names.length} pages`);
  return names;
}

/** What axe finds that keeps people from using the page. */
async function violations(page, options) {
  // The policy of the page allows no scripts from elsewhere, but what the debugger runs.
  await page.evaluate(axe);
  const { violations: found } = await page.evaluate((given) => {
    // A manual key, a list of languages: what is folded counts as well.
    for (const details of document.querySelectorAll('details')) details.open = true;
    return globalThis.axe.run({ resultTypes: ['violations'], ...given });
  }, options);
  return found
    .filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
}

/** Opens pages of the gallery in a few windows at once: most of the time, each waits. */
async function lookAt(jobs, options, look) {
  await withBrowser(async (browser) => {
    const left = [...jobs];
    const work = async () => {
      const { page, problems } = await openWindow(browser, options);
      for (let job = left.shift(); job; job = left.shift()) {
        await page.goto(`${gallery}/${job.name}?${job.query}`);
        await look(page, job);
      }
      assert.deepEqual(problems, []);
    };
    await Promise.all(Array.from({ length: WINDOWS }, work));
  });
}

test('no page has a serious accessibility violation, in light or dark colours', async () => {
  // Dark pages have other colours, and nothing else.
  const colours = { runOnly: ['color-contrast'] };
  const names = await pageNames();
  const jobs = [['mode=LIGHT'], ['mode=DARK', colours], ['pages=classic']].flatMap(
    ([query, rules]) => names.map((name) => ({ name, query, rules })),
  );
  await lookAt(jobs, {}, async (page, { name, query, rules }) => {
    assert.deepEqual(await violations(page, rules), [], `${name}?${query}`);
  });
});

test('every page loads in every language without errors and fits into 320 pixels', async () => {
  const jobs = (await pageNames()).flatMap(
    (name) => languages.map((language) => ({ name, language, query: `lang=${language}` })),
  );
  const narrow = { viewport: { width: 320, height: 640 } };
  await lookAt(jobs, narrow, async (page, { name, language }) => {
    const [lang, width] = await page.evaluate(() => [
      document.documentElement.lang,
      document.documentElement.scrollWidth,
    ]);
    assert.equal(lang, language);
    assert.ok(width <= 320, `${name} in ${language} is ${width} pixels wide`);
  });
});

test('every page works without a script: forms, buttons and links are there', async () => {
  await withBrowser(async (browser) => {
    const { page } = await openWindow(browser, { javaScriptEnabled: false });
    await page.goto(`${gallery}/sign-in`);
    assert.ok(await page.getByLabel('Password', { exact: true }).isVisible());
    assert.ok(await page.getByRole('button', { name: 'Sign in' }).isEnabled());
    assert.equal(await page.getByRole('button', { name: 'Show' }).count(), 0);
    await page.goto(`${gallery}/code-email`);
    assert.ok(await page.getByRole('button', { name: 'Send a new code' }).isEnabled());
    await page.goto(`${gallery}/passkey`);
    assert.match(await page.locator('noscript p').innerText(), /^Passkeys need JavaScript/);
  });
});

test('the script shows passwords, checks them, and counts down to another code', async () => {
  await withBrowser(async (browser) => {
    const { page } = await openWindow(browser);
    await page.goto(`${gallery}/sign-up`);
    const password = page.getByLabel('Password', { exact: true });
    const met = page.locator('.passwordCheck-valid-customizable');
    const unmet = page.locator('.passwordCheck-notValid-customizable');
    assert.deepEqual([await met.count(), await unmet.count()], [0, 0]);
    await password.fill('Long enough');
    assert.deepEqual([await met.count(), await unmet.count()], [4, 1]);
    assert.match(await unmet.innerText(), /^a digit/);
    await page.getByRole('button', { name: 'Show' }).click();
    assert.equal(await password.getAttribute('type'), 'text');
    await page.goto(`${gallery}/code-email`);
    const resend = page.getByRole('button', { name: /You can ask for a new code in (30|29) s/ });
    assert.ok(await resend.isDisabled());
  });
});

test('the focus goes to what went wrong, and from there to the field', async () => {
  await withBrowser(async (browser) => {
    const { page } = await openWindow(browser);
    await page.goto(`${gallery}/code-app`);
    const focused = () => page.evaluate(() => document.activeElement.id);
    assert.equal(await focused(), 'problem');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement.id === 'code');
    assert.equal(await page.locator('#code').getAttribute('aria-invalid'), 'true');
  });
});

test('a passkey is made and used by the script, and sent as JSON', async () => {
  await withBrowser(async (browser) => {
    const { page } = await openWindow(browser);
    await addAuthenticator(page);
    // Passkeys belong to names, not to addresses.
    const local = gallery.replace('127.0.0.1', 'localhost');
    // The gallery takes no forms.
    await page.route(`${local}/*`, (route) =>
      route.request().method() === 'POST' ? route.fulfill({ body: 'taken' }) : route.fallback(),
    );
    const sent = async (name, button) => {
      await page.goto(`${local}/${name}`);
      const posted = page.waitForRequest((request) => request.method() === 'POST');
      await page.getByRole('button', { name: button }).click();
      const form = new URLSearchParams((await posted).postData());
      await page.getByText('taken').waitFor();
      assert.equal(form.get('csrf'), 'sample');
      return JSON.parse(form.get('credential'));
    };
    const made = await sent('add-passkey', 'Create a passkey');
    assert.equal(made.type, 'public-key');
    assert.ok(made.response.attestationObject && made.response.clientDataJSON);
    const used = await sent('passkey', 'Continue with passkey');
    assert.equal(used.id, made.id);
    assert.ok(used.response.signature && used.response.authenticatorData);
  });
});

test("an app client's style takes effect: its colours, its logo, the browser's preference", async () => {
  const pool = await makePool();
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><rect width="90" height="30"/></svg>';
  await call('CreateManagedLoginBranding', {
    UserPoolId: pool.id,
    ClientId: pool.clientId,
    Settings: {
      categories: { global: { colorSchemeMode: 'DYNAMIC' } },
      components: {
        form: { logo: { enabled: true } },
        pageBackground: { lightMode: { color: '112233ff' }, darkMode: { color: '445566ff' } },
      },
    },
    Assets: [
      {
        Category: 'FORM_LOGO',
        ColorMode: 'LIGHT',
        Extension: 'SVG',
        Bytes: Buffer.from(svg).toString('base64'),
      },
    ],
  });
  await withBrowser(async (browser) => {
    for (const [colorScheme, color] of [
      ['light', 'rgb(17, 34, 51)'],
      ['dark', 'rgb(68, 85, 102)'],
    ]) {
      const { page, problems, close } = await openWindow(browser, { colorScheme });
      await page.goto(`${gallery}/sign-in?client=${pool.clientId}`);
      const background = page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      assert.equal(await background, color);
      const logo = page.locator('.form-logo');
      assert.equal(await logo.evaluate((image) => image.naturalWidth), 90);
      assert.deepEqual(problems, []);
      await close();
    }
  });
});

test('a classic customization takes effect', async () => {
  const pool = await makePool();
  await call('CreateUserPoolDomain', {
    UserPoolId: pool.id,
    Domain: `pages-${pool.clientId.toLowerCase()}`,
  });
  await call('SetUICustomization', {
    UserPoolId: pool.id,
    ClientId: pool.clientId,
    CSS: '.submitButton-customizable {\r\n  background-color: #123456;\r\n}',
  });
  await withBrowser(async (browser) => {
    const { page, problems } = await openWindow(browser);
    await page.goto(`${gallery}/sign-in?pages=classic&client=${pool.clientId}`);
    const button = page.getByRole('button', { name: 'Sign in' });
    const color = await button.evaluate((it) => getComputedStyle(it).backgroundColor);
    assert.equal(color, 'rgb(18, 52, 86)');
    assert.deepEqual(problems, []);
  });
});
