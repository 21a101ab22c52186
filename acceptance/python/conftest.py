"""Fixtures. The server is not started here: `cargo xtask test` does that, once per storage engine."""

import os

import boto3
import pytest
from botocore.config import Config

from function_server import FunctionServer
from support import Clock, Inbox, Pool, unique
from wire_shapes import check_every_answer_of

REGION = "us-east-1"


def pytest_collection_modifyitems(items):
    """Tests that move the clock run last.

    Clients which stamp their requests with this machine's time (the TIMESTAMP of SRP) would otherwise
    meet a server that lives in their future.
    """
    items.sort(key=lambda item: "clock" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def endpoint():
    found = os.environ.get("POOLHOUSE_ENDPOINT")
    if not found:
        pytest.exit("POOLHOUSE_ENDPOINT is not set; `cargo xtask test --only python` does all of it", 2)
    return found.rstrip("/")


@pytest.fixture(scope="session")
def client_settings(endpoint):
    """Arguments of `boto3.client`: any credentials will do in `poolhouse dev`."""
    return {
        "region_name": REGION,
        "endpoint_url": endpoint,
        "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
        "aws_secret_access_key": "any-secret",
        "config": Config(retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=60),
    }


@pytest.fixture(scope="session")
def idp(client_settings):
    """A boto3 client whose every answer is compared with the service model."""
    return check_every_answer_of(boto3.client("cognito-idp", **client_settings))


@pytest.fixture(scope="session")
def account(idp):
    """The account number in the server's ARNs; roles of another account are refused."""
    described = idp.create_user_pool(PoolName=unique("account"))["UserPool"]
    idp.delete_user_pool(UserPoolId=described["Id"])
    return described["Arn"].split(":")[4]


@pytest.fixture(scope="session")
def sms(account):
    """An SmsConfiguration."""
    return {"SnsCallerArn": f"arn:aws:iam::{account}:role/sms", "ExternalId": "poolhouse-tests"}


@pytest.fixture(scope="session")
def own_mail(account):
    """An EmailConfiguration with a sender of one's own, which e-mail MFA asks for."""
    return {
        "EmailSendingAccount": "DEVELOPER",
        "SourceArn": f"arn:aws:ses:{REGION}:{account}:identity/no-reply@example.com",
    }


@pytest.fixture(scope="session")
def inbox(endpoint):
    return Inbox(endpoint)


@pytest.fixture(scope="session")
def functions(endpoint, account):
    """Functions for triggers: `functions.make(respond(autoConfirmUser=True)).arn`."""
    server = FunctionServer(endpoint, account)
    yield server
    server.stop()


@pytest.fixture
def clock(endpoint):
    return Clock(endpoint)


@pytest.fixture
def make_pool(idp):
    """Makes pools that go away after the test. `client` holds settings of the pool's app client."""
    made = []

    def make(client=None, **settings):
        settings.setdefault("PoolName", unique("pool"))
        described = idp.create_user_pool(**settings)["UserPool"]
        made.append(described["Id"])
        return Pool(idp, described, **(client or {}))

    yield make
    for pool_id in made:
        try:
            idp.delete_user_pool(UserPoolId=pool_id)
        except idp.exceptions.ResourceNotFoundException:
            pass


@pytest.fixture
def pool(make_pool):
    """A pool with defaults."""
    return make_pool()


@pytest.fixture
def mail_pool(make_pool):
    """A pool that verifies e-mail addresses by itself."""
    return make_pool(AutoVerifiedAttributes=["email"])
