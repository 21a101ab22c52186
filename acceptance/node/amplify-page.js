// An application in the browser: aws-amplify v6, which sends people to the login pages and takes them
// back. What it tells the hub is kept beyond its page, as a sign-in goes over several.

import { Amplify } from 'aws-amplify';
// Takes up a sign-in that comes back.
import 'aws-amplify/auth/enable-oauth-listener';
import {
  fetchAuthSession, fetchUserAttributes, getCurrentUser, signInWithRedirect, signOut,
} from 'aws-amplify/auth';
import { Hub } from 'aws-amplify/utils';

const EVENTS = 'events';
const told = () => JSON.parse(sessionStorage.getItem(EVENTS) ?? '[]');

Hub.listen('auth', ({ payload: { event, data } }) => {
  const note = { event, error: data?.error?.message };
  sessionStorage.setItem(EVENTS, JSON.stringify([...told(), note]));
});

Amplify.configure(JSON.parse(document.querySelector('#amplify').textContent));

/** The claims of whoever is signed in, and the tokens' texts. */
async function session(options) {
  const { tokens } = await fetchAuthSession(options);
  if (!tokens) return null;
  const { accessToken, idToken } = tokens;
  return {
    accessToken: accessToken.toString(),
    access: accessToken.payload,
    id: idToken?.payload,
  };
}

globalThis.auth = {
  /** What the hub was told, since the last time it was asked. */
  events: () => {
    const events = told();
    sessionStorage.removeItem(EVENTS);
    return events;
  },
  fetchUserAttributes,
  getCurrentUser,
  session,
  signInWithRedirect,
  signOut,
};
