// aws-amplify v6, set up for one pool of the server after another.

import { Amplify } from 'aws-amplify';
import { cognitoUserPoolsTokenProvider } from 'aws-amplify/auth/cognito';

import { endpoint } from './support.js';

const stored = new Map();

/** Amplify keeps one configuration and one signed-in user per process. */
export function use(pool) {
  stored.clear();
  Amplify.configure({
    Auth: {
      Cognito: {
        userPoolId: pool.id,
        userPoolClientId: pool.clientId,
        userPoolEndpoint: `${endpoint}/`,
      },
    },
  });
  cognitoUserPoolsTokenProvider.setKeyValueStorage({
    async setItem(key, value) { stored.set(key, value); },
    async getItem(key) { return stored.get(key) ?? null; },
    async removeItem(key) { stored.delete(key); },
    async clear() { stored.clear(); },
  });
}
