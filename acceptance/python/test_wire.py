"""The protocol below the SDKs: headers, errors of the front end, validation texts, CORS."""

import re
import uuid

import pytest
import requests

from support import TARGET_PREFIX, post

CONTENT_TYPE = "application/x-amz-json-1.1"
EXPOSED = {"x-amzn-requestid", "x-amzn-errortype", "x-amzn-errormessage", "date"}


def send(endpoint, target=None, body=b"{}", method="POST", path="/", **headers):
    sent = {"Content-Type": CONTENT_TYPE}
    if target:
        sent["X-Amz-Target"] = target
    sent.update({name.replace("_", "-"): value for name, value in headers.items()})
    return requests.request(method, endpoint + path, data=body, headers=sent, timeout=30)


def violations(answer):
    """Number and set of the violated constraints in a validation message."""
    assert answer.status_code == 400
    assert answer.json()["__type"] == "InvalidParameterException"
    count, plural, listed = re.fullmatch(
        r"(\d+) validation error(s?) detected: (.*)", answer.json()["message"], re.DOTALL
    ).groups()
    assert (plural == "s") == (int(count) > 1)
    items = listed.split("; ")
    assert len(items) == int(count)
    return set(items)


def failed(where, constraint):
    return f"{where} failed to satisfy constraint: {constraint}"


NOT_NULL = "Member must not be null"


# Answers


def test_a_success_has_content_type_request_id_and_date(endpoint):
    answer = post(endpoint, "ListUserPools", {"MaxResults": 1})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == CONTENT_TYPE
    assert uuid.UUID(answer.headers["x-amzn-RequestId"])
    assert answer.headers["Date"]


def test_each_request_has_an_id_of_its_own(endpoint):
    ids = {
        post(endpoint, "ListUserPools", {"MaxResults": 1}).headers["x-amzn-RequestId"]
        for _ in range(3)
    }
    assert len(ids) == 3


def test_an_error_tells_its_type_and_message_in_body_and_headers(endpoint):
    answer = post(endpoint, "DescribeUserPool", {"UserPoolId": "us-east-1_Nowhere00"})
    message = "User pool us-east-1_Nowhere00 does not exist."
    assert answer.status_code == 400
    assert answer.json() == {"__type": "ResourceNotFoundException", "message": message}
    assert answer.headers["x-amzn-ErrorType"] == "ResourceNotFoundException:"
    assert answer.headers["x-amzn-ErrorMessage"] == message
    assert answer.headers["Content-Type"] == CONTENT_TYPE
    assert uuid.UUID(answer.headers["x-amzn-RequestId"])


def test_a_message_of_several_lines_does_not_break_the_headers(pool, endpoint):
    answer = post(
        endpoint,
        "SignUp",
        {
            "ClientId": pool.client_id,
            "Username": "jo",
            "Password": "Correct-Horse-9!",
            "UserAttributes": [{"Name": "custom:nothing", "Value": "x"}],
        },
    )
    assert answer.json()["message"].endswith("\n")
    assert answer.headers["x-amzn-ErrorType"] == "InvalidParameterException:"


def test_an_empty_output_is_an_empty_object(pool, endpoint):
    answer = post(endpoint, "UpdateUserPool", {"UserPoolId": pool.id})
    assert answer.status_code == 200
    assert answer.content == b"{}"


def test_no_output_is_an_empty_body(pool, endpoint):
    answer = post(
        endpoint, "DeleteUserPoolClient", {"UserPoolId": pool.id, "ClientId": pool.client_id}
    )
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["Content-Type"] == CONTENT_TYPE


def test_times_are_numbers_of_seconds(pool, endpoint):
    described = post(endpoint, "DescribeUserPool", {"UserPoolId": pool.id}).json()["UserPool"]
    assert isinstance(described["CreationDate"], (int, float))
    assert 1_700_000_000 < described["CreationDate"] < 10_000_000_000


def test_unknown_members_and_nulls_are_ignored(pool, endpoint):
    body = {"UserPoolId": pool.id, "Limit": None, "Filter": None, "Nonsense": {"a": [1]}}
    assert post(endpoint, "ListUsers", body).status_code == 200


# Errors of the front end


@pytest.mark.belief
@pytest.mark.parametrize(
    "target",
    [
        None,
        "Nonsense",
        TARGET_PREFIX + "Nonsense",
        TARGET_PREFIX + "listUserPools",
        "awscognitoidentityproviderservice.ListUserPools",
        "AWSCognitoIdentityService.ListUserPools",
    ],
)
def test_an_unknown_target_is_an_unknown_operation(endpoint, target):
    answer = send(endpoint, target)
    assert answer.status_code == 400
    assert answer.json()["__type"] == "UnknownOperationException"


