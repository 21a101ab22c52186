"""Functions of triggers: every kind of server, and everything that can go wrong with one. What the
events of each trigger hold is tested elsewhere; here PreSignUp stands for all."""

import json
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from function_server import KINDS, SECRET, break_off, close, hang, respond, send, throw
from support import PASSWORD, refused, unique

FUNCTION_ERROR = "UserLambdaValidationException"
UNEXPECTED = "UnexpectedLambdaException"
INVALID = "InvalidLambdaResponseException"
NOT_JSON = "Invalid lambda function output : Invalid JSON"
SOCKET_TIMEOUT = (
    "PreSignUp invocation failed due to error Socket timeout while invoking Lambda function."
)


def failed(error):
    return f"PreSignUp invocation failed due to error {error}."


@pytest.fixture
def pool_with(make_pool):
    """A pool that asks a function before each sign-up."""
    return lambda function: make_pool(LambdaConfig={"PreSignUp": function.arn})


def is_unknown(pool, username):
    with refused("UserNotFoundException"):
        pool.user(username)
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_server_gets_the_event_and_decides(functions, pool_with, kind):
    function = functions.make(respond(autoConfirmUser=True), kind=kind)
    pool = pool_with(function)
    username = pool.sign_up(email="ann@example.com")
    assert pool.user(username)["UserStatus"] == "CONFIRMED"
    [event] = function.events
    assert list(event) == [
        "version",
        "region",
        "userPoolId",
        "userName",
        "callerContext",
        "triggerSource",
        "request",
        "response",
    ]
    assert event["triggerSource"] == "PreSignUp_SignUp"
    assert event["userName"] == username
    assert event["request"]["userAttributes"] == {"email": "ann@example.com"}
    assert PASSWORD not in json.dumps(event)


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_function_throws_reaches_the_client(functions, pool_with, kind):
    function = functions.make(throw("No entry – sorry"), kind=kind)
    pool = pool_with(function)
    username = unique("user")
    with refused(FUNCTION_ERROR, "PreSignUp failed with error No entry – sorry."):
        pool.sign_up(username)
    assert is_unknown(pool, username)
    assert len(function.events) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answer", ["null", "", "<html>", '{"response":'])
def test_an_answer_that_is_no_json(functions, pool_with, kind, answer):
    function = functions.make(send(200, answer), kind=kind)
    with refused(INVALID, NOT_JSON):
        pool_with(function).sign_up()
    assert len(function.events) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answer", ['"ok"', "[]", '{"response":{"autoConfirmUser":"maybe"}}'])
def test_an_answer_of_another_shape(functions, pool_with, kind, answer):
    with refused(INVALID, "Unrecognizable lambda output"):
        pool_with(functions.make(send(200, answer), kind=kind)).sign_up()


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_without_a_response_changes_nothing(functions, pool_with, kind):
    pool = pool_with(functions.make(send(200, "{}"), kind=kind))
    assert pool.user(pool.sign_up())["UserStatus"] == "UNCONFIRMED"


def test_a_webhook_may_answer_nothing_at_all(functions, pool_with):
    pool = pool_with(functions.make(send(204), kind="webhook"))
    assert pool.user(pool.sign_up())["UserStatus"] == "UNCONFIRMED"


@pytest.mark.belief
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_of_ten_megabytes_is_cut_off(functions, pool_with, kind):
    function = functions.make(send(200, json.dumps({"x": "y" * 10_000_000})), kind=kind)
    text = "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
    with refused(FUNCTION_ERROR, f"PreSignUp failed with error {text}."):
        pool_with(function).sign_up()
    assert len(function.events) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", [close, break_off, send(429)])
def test_what_fails_for_a_moment_is_asked_again_under_the_same_id(
    functions, pool_with, kind, fault
):
    function = functions.make(fault, fault, respond(autoConfirmUser=True), kind=kind)
    pool = pool_with(function)
    assert pool.user(pool.sign_up())["UserStatus"] == "CONFIRMED"
    assert len(function.event_ids) == 3
    assert len(set(function.event_ids)) == 1
    pool.sign_up()
    assert len(set(function.event_ids)) == 2


