// What the tests share: requests of an administrator, codes from the inbox, an authenticator.

import { createHmac, randomBytes, webcrypto } from 'node:crypto';

export const PASSWORD = 'Correct-Horse-9!';
export const OTHER_PASSWORD = 'Battery-Staple-7?';

const STEP_SECONDS = 30;

// Amplify asks for the global, which Node 18 does not have.
globalThis.crypto ??= webcrypto;

if (!process.env.POOLHOUSE_ENDPOINT) {
  throw new Error('POOLHOUSE_ENDPOINT is not set; `cargo xtask test --only node` does all of it');
}

/** The endpoint without a slash at its end. */
export const endpoint = process.env.POOLHOUSE_ENDPOINT.replace(/\/$/, '');

/** A name that no other test uses. */
export function unique(prefix) {
  return `${prefix}-${randomBytes(6).toString('hex')}`;
}

/** One request to the user pools API. `poolhouse dev` checks no signatures. */
export async function call(operation, body, at = endpoint) {
  const answer = await fetch(`${at}/`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-amz-json-1.1',
      'X-Amz-Target': `AWSCognitoIdentityProviderService.${operation}`,
    },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${operation} answered ${answer.status}: ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** An SmsConfiguration. */
export const textMessages = {
  SnsCallerArn: 'arn:aws:iam::123456789012:role/sms', ExternalId: 'poolhouse-tests',
};

/** An EmailConfiguration with a sender of one's own, which e-mail MFA asks for. */
export const ownMail = {
  EmailSendingAccount: 'DEVELOPER',
  SourceArn: 'arn:aws:ses:us-east-1:123456789012:identity/no-reply@example.com',
};

const SRP_FLOWS = ['ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'];

/**
 * A pool with one app client for these flows. `mfa` may be 'OPTIONAL' or 'ON'; TOTP is then the
 * factor.
 */
export async function makePool({ mfa, flows = SRP_FLOWS, ...settings } = {}) {
  const { UserPool } = await call('CreateUserPool', { PoolName: unique('pool'), ...settings });
  if (mfa) {
    await call('SetUserPoolMfaConfig', {
      UserPoolId: UserPool.Id,
      MfaConfiguration: mfa,
      SoftwareTokenMfaConfiguration: { Enabled: true },
    });
  }
  const { UserPoolClient } = await call('CreateUserPoolClient', {
    UserPoolId: UserPool.Id,
    ClientName: 'node',
    ExplicitAuthFlows: flows,
  });
  return { id: UserPool.Id, clientId: UserPoolClient.ClientId };
}

/** A user in FORCE_CHANGE_PASSWORD whose temporary password is PASSWORD. */
export async function makeNewUser(pool) {
  const username = unique('user');
  await call('AdminCreateUser', {
    UserPoolId: pool.id,
    Username: username,
    TemporaryPassword: PASSWORD,
    MessageAction: 'SUPPRESS',
  });
  return username;
}

/** A CONFIRMED user with PASSWORD. */
export async function makeUser(pool) {
  const username = await makeNewUser(pool);
  await call('AdminSetUserPassword', {
    UserPoolId: pool.id,
    Username: username,
    Password: PASSWORD,
    Permanent: true,
  });
  return username;
}

/** The code in the newest message to a destination. */
export async function codeFor(pool, destination) {
  const query = new URLSearchParams({ pool: pool.id, destination });
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const { messages } = await (await fetch(`${endpoint}/_poolhouse/messages?${query}`)).json();
    if (messages.length > 0) return messages[0].code;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no message came to ${destination}`);
}

/**
 * An authenticator application holding one secret.
 *
 * No code serves twice, and these tests do not move the server's clock. So the present code verifies
 * the token and the next one, which the server accepts a step early, signs in.
 */
export class Authenticator {
  #key;

  constructor(secret) {
    this.#key = fromBase32(secret);
  }

  presentCode() {
    return this.#code(0);
  }

  nextCode() {
    return this.#code(1);
  }

  #code(steps) {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000 / STEP_SECONDS) + steps));
    const digest = createHmac('sha1', this.#key).update(counter).digest();
    const offset = digest[digest.length - 1] & 15;
    const number = (digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000;
    return String(number).padStart(6, '0');
  }
}

function fromBase32(text) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...text].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0'));
  const bytes = bits.join('').match(/.{8}/g);
  return Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2)));
}