@pytest.mark.belief
def test_get_on_the_root_is_an_unknown_operation(endpoint):
    answer = send(endpoint, method="GET", body=None)
    assert answer.status_code == 404
    assert answer.json()["__type"] == "UnknownOperationException"


@pytest.mark.belief
@pytest.mark.parametrize("body", [b"{", b'{"MaxResults": 1', b"\xff\xfe", b'{"a": 1} trailing'])
def test_malformed_json_is_a_serialization_error(endpoint, body):
    answer = send(endpoint, TARGET_PREFIX + "ListUserPools", body)
    assert answer.status_code == 400
    assert answer.json()["__type"] == "SerializationException"


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"true"])
def test_a_body_that_is_no_object_is_a_serialization_error(endpoint, body):
    answer = send(endpoint, TARGET_PREFIX + "ListUserPools", body)
    assert answer.status_code == 400
    assert answer.json()["__type"] == "SerializationException"


@pytest.mark.parametrize(
    "operation, body",
    [
        ("CreateUserPool", {"PoolName": 7}),
        ("CreateUserPool", {"PoolName": True}),
        ("CreateUserPool", {"PoolName": {"a": "b"}}),
        ("ListUserPools", {"MaxResults": "ten"}),
        ("CreateUserPool", {"PoolName": "p", "Policies": "strict"}),
        ("CreateUserPool", {"PoolName": "p", "AliasAttributes": {"email": True}}),
        ("CreateUserPool", {"PoolName": "p", "UserPoolTags": ["a"]}),
        ("CreateUserPool", {"PoolName": "p", "UsernameConfiguration": {"CaseSensitive": "no"}}),
    ],
)
def test_a_member_of_the_wrong_json_type_is_a_serialization_error(endpoint, operation, body):
    answer = post(endpoint, operation, body)
    assert answer.status_code == 400
    assert answer.json()["__type"] == "SerializationException"
    assert answer.headers["x-amzn-ErrorType"] == "SerializationException:"


def test_a_number_where_text_is_due_has_the_services_own_words(endpoint):
    answer = post(endpoint, "CreateUserPool", {"PoolName": 7})
    body = answer.json()
    assert body.get("message", body.get("Message")) == (
        "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an "
        "String"
    )


def test_an_attribute_value_is_never_coerced_from_a_boolean(pool, endpoint):
    answer = post(
        endpoint,
        "AdminCreateUser",
        {
            "UserPoolId": pool.id,
            "Username": "jo",
            "UserAttributes": [{"Name": "email_verified", "Value": True}],
        },
    )
    assert answer.json()["__type"] == "SerializationException"


def test_a_body_of_several_megabytes_is_refused_and_the_server_goes_on(endpoint):
    body = b'{"PoolName": "' + b"x" * 8_000_000 + b'"}'
    try:
        answer = send(endpoint, TARGET_PREFIX + "CreateUserPool", body)
        assert 400 <= answer.status_code < 500
    except requests.ConnectionError:
        pass  # the server may hang up before it has read everything
    assert post(endpoint, "ListUserPools", {"MaxResults": 1}).status_code == 200


def test_deeply_nested_json_is_refused_and_the_server_goes_on(endpoint):
    body = b'{"Nonsense": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert send(endpoint, TARGET_PREFIX + "ListUserPools", body).status_code == 400
    assert post(endpoint, "ListUserPools", {"MaxResults": 1}).status_code == 200


# Validation messages


def test_a_required_member_that_is_missing_is_named(endpoint):
    assert violations(post(endpoint, "ListUserPools", {})) == {
        failed("Value null at 'maxResults'", NOT_NULL)
    }


def test_the_value_of_a_sensitive_member_is_withheld(endpoint):
    answer = post(
        endpoint, "AdminGetUser", {"UserPoolId": "us-east-1_Nowhere00", "Username": "two words"}
    )
    pattern = r"Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+"
    assert violations(answer) == {failed("Value at 'username'", pattern)}


def test_the_value_of_another_member_is_shown(endpoint):
    answer = post(endpoint, "DescribeUserPool", {"UserPoolId": "no-underscore"})
    pattern = r"Member must satisfy regular expression pattern: [\w-]+_[0-9a-zA-Z]+"
    assert violations(answer) == {failed("Value 'no-underscore' at 'userPoolId'", pattern)}


