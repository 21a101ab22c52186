// The older form of a handler.

exports.handler = (event, context, callback) => {
  if (event.request.clientMetadata?.invited !== 'yes') {
    callback('by invitation only');
    return;
  }
  event.response.autoConfirmUser = true;
  callback(null, event);
};
