"""Users from the first request to the last; what is left of them by each way of ending access, and who is told what."""

import time

import pytest
import requests

from support import (
    OTHER_PASSWORD,
    PASSWORD,
    WRONG_PASSWORD,
    as_dict,
    attributes,
    refused,
    unique,
    unique_email,
)

NO_USER = "User does not exist."
TOO_OFTEN = "Attempt limit exceeded, please try after some time."
RESET = "Password reset required for the user"
BAD_LOGIN = "Incorrect username or password."
UNDONE = {"Pending", "InProgress"}


def refreshed(pool, tokens):
    return pool.idp.get_tokens_from_refresh_token(
        ClientId=pool.client_id, RefreshToken=tokens["RefreshToken"]
    )


# A user's life


def test_a_user_is_made_read_changed_listed_and_deleted(pool, idp):
    prefix = unique("life")
    given = {"email": unique_email(), "name": "Ada", "website": "https://ada.example"}
    made = idp.admin_create_user(
        UserPoolId=pool.id,
        Username=f"{prefix}-0",
        UserAttributes=attributes(**given),
        TemporaryPassword=PASSWORD,
        MessageAction="SUPPRESS",
    )["User"]
    names = {"UserPoolId": pool.id, "Username": made["Username"]}
    sub = as_dict(made["Attributes"])["sub"]
    assert as_dict(made["Attributes"]) == {"sub": sub, **given}
    assert (made["UserStatus"], made["Enabled"]) == ("FORCE_CHANGE_PASSWORD", True)
    read = idp.admin_get_user(**names)
    assert as_dict(read["UserAttributes"]) == {"sub": sub, **given}

    # What an update doesn't name stays as it was.
    idp.admin_update_user_attributes(**names, UserAttributes=attributes(name="A.", website=""))
    after = idp.admin_get_user(**names)
    assert as_dict(after["UserAttributes"]) == {"sub": sub, "email": given["email"], "name": "A."}
    assert after["UserCreateDate"] == read["UserCreateDate"]
    assert after["UserLastModifiedDate"] > read["UserLastModifiedDate"]
    assert after["UserStatus"] == "FORCE_CHANGE_PASSWORD"

    others = [pool.make_user(f"{prefix}-{number}") for number in range(1, 5)]
    pages, more = [], {}
    while more is not None:
        answer = idp.list_users(
            UserPoolId=pool.id, Filter=f'username ^= "{prefix}"', Limit=2, **more
        )
        pages.append([user["Username"] for user in answer["Users"]])
        token = answer.get("PaginationToken")
        more = {"PaginationToken": token} if token else None
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sum(pages, []) == [made["Username"], *others], "in the order of what was searched"

    idp.admin_delete_user(**names)
    for operation in (idp.admin_get_user, idp.admin_delete_user):
        with refused("UserNotFoundException", NO_USER):
            operation(**names)
    left = idp.list_users(UserPoolId=pool.id, Filter=f'sub = "{sub}"')["Users"]
    assert left == []


# Sign-ups


def test_one_address_gets_so_many_codes_of_sign_ups(mail_pool, idp, inbox):
    address = unique_email()
    for _ in range(20):
        mail_pool.sign_up(email=address)
    one_more = unique("user")
    for spelled in (address, address.upper()):
        with refused("LimitExceededException", TOO_OFTEN):
            mail_pool.sign_up(one_more, email=spelled)
    assert len(inbox.messages(mail_pool, destination=address)) == 20
    with refused("UserNotFoundException", NO_USER):
        mail_pool.user(one_more)
    mail_pool.sign_up(one_more, email=unique_email())


# Names that others sign in with


@pytest.mark.parametrize("name", ["preferred_username", "email"])
def test_a_name_that_another_signs_in_with_is_not_taken(make_pool, idp, name):
    kind = "UsernameAttributes" if name == "email" else "AliasAttributes"
    pool = make_pool(**{kind: [name]})
    taken, own = (unique_email(), unique_email()) if name == "email" else (unique("a"), unique("b"))
    if name == "email":
        pool.make_user(taken)
        user = pool.make_user(own)
    else:
        pool.make_user(preferred_username=taken)
        user = pool.make_user(preferred_username=own)
    token = pool.sign_in(user)["AccessToken"]
    message = f"An account with the given {name} already exists."
    with refused("AliasExistsException", message):
        idp.update_user_attributes(AccessToken=token, UserAttributes=attributes(**{name: taken}))
    with refused("AliasExistsException", message):
        idp.admin_update_user_attributes(
            UserPoolId=pool.id, Username=user, UserAttributes=attributes(**{name: taken})
        )
    assert as_dict(pool.user(user)["UserAttributes"])[name] == own


# Ends of access