def test_all_violations_are_told_at_once(endpoint):
    answer = post(
        endpoint, "ListUsers", {"UserPoolId": "bad", "Limit": 99, "PaginationToken": ""}
    )
    assert violations(answer) == {
        failed(
            "Value 'bad' at 'userPoolId'",
            r"Member must satisfy regular expression pattern: [\w-]+_[0-9a-zA-Z]+",
        ),
        failed("Value '99' at 'limit'", "Member must have value less than or equal to 60"),
        failed(
            "Value '' at 'paginationToken'",
            "Member must have length greater than or equal to 1",
        ),
        failed(
            "Value '' at 'paginationToken'",
            r"Member must satisfy regular expression pattern: [\S]+",
        ),
    }


def test_members_inside_lists_are_counted_from_one(endpoint):
    answer = post(
        endpoint,
        "CreateUserPool",
        {"PoolName": "p", "Schema": [{"Name": "fine"}, {"Name": "a-name-of-over-twenty-letters"}]},
    )
    (only,) = violations(answer)
    assert only.startswith("Value 'a-name-of-over-twenty-letters' at 'schema.2.member.name' ")
    assert only.endswith("Member must have length less than or equal to 20")


def test_an_enum_violation_lists_the_values(endpoint):
    answer = post(
        endpoint, "CreateUserPool", {"PoolName": "p", "DeletionProtection": "MAYBE"}
    )
    (only,) = violations(answer)
    head, _, listed = only.partition(" failed to satisfy constraint: Member must satisfy enum ")
    assert head == "Value 'MAYBE' at 'deletionProtection'"
    values = re.fullmatch(r"value set: \[(.*)\]", listed).group(1)
    assert set(values.split(", ")) == {"ACTIVE", "INACTIVE"}


def test_a_scalar_violation_inside_a_list_shows_the_list(pool, endpoint):
    answer = post(
        endpoint,
        "CreateUserPoolClient",
        {"UserPoolId": pool.id, "ClientName": "c", "AllowedOAuthFlows": ["token"]},
    )
    (only,) = violations(answer)
    head, _, listed = only.partition(" failed to satisfy constraint: ")
    assert head == "Value '[token]' at 'allowedOAuthFlows'"
    values = re.fullmatch(
        r"Member must satisfy constraint: \[Member must satisfy enum value set: \[(.*)\]\]", listed
    ).group(1)
    assert set(values.split(", ")) == {"implicit", "client_credentials", "code"}


# Browsers


def test_a_preflight_allows_what_browser_clients_send(endpoint):
    asked = "content-type,x-amz-target,x-amz-user-agent,cache-control"
    answer = send(
        endpoint,
        method="OPTIONS",
        body=None,
        Origin="https://app.example.com",
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers=asked,
    )
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    allowed = {
        name.strip().lower()
        for name in answer.headers["Access-Control-Allow-Headers"].split(",")
    }
    assert set(asked.split(",")) <= allowed
    assert answer.headers["Access-Control-Max-Age"] == "172800"


@pytest.mark.parametrize("body", [{"MaxResults": 1}, {}])
def test_browsers_may_read_answers_and_error_headers(endpoint, body):
    answer = post(endpoint, "ListUserPools", body, {"Origin": "https://app.example.com"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    exposed = {
        name.strip().lower()
        for name in answer.headers["Access-Control-Expose-Headers"].split(",")
    }
    assert EXPOSED <= exposed


def test_public_operations_need_no_signature(pool, endpoint):
    answer = post(
        endpoint,
        "InitiateAuth",
        {
            "ClientId": pool.client_id,
            "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": {"USERNAME": "nobody", "PASSWORD": "x"},
        },
    )
    assert answer.json()["__type"] == "UserNotFoundException"


# What `poolhouse dev` adds


def test_the_health_page_is_json(endpoint):
    answer = requests.get(endpoint + "/_poolhouse/health", timeout=20)
    assert answer.status_code == 200
    assert answer.json() is not None


def test_the_clock_tells_its_offset(endpoint):
    answer = requests.get(endpoint + "/_poolhouse/clock", timeout=20).json()
    assert answer["now"] > 1_700_000_000
    assert answer["offset"] >= 0


def test_the_clock_moves_forward(clock):
    before = clock.now()
    clock.advance(1000)
    assert clock.now() >= before + 1000
