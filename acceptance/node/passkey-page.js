// What runs in the browser of the passkey tests: aws-amplify v6, for the page to be asked from outside.

import { Amplify } from 'aws-amplify';
import {
  associateWebAuthnCredential,
  confirmSignIn,
  deleteWebAuthnCredential,
  fetchAuthSession,
  getCurrentUser,
  listWebAuthnCredentials,
  signIn,
  signOut,
} from 'aws-amplify/auth';

/** Configures Amplify for a pool of a server. */
function use(endpoint, pool) {
  Amplify.configure({
    Auth: {
      Cognito: {
        userPoolId: pool.id,
        userPoolClientId: pool.clientId,
        userPoolEndpoint: `${endpoint}/`,
      },
    },
  });
}

/** The claims of the access token of whoever is signed in. */
async function claims() {
  const { tokens } = await fetchAuthSession();
  return tokens.accessToken.payload;
}

globalThis.auth = {
  associateWebAuthnCredential,
  claims,
  confirmSignIn,
  deleteWebAuthnCredential,
  getCurrentUser,
  listWebAuthnCredentials,
  signIn,
  signOut,
  use,
};
