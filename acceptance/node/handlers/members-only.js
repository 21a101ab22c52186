// Lets in those with an address at example.com, without a code.

export const handler = async (event, context) => {
  const { email = '' } = event.request.userAttributes;
  if (!email.endsWith('@example.com')) {
    throw new Error(`${email} is no member`);
  }
  event.response.autoConfirmUser = true;
  event.response.autoVerifyEmail = true;
  // The same in every attempt, so that a function can tell that it was asked before.
  seen.push(context.clientContext.custom.event_id);
  return event;
};

export const seen = [];
