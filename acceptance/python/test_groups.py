"""Groups: making, changing, listing and deleting them, who is in them, and what tokens say of it."""

import pytest

from support import claims_of, post, refused

NO_GROUP = "Group not found."
NO_USER = "User does not exist."
NO_SUCH_POOL = "us-east-1_Nowhere00"


@pytest.fixture
def role(account):
    return lambda name: f"arn:aws:iam::{account}:role/{name}"


def make_group(pool, name, **settings):
    return pool.idp.create_group(UserPoolId=pool.id, GroupName=name, **settings)["Group"]


def get_group(pool, name):
    return pool.idp.get_group(UserPoolId=pool.id, GroupName=name)["Group"]


def add(pool, group, username):
    pool.idp.admin_add_user_to_group(UserPoolId=pool.id, GroupName=group, Username=username)


def remove(pool, group, username):
    pool.idp.admin_remove_user_from_group(UserPoolId=pool.id, GroupName=group, Username=username)


def pages_of(idp, operation, **arguments):
    return list(idp.get_paginator(operation).paginate(**arguments))


def groups_of(pool, username):
    pages = pages_of(pool.idp, "admin_list_groups_for_user", UserPoolId=pool.id, Username=username)
    return [group["GroupName"] for page in pages for group in page["Groups"]]


def members_of(pool, group):
    pages = pages_of(pool.idp, "list_users_in_group", UserPoolId=pool.id, GroupName=group)
    return sorted(user["Username"] for page in pages for user in page["Users"])


# Groups


def test_a_bare_group_has_a_name_and_dates_only(pool):
    made = make_group(pool, "staff")
    assert set(made) == {"GroupName", "UserPoolId", "CreationDate", "LastModifiedDate"}
    assert (made["GroupName"], made["UserPoolId"]) == ("staff", pool.id)
    assert made["CreationDate"] == made["LastModifiedDate"]
    assert get_group(pool, "staff") == made


def test_an_update_leaves_alone_what_it_does_not_name(pool, idp, role):
    made = make_group(pool, "staff", Description="first", RoleArn=role("a"), Precedence=4)
    idp.update_group(UserPoolId=pool.id, GroupName="staff", Description="second")
    changed = idp.update_group(UserPoolId=pool.id, GroupName="staff", Precedence=0)["Group"]
    assert changed["LastModifiedDate"] >= made["LastModifiedDate"]
    expected = {**made, "Description": "second", "Precedence": 0}
    expected["LastModifiedDate"] = changed["LastModifiedDate"]
    assert changed == expected == get_group(pool, "staff")


def test_names_that_differ_by_case_are_the_same(pool, idp):
    make_group(pool, "Editors")
    with refused("GroupExistsException", "A group with the name already exists"):
        make_group(pool, "editors")
    assert get_group(pool, "EDITORS")["GroupName"] == "Editors"


def test_a_name_has_no_spaces(pool):
    with refused("InvalidParameterException"):
        make_group(pool, "two words")


@pytest.mark.parametrize("operation", ["create_group", "update_group"])
def test_a_role_of_another_account_is_refused(pool, idp, operation):
    if operation == "update_group":
        make_group(pool, "staff")
    with refused("InvalidParameterException", "Cross-account pass role is not allowed."):
        getattr(idp, operation)(
            UserPoolId=pool.id, GroupName="staff", RoleArn="arn:aws:iam::999999999999:role/other"
        )


def test_groups_are_listed_in_pages(pool, idp):
    names = [f"group-{number}" for number in range(5)]
    for name in names:
        make_group(pool, name)
    pages = pages_of(
        idp, "list_groups", UserPoolId=pool.id, PaginationConfig={"PageSize": 2}
    )
    listed = [[group["GroupName"] for group in page["Groups"]] for page in pages]
    assert [len(page) for page in listed] == [2, 2, 1]
    assert sorted(sum(listed, [])) == names


def test_a_deleted_group_takes_its_memberships_along(pool, idp):
    user = pool.make_user()
    make_group(pool, "staff")
    add(pool, "staff", user)
    idp.delete_group(UserPoolId=pool.id, GroupName="staff")
    with refused("ResourceNotFoundException", NO_GROUP):
        get_group(pool, "staff")
    make_group(pool, "staff")
    assert members_of(pool, "staff") == [] and groups_of(pool, user) == []


def test_deletion_and_membership_answer_an_empty_body(pool, endpoint):
    user = pool.make_user()
    make_group(pool, "staff")
    group = {"UserPoolId": pool.id, "GroupName": "staff"}
    for operation, body in [
        ("AdminAddUserToGroup", {**group, "Username": user}),
        ("AdminRemoveUserFromGroup", {**group, "Username": user}),
        ("DeleteGroup", group),
    ]:
        # `dev` takes any signature of the right form.
        headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/"
                   "us-east-1/cognito-idp/aws4_request, SignedHeaders=host, Signature=00"}
        answer = post(endpoint, operation, body, headers)
        assert (answer.status_code, answer.content) == (200, b""), operation


# Members


def test_adding_and_removing_twice_does_no_harm(pool):
    user, other = pool.make_user(), pool.make_user()
    make_group(pool, "staff")
    make_group(pool, "editors")
    for _ in range(2):
        add(pool, "staff", user)
    add(pool, "staff", other)
    add(pool, "editors", user)
    assert groups_of(pool, user) == ["editors", "staff"]
    assert members_of(pool, "staff") == sorted([user, other])
    for _ in range(2):
        remove(pool, "staff", user)
    assert groups_of(pool, user) == ["editors"]
    assert members_of(pool, "staff") == [other]


