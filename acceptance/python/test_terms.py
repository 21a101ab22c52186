"""Terms documents: links to the terms of use and the privacy policy of app clients."""

import uuid

import pytest

from support import refused

NO_SUCH_POOL = "us-east-1_Nowhere00"
NO_POOL = f"User pool {NO_SUCH_POOL} does not exist."
LINKS = {
    "cognito:default": "https://example.com/terms",
    "cognito:chinese-simplified": "https://example.com/zh",
}


@pytest.fixture
def create(pool, idp):
    def create(**members):
        members = {
            "UserPoolId": pool.id,
            "ClientId": pool.client_id,
            "TermsName": "terms-of-use",
            "TermsSource": "LINK",
            "Enforcement": "NONE",
            "Links": LINKS,
            **members,
        }
        members = {name: value for name, value in members.items() if value is not None}
        return idp.create_terms(**members)["Terms"]

    return create


def test_a_document_through_its_life(pool, idp, create):
    made = create()
    assert uuid.UUID(made["TermsId"]).version == 4
    assert made["CreationDate"] == made["LastModifiedDate"]
    assert {name: made[name] for name in made if "Date" not in name} == {
        "TermsId": made["TermsId"],
        "UserPoolId": pool.id,
        "ClientId": pool.client_id,
        "TermsName": "terms-of-use",
        "TermsSource": "LINK",
        "Enforcement": "NONE",
        "Links": LINKS,
    }
    names = {"UserPoolId": pool.id, "TermsId": made["TermsId"]}

    def described(name):
        found = idp.describe_terms(**names)["Terms"]
        by_client = idp.describe_terms_by_client(
            UserPoolId=pool.id, ClientId=pool.client_id, TermsName=name
        )
        assert by_client["Terms"] == found
        return found

    assert described("terms-of-use") == made
    links = {"cognito:dutch": "https://example.com/nl"}
    updated = idp.update_terms(**names, Links=links)["Terms"]
    assert updated["LastModifiedDate"] >= made["LastModifiedDate"]
    assert updated == {**made, "Links": links, "LastModifiedDate": updated["LastModifiedDate"]}
    assert described("terms-of-use") == updated
    renamed = idp.update_terms(**names, TermsName="privacy-policy")["Terms"]
    assert (renamed["TermsName"], renamed["Links"]) == ("privacy-policy", links)
    assert described("privacy-policy") == renamed
    with refused("ResourceNotFoundException", "Terms terms-of-use does not exist."):
        described("terms-of-use")

    idp.delete_terms(**names)
    message = f"Terms {made['TermsId']} does not exist."
    for call in (idp.describe_terms, idp.update_terms, idp.delete_terms):
        with refused("ResourceNotFoundException", message):
            call(**names)
    create()


def test_documents_are_listed_page_by_page(pool, idp, create):
    made = {}
    for _ in range(3):
        client_id = pool.make_client()["ClientId"]
        for name in ("terms-of-use", "privacy-policy"):
            document = create(ClientId=client_id, TermsName=name)
            kept = ("TermsId", "TermsName", "Enforcement", "CreationDate", "LastModifiedDate")
            made[document["TermsId"]] = {member: document[member] for member in kept}
    pages, more = [], {}
    while True:
        answer = idp.list_terms(UserPoolId=pool.id, MaxResults=2, **more)
        pages.append(answer["Terms"])
        if "NextToken" not in answer:
            break
        more = {"NextToken": answer["NextToken"]}
    assert [len(page) for page in pages] == [2, 2, 2]
    assert {item["TermsId"]: item for page in pages for item in page} == made
    with refused("InvalidParameterException", "Invalid pagination token given."):
        idp.list_terms(UserPoolId=pool.id, NextToken="garbage")
    with refused("ResourceNotFoundException", NO_POOL):
        idp.list_terms(UserPoolId=NO_SUCH_POOL)


def test_a_client_has_one_document_of_each_name_and_takes_them_along(pool, idp, create):
    client_id = pool.make_client()["ClientId"]
    create(ClientId=client_id)
    policy = create(ClientId=client_id, TermsName="privacy-policy")
    with refused("TermsExistsException"):
        create(ClientId=client_id)
    with refused("TermsExistsException"):
        idp.update_terms(
            UserPoolId=pool.id, TermsId=policy["TermsId"], TermsName="terms-of-use"
        )
    create()
    idp.delete_user_pool_client(UserPoolId=pool.id, ClientId=client_id)
    assert len(idp.list_terms(UserPoolId=pool.id)["Terms"]) == 1


def test_a_pool_has_forty_documents(pool, create):
    for _ in range(20):
        client_id = pool.make_client()["ClientId"]
        for name in ("terms-of-use", "privacy-policy"):
            create(ClientId=client_id, TermsName=name)
    with refused("LimitExceededException"):
        create()


def test_documents_that_cannot_be_had(pool, idp, create):
    with refused("InvalidParameterException", "Links are required when TermsSource is LINK."):
        create(Links=None)
    for url in ("example.com", "javascript:alert(1)", "ftp://example.com"):
        with refused("InvalidParameterException", f"{url} is not a valid URL."):
            create(Links={"cognito:default": url})
    for members in (
        {"TermsName": "imprint"},
        {"Links": {"cognito:klingon": "https://example.com"}},
        {"Links": {"cognito:default": "https://example.com/a b"}},
        {"Links": {}},
        {"Enforcement": "ALL"},
    ):
        with refused("InvalidParameterException") as caught:
            create(**members)
        message = caught.value.response["Error"]["Message"]
        assert message.startswith("1 validation error detected: ")
    with refused("ResourceNotFoundException", "User pool client none does not exist."):
        create(ClientId="none")
    with refused("ResourceNotFoundException", NO_POOL):
        create(UserPoolId=NO_SUCH_POOL)
    assert idp.list_terms(UserPoolId=pool.id)["Terms"] == []
