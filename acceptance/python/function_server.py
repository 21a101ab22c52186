"""Functions behind triggers: one HTTP server that is an Invoke API, emulators and webhooks at the same
time, and does with each event what a test says: answer, throw, hang, break off, talk nonsense."""

import base64
import json
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import requests

from support import unique

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KINDS = ["lambda", "rie", "webhook"]
EMULATOR_PATH = "/2015-03-31/functions/function/invocations"


def respond(**response):
    """Gives the event back with these members in its `response`."""

    def behave(request):
        event = json.loads(request.body)
        event["response"].update(response)
        return request.send(200, json.dumps(event))

    return behave


def throw(message):
    """Fails as the runtime of Node writes it down."""

    def behave(request):
        body = json.dumps({"errorMessage": message, "errorType": "Error", "trace": []})
        if request.kind == "webhook":
            return request.send(400, body)
        headers = {"X-Amz-Function-Error": "Unhandled"} if request.kind == "lambda" else {}
        return request.send(200, body, headers)

    return behave


def send(status, body="", **headers):
    """This very answer."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: request.send(status, body, headers)


def close(request):
    """Closes the connection in place of an answer."""
    request.close()


def break_off(request):
    """Announces more than it sends."""
    request.head(200, {"Content-Length": "1000"})
    request.wfile.write(b'{"version":')
    request.close()


def hang(request):
    """Says nothing until the tests are over."""
    request.server.is_over.wait()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave in two pieces, between which the other end would make us wait.
    disable_nagle_algorithm = True

    def do_POST(self):
        self.body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        name, self.kind = self.addressee()
        function = self.server.functions.get(name)
        if function is None or function.kind != self.kind:
            return self.send(404, "{}")
        function.next_behaviour(self)(self)

    def addressee(self):
        """The name of the function, and what it is asked as."""
        for kind in ["rie", "webhook"]:
            if self.path.startswith(f"/{kind}/"):
                name, _, rest = self.path[len(kind) + 2 :].partition("/")
                is_right = rest == (EMULATOR_PATH[1:] if kind == "rie" else "")
                return (name if is_right else None), kind
        parts = self.path.split("/")
        if parts[1:3] == ["2015-03-31", "functions"] and parts[4:] == ["invocations"]:
            return unquote(parts[3]), "lambda"
        return None, None

    def head(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send(self, status, body, headers=None):
        raw = body.encode()
        self.head(status, {"Content-Length": str(len(raw)), **(headers or {})})
        try:
            self.wfile.write(raw)
        except OSError:
            self.close_connection = True  # The other end has had enough.

    def close(self):
        self.wfile.flush()
        # No orderly end: what is on its way may be lost.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, *_):
        pass


class Function:
    """A function with an ARN. `behaviours` follow one another, the last one again and again."""

    def __init__(self, account, kind, behaviours):
        self.name = unique("function")
        self.arn = f"arn:aws:lambda:us-east-1:{account}:function:{self.name}"
        self.kind = kind
        self.behaviours = list(behaviours)
        self.requests = []
        self._lock = threading.Lock()
        self._came = threading.Condition(self._lock)

    def next_behaviour(self, request):
        with self._lock:
            self.requests.append({"headers": dict(request.headers), "body": request.body})
            self._came.notify_all()
            return self.behaviours[min(len(self.requests), len(self.behaviours)) - 1]

    def wait_for_requests(self, count):
        with self._lock:
            assert self._came.wait_for(lambda: len(self.requests) >= count, 20)

    @property
    def events(self):
        return [json.loads(request["body"]) for request in self.requests]

    @property
    def event_ids(self):
        """What names the event, in each request."""
        found = []
        for request in self.requests:
            headers = {name.lower(): value for name, value in request["headers"].items()}
            if self.kind == "lambda":
                context = json.loads(base64.b64decode(headers["x-amz-client-context"]))
                found.append(context["custom"]["event_id"])
            else:
                found.append(headers["webhook-id"])
        return found


class FunctionServer:
    """Makes functions that `poolhouse dev` knows of."""

    def __init__(self, endpoint, account):
        self._endpoint, self._account = endpoint, account
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.functions = {}
        self._server.is_over = threading.Event()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self):
        self._server.is_over.set()
        self._server.shutdown()
        self._server.server_close()

    def make(self, *behaviours, kind="lambda", **route):
        """A function behind a server of that kind. `route` holds members such as `attempts`."""
        function = Function(self._account, kind, behaviours or [respond()])
        self._server.functions[function.name] = function
        url = {
            "lambda": self.url,
            "rie": f"{self.url}/rie/{function.name}{EMULATOR_PATH}",
            "webhook": f"{self.url}/webhook/{function.name}",
        }[kind]
        if kind == "webhook":
            route.setdefault("secret", SECRET)
        answer = self.route({"function": function.arn, kind: url, **route})
        assert answer.status_code == 200, answer.text
        return function

    def route(self, body):
        url = self._endpoint + "/_poolhouse/functions"
        return requests.put(url, json=body, timeout=20)

    def invocations(self, **query):
        """What the server tells of its invocations, newest first."""
        url = self._endpoint + "/_poolhouse/invocations"
        answer = requests.get(url, params=query, timeout=20)
        answer.raise_for_status()
        return answer.json()["invocations"]