def test_a_disabled_user_is_told_so_and_stays_signed_out_when_let_in_again(pool, idp):
    user = pool.make_user()
    names = {"UserPoolId": pool.id, "Username": user}
    tokens = pool.sign_in(user)
    idp.admin_disable_user(**names)
    for refresh in (refreshed, lambda pool, tokens: pool.refresh(tokens["RefreshToken"])):
        with refused("NotAuthorizedException", "User is disabled."):
            refresh(pool, tokens)
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        idp.get_user(AccessToken=tokens["AccessToken"])
    idp.admin_enable_user(**names)
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        refreshed(pool, tokens)
    idp.admin_delete_user(**names)
    with refused("UserNotFoundException", NO_USER):
        refreshed(pool, tokens)


def test_a_refresh_token_is_good_for_its_client_only(pool, idp):
    tokens = pool.sign_in(pool.make_user())
    other = pool.make_client()["ClientId"]
    with refused("NotAuthorizedException", "Invalid Refresh Token."):
        idp.get_tokens_from_refresh_token(ClientId=other, RefreshToken=tokens["RefreshToken"])
    with refused("NotAuthorizedException", "Invalid Refresh Token."):
        idp.get_tokens_from_refresh_token(
            ClientId=pool.client_id, RefreshToken=tokens["AccessToken"]
        )
    with refused("UnauthorizedException", "Invalid Refresh Token."):
        idp.revoke_token(ClientId=other, Token=tokens["RefreshToken"])
    with refused("UnsupportedTokenTypeException", "Unsupported token type."):
        idp.revoke_token(ClientId=pool.client_id, Token=tokens["AccessToken"])
    refreshed(pool, tokens)


# Who is told what


def test_nobody_and_who_has_to_reset_look_alike_where_existence_is_hidden(pool, idp):
    user = pool.make_user(email=unique_email())
    idp.admin_reset_user_password(UserPoolId=pool.id, Username=user)
    hiding = pool.make_client(PreventUserExistenceErrors="ENABLED")["ClientId"]
    for begin in (pool.begin, pool.admin_begin):
        with refused("PasswordResetRequiredException", RESET):
            begin(user, WRONG_PASSWORD)
        with refused("UserNotFoundException", NO_USER):
            begin("nobody", WRONG_PASSWORD)
        for name in (user, "nobody"):
            with refused("NotAuthorizedException", BAD_LOGIN):
                begin(name, WRONG_PASSWORD, hiding)
        with refused("PasswordResetRequiredException", RESET):
            begin(user, PASSWORD, hiding)


# Imports


def test_an_imported_user_signs_in_by_a_code_at_once(make_pool, idp, inbox, account):
    pool = make_pool(
        AutoVerifiedAttributes=["email"],
        Policies={"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}},
        client={"ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH"]},
    )
    user, address = unique("user"), unique_email()
    header = idp.get_csv_header(UserPoolId=pool.id)["CSVHeader"]
    line = {
        "cognito:username": user,
        "cognito:mfa_enabled": "false",
        "email": address,
        "email_verified": "true",
    }
    content = ",".join(header) + "\n" + ",".join(line.get(name, "") for name in header) + "\n"
    role = f"arn:aws:iam::{account}:role/import"
    job = idp.create_user_import_job(UserPoolId=pool.id, JobName="j", CloudWatchLogsRoleArn=role)
    job = job["UserImportJob"]
    assert requests.put(job["PreSignedUrl"], data=content.encode(), timeout=60).status_code == 200
    names = {"UserPoolId": pool.id, "JobId": job["JobId"]}
    idp.start_user_import_job(**names)
    end = time.monotonic() + 60
    while (seen := idp.describe_user_import_job(**names)["UserImportJob"])["Status"] in UNDONE:
        assert time.monotonic() < end, seen
    assert (seen["Status"], seen["ImportedUsers"]) == ("Succeeded", 1)

    with refused("PasswordResetRequiredException", RESET):
        pool.begin(user)
    asked = idp.initiate_auth(
        ClientId=pool.client_id,
        AuthFlow="USER_AUTH",
        AuthParameters={"USERNAME": user, "PREFERRED_CHALLENGE": "EMAIL_OTP"},
    )
    assert asked["ChallengeName"] == "EMAIL_OTP"
    code = inbox.code(pool, user)
    answer = pool.answer("EMAIL_OTP", user, asked["Session"], EMAIL_OTP_CODE=code)
    token = answer["AuthenticationResult"]["AccessToken"]
    assert as_dict(idp.get_user(AccessToken=token)["UserAttributes"])["email"] == address
    assert pool.user(user)["UserStatus"] == "RESET_REQUIRED"
    # The first password comes as it does for everybody who was imported.
    idp.forgot_password(ClientId=pool.client_id, Username=user)
    idp.confirm_forgot_password(
        ClientId=pool.client_id,
        Username=user,
        Password=OTHER_PASSWORD,
        ConfirmationCode=inbox.code(pool, user, count=2),
    )
    assert pool.sign_in(user, OTHER_PASSWORD)["AccessToken"]