@pytest.mark.belief
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "fault, error, attempts",
    [
        (close, "ServiceException", 3),
        (break_off, "ServiceException", 3),
        (send(429), "TooManyRequestsException", 3),
        (send(500), "ServiceException", 1),
        (send(502), "ServiceException", 1),
        (send(503), "ServiceException", 1),
        (send(403), "AccessDeniedException", 1),
        (send(404), "ResourceNotFoundException", 1),
        (send(307, Location="/elsewhere"), "ServiceException", 1),
    ],
)
def test_what_fails_for_good(functions, pool_with, kind, fault, error, attempts):
    function = functions.make(fault, kind=kind)
    pool = pool_with(function)
    username = unique("user")
    with refused(UNEXPECTED, failed(error)):
        pool.sign_up(username)
    assert is_unknown(pool, username)
    assert len(function.events) == attempts


@pytest.mark.parametrize("kind", KINDS)
def test_no_answer_in_time_three_times(functions, pool_with, kind):
    function = functions.make(hang, kind=kind, timeout_seconds=0.5)
    pool = pool_with(function)
    username = unique("user")
    with refused(UNEXPECTED, SOCKET_TIMEOUT):
        pool.sign_up(username)
    assert is_unknown(pool, username)
    assert len(function.events) == 3


def test_a_function_has_five_seconds(functions, pool_with):
    pool = pool_with(functions.make(hang, attempts=1))
    began = time.monotonic()
    with refused(UNEXPECTED, SOCKET_TIMEOUT):
        pool.sign_up()
    assert 5 <= time.monotonic() - began < 10


def test_a_cold_start_is_survived(functions, pool_with):
    function = functions.make(hang, respond(autoConfirmUser=True), timeout_seconds=1)
    pool = pool_with(function)
    assert pool.user(pool.sign_up())["UserStatus"] == "CONFIRMED"
    assert len(set(function.event_ids)) == 1


@pytest.mark.belief
def test_a_function_that_nobody_knows_and_one_where_nobody_listens(functions, pool_with, account):
    class Nobody:
        arn = f"arn:aws:lambda:us-east-1:{account}:function:{unique('nobody')}"

    with refused(UNEXPECTED, failed("ResourceNotFoundException")):
        pool_with(Nobody).sign_up()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    assert functions.route({"function": Nobody.arn, "webhook": url}).status_code == 200
    with refused(UNEXPECTED, failed("ServiceException")):
        pool_with(Nobody).sign_up()
    invocation = functions.invocations(function=Nobody.arn)[0]
    assert invocation["attempts"] == 3
    assert "onnect" in invocation["reason"]


def test_a_function_that_hangs_holds_up_nobody_else(functions, pool_with):
    hanging = functions.make(hang, timeout_seconds=20, attempts=1)
    slow, quick = pool_with(hanging), pool_with(functions.make(respond(autoConfirmUser=True)))
    # Nobody waits for them: they end with the server of functions.
    waiting = [threading.Thread(target=attempt, args=[slow], daemon=True) for _ in range(8)]
    for thread in waiting:
        thread.start()
    hanging.wait_for_requests(8)
    began = time.monotonic()
    assert quick.user(quick.sign_up())["UserStatus"] == "CONFIRMED"
    assert time.monotonic() - began < 10
    assert all(thread.is_alive() for thread in waiting)


def attempt(pool):
    try:
        pool.sign_up()
    except Exception:  # noqa: BLE001, whatever comes of it
        pass


def test_a_request_goes_on_after_its_client_has_hung_up(endpoint, functions, pool_with):
    is_let = threading.Event()

    def slow(request):
        is_let.wait(20)
        respond(autoConfirmUser=True)(request)

    function = functions.make(slow, timeout_seconds=20, attempts=1)
    pool = pool_with(function)
    username = unique("user")
    body = json.dumps({"ClientId": pool.client_id, "Username": username, "Password": PASSWORD})
    address = urlsplit(endpoint)
    with socket.create_connection((address.hostname, address.port)) as client:
        head = (
            f"POST / HTTP/1.1\r\nhost: {address.netloc}\r\ncontent-length: {len(body)}\r\n"
            "content-type: application/x-amz-json-1.1\r\n"
            "x-amz-target: AWSCognitoIdentityProviderService.SignUp\r\n\r\n"
        )
        client.sendall((head + body).encode())
        function.wait_for_requests(1)
    assert is_unknown(pool, username)
    is_let.set()
    deadline = time.monotonic() + 20
    while not (found := pool.idp.list_users(UserPoolId=pool.id)["Users"]):
        assert time.monotonic() < deadline, "the sign-up was given up with its connection"
        time.sleep(0.02)
    assert [(user["Username"], user["UserStatus"]) for user in found] == [(username, "CONFIRMED")]


