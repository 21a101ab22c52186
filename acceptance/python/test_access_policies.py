"""What access keys may do at `poolhouse serve`, which is started here with rates as in the service."""

import contextlib
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import requests
from botocore.config import Config

from support import post, refused, unique
from wire_shapes import check_every_answer_of

REGION = "eu-central-1"
ACCOUNT = "123456789012"
BINARY = os.environ.get("POOLHOUSE_BIN") or Path(__file__).parents[2] / "target/debug/poolhouse"


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Serve:
    """A `poolhouse serve` in a folder of its own."""

    def __init__(self, folder, limits):
        self.folder = folder
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        (folder / "poolhouse.toml").write_text(
            f'listen = "127.0.0.1:{port}"\nregion = "{REGION}"\naccount_id = "{ACCOUNT}"\n'
            f'issuer = "{self.endpoint}"\ntrusted_proxy = true\n'
            f'[database]\nfile = "served.db"\n[master_key]\nfile = "served.key"\n{limits}'
        )
        key = folder / "served.key"
        key.touch(mode=0o600)
        key.write_text(os.urandom(32).hex())
        self.log = open(folder / "log", "wb")
        arguments = [BINARY, "serve", "--config", "poolhouse.toml"]
        self.process = subprocess.Popen(arguments, cwd=folder, stdout=self.log, stderr=self.log)
        self.wait_until_healthy()

    def wait_until_healthy(self):
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(requests.ConnectionError):
                if requests.get(self.endpoint + "/_poolhouse/health", timeout=20).status_code == 200:
                    return
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.log.close()

    def command(self, *arguments):
        """An `access-key` command: whether it succeeded, and what it printed."""
        command = [BINARY, "access-key", *arguments, "--config", "poolhouse.toml"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        return done.returncode == 0, done.stdout + done.stderr

    def printed(self, *arguments):
        succeeded, text = self.command(*arguments)
        assert succeeded, text
        return text

    def policy(self, *statements, name=None):
        """A file with these statements; answers its path."""
        path = self.folder / f"{name or unique('policy')}.json"
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        path.write_text(json.dumps(document))
        return str(path)

    def client(self, *policies, name="ada", region=REGION):
        """A boto3 client with a key of its own."""
        options = [part for policy in policies for part in ("--policy", policy)]
        text = self.printed("create", "--name", name, *options)
        values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        return self.client_of(values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"], region)

    def client_of(self, key_id, secret, region=REGION):
        client = boto3.client(
            "cognito-idp",
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
        )
        client = check_every_answer_of(client)
        client.key_id, client.secret = key_id, secret
        return client


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    server = Serve(tmp_path_factory.mktemp("serve"), "[limits]\nrates = false\n")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def owner(serve):
    """Somebody who may do everything."""
    return serve.client(name="owner")


@pytest.fixture
def pool_id(owner):
    made = owner.create_user_pool(PoolName=unique("pool"))["UserPool"]["Id"]
    yield made
    owner.delete_user_pool(UserPoolId=made)


def arn(pool_id):
    return f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{pool_id}"


def denied(operation, resource, reason=None, user="ada"):
    reason = reason or f"because no identity-based policy allows the cognito-idp:{operation} action"
    text = (
        f"User: arn:aws:iam::{ACCOUNT}:user/{user} is not authorized to perform: "
        f"cognito-idp:{operation} on resource: {resource} {reason}"
    )
    return refused("AccessDeniedException", text)


def allow(*actions, resource="*", **more):
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def deny(*actions, resource="*", **more):
    return {**allow(*actions, resource=resource, **more), "Effect": "Deny"}


def test_a_key_without_policy_option_may_do_everything(serve, pool_id):
    anybody = serve.client()
    anybody.update_user_pool(UserPoolId=pool_id)
    assert "full-access" in serve.printed("show", anybody.key_id)


def test_who_may_only_read_changes_nothing(serve, owner, pool_id):
    reader = serve.client("read-only")
    described = reader.describe_user_pool(UserPoolId=pool_id)["UserPool"]
    assert described["Arn"] == arn(pool_id)
    reader.list_users(UserPoolId=pool_id)
    with denied("DeleteUserPool", arn(pool_id)):
        reader.delete_user_pool(UserPoolId=pool_id)
    with denied("CreateUserPool", "*"):
        reader.create_user_pool(PoolName="mine")
    owner.describe_user_pool(UserPoolId=pool_id)


def test_permission_is_looked_at_before_the_pool(serve):
    reader = serve.client("read-only")
    nowhere = f"{REGION}_Nowhere12"
    with refused("ResourceNotFoundException", f"User pool {nowhere} does not exist."):
        reader.describe_user_pool(UserPoolId=nowhere)
    with denied("DeleteUserPool", arn(nowhere)):
        reader.delete_user_pool(UserPoolId=nowhere)


def test_the_answer_has_a_capital_message(serve, pool_id):
    reader = serve.client("read-only")
    with denied("DeleteUserPool", arn(pool_id)) as caught:
        reader.delete_user_pool(UserPoolId=pool_id)
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-errortype"] == "AccessDeniedException:"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    # boto3 takes either case, but tells which one it was by what else it keeps.
    assert "message" not in caught.value.response


def test_one_pool_and_the_rest(serve, owner, pool_id):
    other = owner.create_user_pool(PoolName=unique("other"))["UserPool"]["Id"]
    mine = serve.client(serve.policy(allow("cognito-idp:*", resource=arn(pool_id))))
    mine.create_group(UserPoolId=pool_id, GroupName="g")
    mine.tag_resource(ResourceArn=arn(pool_id), Tags={"a": "b"})
    with denied("CreateGroup", arn(other)):
        mine.create_group(UserPoolId=other, GroupName="g")
    with denied("TagResource", arn(other)):
        mine.tag_resource(ResourceArn=arn(other), Tags={"a": "b"})
    with denied("ListUserPools", "*"):
        mine.list_user_pools(MaxResults=1)
    owner.delete_user_pool(UserPoolId=other)


def test_an_explicit_deny_outweighs(serve, pool_id):
    careful = serve.client("full-access", serve.policy(deny("cognito-idp:delete*")))
    careful.describe_user_pool(UserPoolId=pool_id)
    with denied(
        "DeleteUserPool", arn(pool_id), "with an explicit deny in an identity-based policy"
    ):
        careful.delete_user_pool(UserPoolId=pool_id)


def test_tags_decide(serve, owner, pool_id):
    owner.tag_resource(ResourceArn=arn(pool_id), Tags={"owner": "ada"})
    own = {"StringEquals": {"aws:ResourceTag/owner": "${aws:username}"}}
    bring = {
        "StringEquals": {"aws:RequestTag/team": "red"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team", "stage"]},
    }
    policy = serve.policy(
        allow("cognito-idp:DescribeUserPool", Condition=own),
        allow("cognito-idp:CreateUserPool", Condition=bring),
    )
    ada, bob = serve.client(policy), serve.client(policy, name="bob")
    ada.describe_user_pool(UserPoolId=pool_id)
    with denied("DescribeUserPool", arn(pool_id), user="bob"):
        bob.describe_user_pool(UserPoolId=pool_id)
    for tags in ({}, {"team": "blue"}, {"team": "red", "more": ""}):
        with denied("CreateUserPool", "*"):
            ada.create_user_pool(PoolName="p", UserPoolTags=tags)
    made = ada.create_user_pool(PoolName="p", UserPoolTags={"team": "red", "stage": "x"})
    owner.delete_user_pool(UserPoolId=made["UserPool"]["Id"])


def test_where_requests_come_from_decides(serve, pool_id):
    near = {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}
    far = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    for condition, is_allowed in ((near, True), (far, False)):
        client = serve.client(serve.policy(allow("*", Condition=condition)))
        expected = contextlib.nullcontext() if is_allowed else denied(
            "DescribeUserPool", arn(pool_id)
        )
        with expected:
            client.describe_user_pool(UserPoolId=pool_id)


def test_changes_count_at_once_and_a_key_without_policies_may_do_nothing(serve, pool_id):
    client = serve.client("read-only")
    client.describe_user_pool(UserPoolId=pool_id)
    assert "none" in serve.printed("detach", client.key_id, "--policy", "read-only")
    with denied("DescribeUserPool", arn(pool_id)):
        client.describe_user_pool(UserPoolId=pool_id)
    path = serve.policy(allow("cognito-idp:DescribeUserPool"), name="look")
    assert "look" in serve.printed("attach", client.key_id, "--policy", path)
    client.describe_user_pool(UserPoolId=pool_id)
    shown = serve.printed("show", client.key_id)
    assert "look:" in shown and "cognito-idp:DescribeUserPool" in shown
    assert client.secret not in shown
    listed = [line for line in serve.printed("list").splitlines() if client.key_id in line]
    assert len(listed) == 1 and listed[0].endswith("(look)")


def test_bad_policies_are_refused_with_the_place(serve):
    bad = serve.policy(allow("cognito-idp:*"), {"Effect": "Allow", "Action": "ListUsers"}, name="bad")
    succeeded, text = serve.command("create", "--name", "x", "--policy", bad)
    assert not succeeded and 'bad.json: Statement[1].Action: "ListUsers" is not an action' in text
    succeeded, text = serve.command("create", "--name", "x", "--policy", "no-such")
    assert not succeeded and "full-access, read-only, user-administration" in text
    succeeded, text = serve.command("attach", "AKIANOBODY", "--policy", "read-only")
    assert not succeeded and "there is no access key AKIANOBODY" in text
    client = serve.client("read-only")
    succeeded, text = serve.command("detach", client.key_id, "--policy", "other")
    assert not succeeded and "has no policy other" in text


def test_users_need_no_policy(serve, owner, pool_id):
    app = owner.create_user_pool_client(
        UserPoolId=pool_id, ClientName="app", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    body = {
        "ClientId": app,
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": "nobody", "PASSWORD": "Correct-Horse-9!"},
    }
    answer = post(serve.endpoint, "InitiateAuth", body)
    assert answer.json()["__type"] in ("NotAuthorizedException", "UserNotFoundException")


def test_a_replica_answers_in_its_region(serve, owner):
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/mrk-1234"
    encryption = {"KeyType": "CUSTOMER_MANAGED_KEY", "KmsKeyArn": key}
    pool = owner.create_user_pool(PoolName=unique("pool"), KeyConfiguration=encryption)
    pool_id = pool["UserPool"]["Id"]
    there = serve.client_of(owner.key_id, owner.secret, "eu-west-1")
    with refused("InvalidSignatureException"):
        there.describe_user_pool(UserPoolId=pool_id)
    owner.create_user_pool_replica(UserPoolId=pool_id, RegionName="eu-west-1")
    there.describe_user_pool(UserPoolId=pool_id)
    with refused("OperationNotEnabledException"):
        there.create_group(UserPoolId=pool_id, GroupName="g")
    owner.delete_user_pool_replica(UserPoolId=pool_id, RegionName="eu-west-1")
    with refused("InvalidSignatureException"):
        there.describe_user_pool(UserPoolId=pool_id)
    owner.delete_user_pool(UserPoolId=pool_id)


def test_rates_are_enforced_unless_switched_off(tmp_path):
    server = Serve(tmp_path, "")
    try:
        client = server.client()
        answers = [passes(client) for _ in range(60)]
        assert answers[0] and not all(answers)
    finally:
        server.stop()


def passes(client):
    """Whether one request of many passes; 15 a second do."""
    try:
        client.list_user_pools(MaxResults=1)
    except client.exceptions.TooManyRequestsException as error:
        assert error.response["Error"]["Message"] == "Rate exceeded"
        return False
    return True


def keys_of(client):
    """The key service, asked with the access key of a client."""
    return boto3.client(
        "kms",
        region_name=REGION,
        endpoint_url=client.meta.endpoint_url,
        aws_access_key_id=client.key_id,
        aws_secret_access_key=client.secret,
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
    )


def test_a_function_decrypts_for_the_pools_and_keys_that_it_may_and_does_nothing_else(serve, owner):
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/codes"
    maker = keys_of(serve.client(serve.policy(allow("kms:GenerateDataKey"))))
    context = {"userpool-id": f"{REGION}_Mine"}
    made = maker.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    blob = made["CiphertextBlob"]

    any_code = serve.client("decrypt-codes", name="mailer")
    opened = keys_of(any_code).decrypt(CiphertextBlob=blob, EncryptionContext=context)
    assert opened["Plaintext"] == made["Plaintext"]
    with denied("ListUserPools", "*", user="mailer"):
        any_code.list_user_pools(MaxResults=1)

    def own(pool, resource=key):
        condition = {"StringEquals": {"kms:EncryptionContext:userpool-id": pool}}
        return keys_of(serve.client(serve.policy(allow("kms:Decrypt", resource=resource, Condition=condition))))

    text = (
        f"User: arn:aws:iam::{ACCOUNT}:user/ada is not authorized to perform: kms:Decrypt on resource: {key} "
        "because no identity-based policy allows the kms:Decrypt action"
    )
    assert own(f"{REGION}_Mine").decrypt(CiphertextBlob=blob, EncryptionContext=context)["KeyId"] == key
    for other in (own(f"{REGION}_Other"), own(f"{REGION}_Mine", resource=f"{key}2"), maker):
        with refused("AccessDeniedException", text):
            other.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    with refused("AccessDeniedException", text.replace("user/ada", "user/owner")):
        keys_of(owner).decrypt(CiphertextBlob=blob, EncryptionContext=context)
    # A context that a policy allows, and the message does not have, opens nothing.
    with refused("InvalidCiphertextException"):
        own(f"{REGION}_Other").decrypt(
            CiphertextBlob=blob, EncryptionContext={"userpool-id": f"{REGION}_Other"}
        )
    stranger = serve.client("decrypt-codes")
    stranger.secret = "guessed"
    with refused("InvalidSignatureException"):
        keys_of(stranger).decrypt(CiphertextBlob=blob, EncryptionContext=context)


def test_a_signature_for_user_pools_is_none_for_keys(serve, owner):
    headers = {"X-Amz-Target": "TrentService.Decrypt", "Content-Type": "application/x-amz-json-1.1"}
    answer = requests.post(serve.endpoint, data=b"{}", headers=headers, timeout=20)
    assert answer.json()["__type"] == "MissingAuthenticationTokenException"
    request = botocore.awsrequest.AWSRequest("POST", serve.endpoint + "/", headers, b"{}")
    signer = botocore.credentials.Credentials(owner.key_id, owner.secret)
    botocore.auth.SigV4Auth(signer, "cognito-idp", REGION).add_auth(request)
    answer = requests.post(request.url, data=b"{}", headers=dict(request.headers), timeout=20)
    assert answer.json()["__type"] == "InvalidSignatureException"
    assert "correct service: 'kms'" in answer.json()["message"]
