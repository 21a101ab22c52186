"""Identity providers of every type, their documents on other servers, and accounts linked to users."""

import base64
import http.server
import json
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding

from support import as_dict, claims_of, refused, unique

NO_SUCH_POOL = "us-east-1_Nowhere00"
SUBJECT = "Cognito_Subject"

METADATA = """<?xml version="1.0" encoding="UTF-8"?>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example.com/saml">
  <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>
      <X509Certificate>MIIBAA==</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
      Location="https://idp.example.com/sso"/>
  </IDPSSODescriptor>
</EntityDescriptor>"""

OIDC = {
    "client_id": "app",
    "client_secret": "hush",
    "authorize_scopes": "openid email",
    "attributes_request_method": "GET",
    "oidc_issuer": "https://idp.example.com",
    "authorize_url": "https://idp.example.com/authorize",
    "token_url": "https://idp.example.com/token",
    "attributes_url": "https://idp.example.com/userinfo",
    "jwks_uri": "https://idp.example.com/jwks",
}
SOCIAL = {"client_id": "app", "client_secret": "hush", "authorize_scopes": "email"}
APPLE = {
    "client_id": "app",
    "team_id": "t",
    "key_id": "k",
    "private_key": "hush",
    "authorize_scopes": "email name",
}


@pytest.fixture(scope="module")
def provider_site():
    """A web server on this machine: `documents` by path, and its address."""
    documents = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            document = documents.get(self.path)
            self.send_response(200 if document else 404)
            self.end_headers()
            self.wfile.write((document or "").encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.documents = documents
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()


def make(pool, name, kind="OIDC", details=None, **settings):
    made = pool.idp.create_identity_provider(
        UserPoolId=pool.id,
        ProviderName=name,
        ProviderType=kind,
        ProviderDetails=details or OIDC,
        **settings,
    )["IdentityProvider"]
    shown = describe(pool, name)
    assert made == shown_after(shown, settings)
    return shown


def shown_after(shown, settings):
    """What an operation that stores a provider answers: identifiers only if it named some."""
    if "IdpIdentifiers" in settings:
        return shown
    return {name: value for name, value in shown.items() if name != "IdpIdentifiers"}


def describe(pool, name):
    answer = pool.idp.describe_identity_provider(UserPoolId=pool.id, ProviderName=name)
    return answer["IdentityProvider"]


def update(pool, name, **settings):
    changed = pool.idp.update_identity_provider(
        UserPoolId=pool.id, ProviderName=name, **settings
    )["IdentityProvider"]
    shown = describe(pool, name)
    assert changed == shown_after(shown, settings)
    return shown


def account_of(provider, value, attribute=SUBJECT):
    return {
        "ProviderName": provider,
        "ProviderAttributeName": attribute,
        "ProviderAttributeValue": value,
    }


def link(pool, username, source):
    pool.idp.admin_link_provider_for_user(
        UserPoolId=pool.id, DestinationUser=account_of("Cognito", username), SourceUser=source
    )


def disable(pool, account):
    pool.idp.admin_disable_provider_for_user(UserPoolId=pool.id, User=account)


def identities_of(pool, username):
    found = pool.user_attributes(username).get("identities")
    return json.loads(found) if found else []


# Making


def test_an_openid_provider_is_shown_as_it_was_made(pool):
    made = make(
        pool, "Corp", AttributeMapping={"email": "mail"}, IdpIdentifiers=["example.com"]
    )
    assert made["ProviderDetails"] == {**OIDC, "attributes_url_add_attributes": "false"}
    assert made["AttributeMapping"] == {"email": "mail", "username": "sub"}
    assert made["IdpIdentifiers"] == ["example.com"]
    assert (made["UserPoolId"], made["ProviderType"]) == (pool.id, "OIDC")
    assert made["CreationDate"] == made["LastModifiedDate"]


def test_endpoints_are_discovered(pool, provider_site):
    found = {
        "authorization_endpoint": "https://idp.example.com/a",
        "token_endpoint": "https://idp.example.com/t",
        "userinfo_endpoint": "https://idp.example.com/u",
        "jwks_uri": "https://idp.example.com/j",
    }
    provider_site.documents["/one/.well-known/openid-configuration"] = json.dumps(found)
    given = {key: value for key, value in OIDC.items() if not key.endswith(("_url", "_uri"))}
    made = make(pool, "Corp", details={**given, "oidc_issuer": provider_site.url + "/one"})
    assert made["ProviderDetails"] == {
        **given,
        "oidc_issuer": provider_site.url + "/one",
        "authorize_url": "https://idp.example.com/a",
        "token_url": "https://idp.example.com/t",
        "attributes_url": "https://idp.example.com/u",
        "jwks_uri": "https://idp.example.com/j",
        "attributes_url_add_attributes": "false",
    }
    with refused("InvalidParameterException", "Unable to contact well-known endpoint"):
        make(pool, "Other", details={**given, "oidc_issuer": provider_site.url + "/two"})


@pytest.mark.parametrize(
    ("name", "claim"), [("Google", "sub"), ("Facebook", "id"), ("LoginWithAmazon", "user_id")]
)
def test_social_networks_are_completed(pool, name, claim):
    made = make(pool, name, name, SOCIAL)
    assert made["AttributeMapping"] == {"username": claim}
    details = made["ProviderDetails"]
    assert SOCIAL.items() <= details.items()
    assert {"authorize_url", "token_url", "attributes_url", "token_request_method"} <= set(details)


def test_apple_keeps_its_private_key_to_itself(pool):
    made = make(pool, "SignInWithApple", "SignInWithApple", APPLE)
    assert "private_key" not in made["ProviderDetails"]
    # So that what was shown can be sent back.
    again = update(pool, "SignInWithApple", ProviderDetails=made["ProviderDetails"])
    assert again["ProviderDetails"] == made["ProviderDetails"]


def test_saml_metadata_comes_with_the_request_or_from_its_address(pool, provider_site):
    provider_site.documents["/metadata"] = METADATA
    url = provider_site.url + "/metadata"
    for name, source in (("File", {"MetadataFile": METADATA}), ("Address", {"MetadataURL": url})):
        made = make(pool, name, "SAML", source)
        assert made["ProviderDetails"] == {
            **source,
            "IDPSignout": "false",
            "SSORedirectBindingURI": "https://idp.example.com/sso",
        }
    with refused("InvalidParameterException", f"Error retrieving metadata from {url}x"):
        make(pool, "Missing", "SAML", {"MetadataURL": url + "x"})


def test_encrypted_responses_have_a_certificate(pool):
    details = {"MetadataFile": METADATA, "EncryptedResponses": "true"}
    made = make(pool, "Corp", "SAML", details)["ProviderDetails"]
    der = base64.b64decode(made["ActiveEncryptionCertificate"])
    assert x509.load_der_x509_certificate(der).public_key().key_size == 2048


def test_details_that_are_missing_or_wrong_are_refused(pool):
    def without(details, key):
        return {name: value for name, value in details.items() if name != key}

    oidc = (
        "clientId, authorizeScopes, oidcIssuer and attributesRequestMethod are all required idp "
        "details."
    )
    social = "clientId, clientSecret and authorizeScopes are all required idp details."
    apple = "clientId, privateKey, teamId, and keyId are all required idp details."
    none = "At least one of the MetadataURL or MetadataFile should be provided."
    both = "Only one of the MetadataURL or MetadataFile should be provided."
    insecure = "OIDC endpoint must start with https://"
    for name, kind, details, message in (
        ("Corp", "OIDC", without(OIDC, "client_id"), oidc),
        ("Corp", "OIDC", without(OIDC, "oidc_issuer"), oidc),
        ("Corp", "OIDC", {**OIDC, "oidc_issuer": "http://idp.example.com"}, insecure),
        ("Google", "Google", without(SOCIAL, "client_secret"), social),
        ("SignInWithApple", "SignInWithApple", without(APPLE, "private_key"), apple),
        ("Corp", "SAML", {"IDPSignout": "true"}, none),
        ("Corp", "SAML", {"MetadataURL": "https://x", "MetadataFile": METADATA}, both),
        ("Corp", "Google", SOCIAL, "Provider Corp cannot be of type Google."),
    ):
        with refused("InvalidParameterException", message):
            make(pool, name, kind, details)
    message = (
        "1 validation error detected: Value 'PUT' at "
        "'providerConfiguration.oidcConfig.attributesRequestMethod' failed to satisfy constraint: Member "
        "must satisfy enum value set: [POST, GET]"
    )
    with refused("InvalidParameterException", message):
        make(pool, "Corp", details={**OIDC, "attributes_request_method": "PUT"})
    with refused("InvalidParameterException"):
        make(pool, "Corp", "SAML", {"MetadataFile": "<a/>"})
    assert pool.idp.list_identity_providers(UserPoolId=pool.id)["Providers"] == []


def test_names_and_identifiers_are_taken_once(pool):
    make(pool, "Corp", IdpIdentifiers=["example.com"])
    with refused("DuplicateProviderException", f"Corp already exists for tenant {pool.id}."):
        make(pool, "Corp", "SAML", {"MetadataFile": METADATA})
    with refused("InvalidParameterException"):
        make(pool, "Other", IdpIdentifiers=["example.com"])
    with refused("InvalidParameterException"):
        make(pool, "_under")
    with refused("InvalidParameterException"):
        make(pool, "Other", AttributeMapping={"custom:nothing": "x"})


# Reading, changing, listing, deleting


def test_an_update_replaces_what_it_names_and_keeps_the_rest(pool):
    made = make(pool, "Corp", AttributeMapping={"email": "a", "name": "b"}, IdpIdentifiers=["x"])
    changed = update(pool, "Corp", AttributeMapping={"email": "c"})
    assert changed["AttributeMapping"] == {"email": "c", "username": "sub"}
    assert changed["ProviderDetails"] == made["ProviderDetails"]
    assert changed["IdpIdentifiers"] == ["x"]
    changed = update(pool, "Corp", IdpIdentifiers=["y"], ProviderDetails={**OIDC, "client_id": "z"})
    assert changed["ProviderDetails"]["client_id"] == "z"
    assert changed["AttributeMapping"] == {"email": "c", "username": "sub"}
    found = pool.idp.get_identity_provider_by_identifier(UserPoolId=pool.id, IdpIdentifier="y")
    assert found["IdentityProvider"] == changed
    with refused("ResourceNotFoundException"):
        pool.idp.get_identity_provider_by_identifier(UserPoolId=pool.id, IdpIdentifier="x")
    with refused("InvalidParameterException"):
        update(pool, "Corp", ProviderDetails={"client_id": "only"})
    assert describe(pool, "Corp") == changed


def test_an_empty_mapping_leaves_none(pool):
    make(pool, "Corp", AttributeMapping={"email": "a"})
    assert update(pool, "Corp", AttributeMapping={})["AttributeMapping"] == {}


def test_pages_hold_every_provider_once(pool):
    names = [f"corp{number}" for number in range(5)]
    for name in names:
        make(pool, name)
    pages = pool.idp.get_paginator("list_identity_providers")
    pages = list(pages.paginate(UserPoolId=pool.id, PaginationConfig={"PageSize": 2}))
    assert [len(page["Providers"]) for page in pages] == [2, 2, 1]
    items = [item for page in pages for item in page["Providers"]]
    assert [item["ProviderName"] for item in items] == names
    assert set(items[0]) == {"ProviderName", "ProviderType", "CreationDate", "LastModifiedDate"}
    with refused("InvalidParameterException", "Invalid pagination token given."):
        pool.idp.list_identity_providers(UserPoolId=pool.id, NextToken="garbage")


def test_a_deleted_provider_is_gone(pool):
    make(pool, "Corp", IdpIdentifiers=["x"])
    pool.idp.delete_identity_provider(UserPoolId=pool.id, ProviderName="Corp")
    changed, read = f"in User Pool {pool.id}", f"for tenantId {pool.id}"
    for operation, place in (("delete", changed), ("describe", read), ("update", changed)):
        call = getattr(pool.idp, operation + "_identity_provider")
        with refused(
            "ResourceNotFoundException", f"Identity provider Corp {place} does not exist."
        ):
            call(UserPoolId=pool.id, ProviderName="Corp")
    make(pool, "Corp", IdpIdentifiers=["x"])


def test_an_unknown_pool_is_not_found(idp):
    missing = f"User pool {NO_SUCH_POOL} does not exist."
    one = {"UserPoolId": NO_SUCH_POOL, "ProviderName": "Corp"}
    user = account_of("Cognito", "jo")
    for call, arguments in (
        (idp.describe_identity_provider, one),
        (idp.update_identity_provider, one),
        (idp.delete_identity_provider, one),
        (idp.create_identity_provider, {**one, "ProviderType": "OIDC", "ProviderDetails": OIDC}),
        (idp.list_identity_providers, {"UserPoolId": NO_SUCH_POOL}),
        (idp.get_signing_certificate, {"UserPoolId": NO_SUCH_POOL}),
        (
            idp.get_identity_provider_by_identifier,
            {"UserPoolId": NO_SUCH_POOL, "IdpIdentifier": "x"},
        ),
        (
            idp.admin_link_provider_for_user,
            {"UserPoolId": NO_SUCH_POOL, "DestinationUser": user, "SourceUser": user},
        ),
        (idp.admin_disable_provider_for_user, {"UserPoolId": NO_SUCH_POOL, "User": user}),
    ):
        with refused("ResourceNotFoundException", missing):
            call(**arguments)


def test_app_clients_name_providers_that_are_there(pool):
    make(pool, "Corp")
    made = pool.idp.create_user_pool_client(
        UserPoolId=pool.id,
        ClientName=unique("client"),
        SupportedIdentityProviders=["COGNITO", "Corp"],
    )["UserPoolClient"]
    assert sorted(made["SupportedIdentityProviders"]) == ["COGNITO", "Corp"]
    message = f"The provider Google does not exist for User Pool {pool.id}."
    with refused("InvalidParameterException", message):
        pool.idp.update_user_pool_client(
            UserPoolId=pool.id,
            ClientId=made["ClientId"],
            SupportedIdentityProviders=["Google"],
        )


def test_the_signing_certificate_is_a_real_one(pool):
    answer = pool.idp.get_signing_certificate(UserPoolId=pool.id)
    certificate = x509.load_der_x509_certificate(base64.b64decode(answer["Certificate"]))
    key = certificate.public_key()
    assert key.key_size == 2048
    key.verify(
        certificate.signature,
        certificate.tbs_certificate_bytes,
        padding.PKCS1v15(),
        certificate.signature_hash_algorithm,
    )
    validity = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert 3_650 <= validity.days <= 3_653
    assert certificate.subject == certificate.issuer
    again = pool.idp.get_signing_certificate(UserPoolId=pool.id)
    assert again["Certificate"] == answer["Certificate"]


# Links


def test_a_linked_account_is_shown_with_its_user(pool):
    make(pool, "Google", "Google", SOCIAL)
    user = pool.make_user()
    link(pool, user, account_of("Google", "g-1"))
    (shown,) = identities_of(pool, user)
    assert shown.pop("dateCreated") > 1_600_000_000_000
    assert shown == {
        "userId": "g-1",
        "providerName": "Google",
        "providerType": "Google",
        "issuer": None,
        "primary": False,
    }
    listed = pool.idp.list_users(UserPoolId=pool.id, AttributesToGet=["identities"])["Users"]
    assert json.loads(as_dict(listed[0]["Attributes"])["identities"])[0]["userId"] == "g-1"


def test_tokens_and_users_tell_of_linked_accounts(pool):
    make(pool, "Google", "Google", SOCIAL)
    user = pool.make_user()
    link(pool, user, account_of("Google", "g-1"))
    tokens = pool.sign_in(user)
    (claim,) = claims_of(tokens["IdToken"])["identities"]
    assert (claim["userId"], claim["primary"], claim["issuer"]) == ("g-1", "false", None)
    assert claim["dateCreated"].isdigit()
    assert "identities" not in claims_of(tokens["AccessToken"])
    own = pool.idp.get_user(AccessToken=tokens["AccessToken"])
    assert json.loads(as_dict(own["UserAttributes"])["identities"])[0]["userId"] == "g-1"


def test_links_are_refused_where_they_make_no_sense(pool):
    make(pool, "Google", "Google", SOCIAL)
    make(pool, "Corp", AttributeMapping={"email": "mail"})
    jo, ann = pool.make_new_user(), pool.make_new_user()
    native = (
        "Invalid SourceUser: Cognito users with a username/password may not be passed in as a "
        "SourceUser, only as a DestinationUser"
    )
    with refused("InvalidParameterException", native):
        link(pool, jo, account_of("Cognito", ann))
    with refused("InvalidParameterException"):
        link(pool, jo, account_of("Google", "g@x", "email"))
    with refused("InvalidParameterException"):
        link(pool, jo, account_of("Corp", "c", "name"))
    with refused("ResourceNotFoundException", "Identity provider Facebook does not exist."):
        link(pool, jo, account_of("Facebook", "f"))
    with refused("UserNotFoundException", "User does not exist."):
        link(pool, "nobody", account_of("Google", "g-1"))
    assert identities_of(pool, jo) == []
    link(pool, jo, account_of("Corp", "jo@x", "email"))
    already = "SourceUser is already linked to DestinationUser"
    with refused("InvalidParameterException", already):
        link(pool, jo, account_of("Corp", "jo@x", "email"))
    with refused("AliasExistsException"):
        link(pool, ann, account_of("Corp", "jo@x", "email"))
    for number in range(4):
        link(pool, jo, account_of("Google", f"g-{number}"))
    with refused("LimitExceededException"):
        link(pool, jo, account_of("Google", "g-5"))
    assert len(identities_of(pool, jo)) == 5


def test_an_unlinked_account_is_free_again(pool):
    make(pool, "Google", "Google", SOCIAL)
    jo, ann = pool.make_new_user(), pool.make_new_user()
    google = account_of("Google", "g-1")
    link(pool, jo, google)
    disable(pool, google)
    assert identities_of(pool, jo) == []
    with refused("UserNotFoundException", "User does not exist."):
        disable(pool, google)
    link(pool, ann, google)
    pool.idp.admin_delete_user(UserPoolId=pool.id, Username=ann)
    link(pool, jo, google)
    with refused("InvalidParameterException"):
        disable(pool, account_of("Google", "g-1", "email"))
    with refused("ResourceNotFoundException", "Identity provider Facebook does not exist."):
        disable(pool, account_of("Facebook", "g-1"))


def test_a_user_of_the_own_directory_loses_the_password(pool):
    user = pool.make_user()
    pool.sign_in(user)
    disable(pool, account_of("Cognito", user))
    assert pool.user(user)["UserStatus"] == "EXTERNAL_PROVIDER"
    with refused("NotAuthorizedException"):
        pool.sign_in(user)