def test_an_emulator_is_asked_one_question_at_a_time(functions, pool_with):
    running, most = [], []

    def careful(request):
        running.append(1)
        most.append(len(running))
        respond()(request)
        running.pop()

    function = functions.make(careful, kind="rie")
    pool = pool_with(function)
    threads = [threading.Thread(target=pool.sign_up) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(function.events) == 8
    assert max(most) == 1


def test_webhooks_are_signed(functions, pool_with):
    function = functions.make(kind="webhook")
    pool_with(function).sign_up()
    [request] = function.requests
    headers = {name.lower(): value for name, value in request["headers"].items()}
    assert Webhook(SECRET).verify(request["body"], headers) == function.events[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request["body"] + " ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 32).verify(request["body"], headers)


def test_a_webhook_s_secret_can_be_exchanged(functions, pool_with):
    other = "whsec_" + "A" * 32
    function = functions.make(kind="webhook", secret=f"{SECRET} {other}")
    pool_with(function).sign_up()
    [request] = function.requests
    headers = {name.lower(): value for name, value in request["headers"].items()}
    for secret in [SECRET, other]:
        Webhook(secret).verify(request["body"], headers)


def test_a_lambda_is_asked_by_its_name_with_its_alias(functions, pool_with):
    function = functions.make(respond(autoConfirmUser=True))
    functions._server.functions[f"{function.name}:live"] = function
    function.arn += ":live"
    functions.route({"function": f"{function.arn}*", "lambda": functions.url})
    pool = pool_with(function)
    assert pool.user(pool.sign_up())["UserStatus"] == "CONFIRMED"
    headers = {name.lower(): value for name, value in function.requests[0]["headers"].items()}
    assert headers["x-amz-invocation-type"] == "RequestResponse"
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=")
    assert "/us-east-1/lambda/aws4_request" in headers["authorization"]


def test_dev_shows_what_was_asked_and_answered_without_passwords(functions, pool_with):
    function = functions.make(send(429), throw("No"), kind="webhook")
    pool = pool_with(function)
    with refused(FUNCTION_ERROR):
        pool.idp.sign_up(
            ClientId=pool.client_id,
            Username="ann",
            Password=PASSWORD,
            ClientMetadata={"password": "hunter2", "colour": "red"},
        )
    [shown] = functions.invocations(pool=pool.id, trigger="PreSignUp", function=function.arn)
    assert shown["attempts"] == 2
    assert shown["outcome"] == "function error"
    assert shown["id"] == function.event_ids[0]
    assert shown["target"] == "webhook " + functions.url
    assert shown["event"]["request"]["clientMetadata"] == {"password": "***", "colour": "red"}
    assert shown["event"]["userName"] == "ann"
    assert shown["answer"]["errorMessage"] == "No"
    assert function.events[0]["request"]["clientMetadata"]["password"] == "hunter2"
    assert functions.invocations(pool=pool.id, trigger="PostConfirmation") == []


def test_a_route_that_makes_no_sense_is_refused(functions):
    for body, message in [
        ({"function": "a"}, "needs exactly one of: lambda, rie, webhook"),
        ({"function": "a", "webhook": "127.0.0.1:1"}, "webhook is no URL"),
        ({"function": "a", "webhook": "http://a", "secret": "x"}, "must begin with whsec_"),
        ({"function": "a", "rie": "http://a", "attempts": 0}, "attempts must be from 1 to 10"),
        ({"rie": "http://a"}, "missing field `function`"),
    ]:
        answer = functions.route(body)
        assert answer.status_code == 400
        assert message in answer.json()["message"]