def test_members_are_listed_in_pages_as_list_users_shows_them(pool, idp):
    users = sorted(pool.make_user(email=f"{number}@example.com") for number in range(5))
    pool.make_user()
    make_group(pool, "staff")
    for user in users:
        add(pool, "staff", user)
    pages = pages_of(
        idp, "list_users_in_group", UserPoolId=pool.id, GroupName="staff",
        PaginationConfig={"PageSize": 2},
    )
    assert [len(page["Users"]) for page in pages] == [2, 2, 1]
    listed = {user["Username"]: user for page in pages for user in page["Users"]}
    assert sorted(listed) == users
    everybody = {user["Username"]: user for user in idp.list_users(UserPoolId=pool.id)["Users"]}
    assert listed == {name: everybody[name] for name in users}


def test_the_groups_of_a_user_are_listed_in_pages(pool, idp):
    user = pool.make_user()
    names = [f"group-{number}" for number in range(5)]
    for name in names:
        make_group(pool, name)
        add(pool, name, user)
    pages = pages_of(
        idp, "admin_list_groups_for_user", UserPoolId=pool.id, Username=user,
        PaginationConfig={"PageSize": 2},
    )
    listed = [[group["GroupName"] for group in page["Groups"]] for page in pages]
    assert listed == [names[:2], names[2:4], names[4:]]


def test_a_deleted_user_leaves_the_group(pool, idp):
    user = pool.make_user()
    make_group(pool, "staff")
    add(pool, "staff", user)
    idp.admin_delete_user(UserPoolId=pool.id, Username=user)
    pool.make_user(user)
    assert members_of(pool, "staff") == [] and groups_of(pool, user) == []


# Refusals


@pytest.mark.parametrize(
    "operation, names_group, names_user",
    [
        ("create_group", True, False),
        ("get_group", True, False),
        ("update_group", True, False),
        ("delete_group", True, False),
        ("list_groups", False, False),
        ("list_users_in_group", True, False),
        ("admin_add_user_to_group", True, True),
        ("admin_remove_user_from_group", True, True),
        ("admin_list_groups_for_user", False, True),
    ],
)
def test_what_is_named_must_exist(pool, idp, operation, names_group, names_user):
    call = getattr(idp, operation)
    names = {"GroupName": "staff"} if names_group else {}
    names |= {"Username": "nobody"} if names_user else {}
    message = f"User pool {NO_SUCH_POOL} does not exist."
    with refused("ResourceNotFoundException", message):
        call(UserPoolId=NO_SUCH_POOL, **names)
    if names_group and operation != "create_group":
        with refused("ResourceNotFoundException", NO_GROUP):
            call(UserPoolId=pool.id, **names)
        make_group(pool, "staff")
    if names_user:
        with refused("UserNotFoundException", NO_USER):
            call(UserPoolId=pool.id, **names)


@pytest.mark.parametrize(
    "operation", ["list_groups", "list_users_in_group", "admin_list_groups_for_user"]
)
def test_a_made_up_page_token_is_refused(pool, idp, operation):
    make_group(pool, "staff")
    names = {
        "list_groups": {},
        "list_users_in_group": {"GroupName": "staff"},
        "admin_list_groups_for_user": {"Username": pool.make_user()},
    }[operation]
    with refused("InvalidParameterException", "Invalid pagination token given."):
        getattr(idp, operation)(UserPoolId=pool.id, NextToken="made-up", **names)


def test_a_user_is_in_at_most_a_hundred_groups(pool):
    user = pool.make_user()
    for number in range(101):
        make_group(pool, f"group-{number}")
    for number in range(100):
        add(pool, f"group-{number}", user)
    assert len(groups_of(pool, user)) == 100
    with refused("InvalidParameterException", "Exceeded the limit of 100 groups per user."):
        add(pool, "group-100", user)


# Tokens


def test_tokens_of_a_user_without_groups_say_nothing_of_them(pool):
    tokens = pool.begin(pool.make_user())["AuthenticationResult"]
    for token in (tokens["IdToken"], tokens["AccessToken"]):
        assert not {"cognito:groups", "cognito:roles", "cognito:preferred_role"} & set(
            claims_of(token)
        )


def test_tokens_show_groups_as_they_are_at_sign_in_and_at_refresh(pool, idp, role):
    user = pool.make_user()
    make_group(pool, "Readers", RoleArn=role("reader"), Precedence=5)
    make_group(pool, "editors", RoleArn=role("editor"), Precedence=1)
    make_group(pool, "plain", Precedence=0)
    add(pool, "Readers", user)
    tokens = pool.begin(user)["AuthenticationResult"]
    claims = claims_of(tokens["IdToken"])
    assert claims["cognito:groups"] == ["Readers"]
    assert claims["cognito:roles"] == [role("reader")]
    assert claims["cognito:preferred_role"] == role("reader")
    access = claims_of(tokens["AccessToken"])
    assert access["cognito:groups"] == ["Readers"]
    assert not {"cognito:roles", "cognito:preferred_role"} & set(access)

    add(pool, "editors", user)
    add(pool, "plain", user)

    def refreshed():
        answer = idp.initiate_auth(
            ClientId=pool.client_id,
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]},
        )
        return claims_of(answer["AuthenticationResult"]["IdToken"])

    claims = refreshed()
    assert sorted(claims["cognito:groups"]) == ["Readers", "editors", "plain"]
    assert sorted(claims["cognito:roles"]) == [role("editor"), role("reader")]
    assert claims["cognito:preferred_role"] == role("editor")
    idp.update_group(UserPoolId=pool.id, GroupName="Readers", Precedence=1)
    assert "cognito:preferred_role" not in refreshed()
    for group in ("Readers", "editors", "plain"):
        remove(pool, group, user)
    assert "cognito:groups" not in refreshed()
