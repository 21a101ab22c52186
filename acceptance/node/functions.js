// Runs handler modules of Lambda functions behind an Invoke API, and webhooks, on a free port.

import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

import { endpoint, unique } from './support.js';

export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

/** Calls a handler as Node's runtime does: it may answer a promise or call back. */
function run(handler, event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, answer) => (error ? reject(error) : resolve(answer));
    const promise = handler(event, context, callback);
    if (typeof promise?.then === 'function') promise.then(resolve, reject);
  });
}

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function contextOf(name, request) {
  const client = request.headers['x-amz-client-context'];
  return {
    functionName: name,
    awsRequestId: randomUUID(),
    clientContext: client && JSON.parse(Buffer.from(client, 'base64').toString()),
  };
}

/** The Invoke API's answer: 200, also when the function fails. */
async function invoke(handler, name, request, response) {
  const event = JSON.parse(await bodyOf(request));
  try {
    const answer = await run(handler, event, contextOf(name, request));
    response.end(JSON.stringify(answer ?? null));
  } catch (error) {
    response.setHeader('X-Amz-Function-Error', 'Unhandled');
    const errorMessage = error instanceof Error ? error.message : String(error);
    const errorType = error instanceof Error ? error.name : typeof error;
    response.end(JSON.stringify({ errorMessage, errorType, trace: [] }));
  }
}

/** A webhook as one would write it: what is not signed is refused, errors have a status. */
async function hook(handler, request, response) {
  const text = await bodyOf(request);
  try {
    new Webhook(SECRET).verify(text, request.headers);
  } catch {
    response.writeHead(401).end();
    return;
  }
  try {
    response.end(JSON.stringify({ response: await handler(JSON.parse(text)) }));
  } catch (error) {
    response.writeHead(400).end(JSON.stringify({ errorMessage: error.message }));
  }
}

/** A server for functions, until `close()`. */
export async function startFunctions() {
  const functions = new Map();
  const server = createServer((request, response) => {
    const [, kind, , name] = request.url.match(/^\/(hooks|2015-03-31)(\/functions)?\/([^/]+)/) ?? [];
    const handler = functions.get(decodeURIComponent(name ?? ''));
    if (!handler) response.writeHead(404).end('{}');
    else if (kind === 'hooks') hook(handler, request, response);
    else invoke(handler, name, request, response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;

  /** Makes a function that `poolhouse dev` knows of; answers its ARN. */
  async function make(handler, route) {
    const name = unique('function');
    functions.set(name, handler);
    const target = route === 'webhook' ? { webhook: `${url}/hooks/${name}`, secret: SECRET } : { lambda: url };
    const answer = await fetch(`${endpoint}/_poolhouse/functions`, {
      method: 'PUT',
      body: JSON.stringify({ function: name, ...target }),
    });
    if (!answer.ok) throw new Error(await answer.text());
    return `arn:aws:lambda:us-east-1:123456789012:function:${name}`;
  }

  return {
    invoked: (handler) => make(handler, 'lambda'),
    hooked: (handler) => make(handler, 'webhook'),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
