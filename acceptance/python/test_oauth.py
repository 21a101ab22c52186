"""The OAuth endpoints of a user pool domain, asked by a generic client library and in the raw."""

import re
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

from support import claims_of, unique

CALLBACK = "https://app.example.test/cb"
LOGGED_OUT = "https://app.example.test/bye"


@pytest.fixture(autouse=True)
def plain_http(monkeypatch):
    """oauthlib insists on TLS otherwise; the server under test is on this machine."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.fixture
def shop(make_pool, idp):
    """A pool with a domain and a resource server."""
    pool = make_pool()
    pool.prefix = unique("shop")
    idp.create_user_pool_domain(UserPoolId=pool.id, Domain=pool.prefix, ManagedLoginVersion=2)
    scopes = [{"ScopeName": name, "ScopeDescription": name} for name in ("read", "write")]
    idp.create_resource_server(UserPoolId=pool.id, Identifier="orders", Name="o", Scopes=scopes)
    yield pool
    idp.delete_user_pool_domain(UserPoolId=pool.id, Domain=pool.prefix)


@pytest.fixture
def discovered(shop, endpoint):
    answer = requests.get(f"{endpoint}/{shop.id}/.well-known/openid-configuration", timeout=20)
    return answer.json()


@pytest.fixture
def app(shop):
    """A public app client for people."""
    return shop.make_client(
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid", "email", "orders/read"],
        CallbackURLs=[CALLBACK],
        LogoutURLs=[LOGGED_OUT],
        SupportedIdentityProviders=["COGNITO"],
    )["ClientId"]


@pytest.fixture
def machine(shop):
    """An app client that gets tokens for itself."""
    return shop.make_client(
        GenerateSecret=True,
        ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=["orders/read", "orders/write"],
    )


def authorize(discovered, **parameters):
    return requests.get(
        discovered["authorization_endpoint"], params=parameters, allow_redirects=False, timeout=20
    )


def error_of(answer):
    """The errors that a redirect carries to the application."""
    assert answer.status_code == 302, answer.text
    assert answer.headers["location"].startswith(CALLBACK)
    url = urlsplit(answer.headers["location"])
    # Those of the implicit flow come in the fragment.
    return {name: value for name, (value,) in parse_qs(url.query or url.fragment).items()}


# Discovery


def test_the_discovery_document_names_endpoints_that_answer(discovered, shop, endpoint):
    assert discovered["issuer"] == f"{endpoint}/{shop.id}"
    base = f"{endpoint}/{shop.prefix}"
    assert {name: url for name, url in discovered.items() if name.endswith("_endpoint")} == {
        "authorization_endpoint": f"{base}/oauth2/authorize",
        "end_session_endpoint": f"{base}/logout",
        "revocation_endpoint": f"{base}/oauth2/revoke",
        "token_endpoint": f"{base}/oauth2/token",
        "userinfo_endpoint": f"{base}/oauth2/userInfo",
    }
    assert requests.post(discovered["token_endpoint"], timeout=20).json() == {"error": "invalid_request"}


def test_a_domain_is_reached_by_name_too(discovered, shop, endpoint):
    host = f"{shop.prefix}.auth.localhost"
    answer = requests.get(
        f"{endpoint}/.well-known/openid-configuration", headers={"Host": host}, timeout=20
    )
    assert answer.json()["token_endpoint"] == f"http://{host}/oauth2/token"
    answer = requests.post(f"{endpoint}/oauth2/token", headers={"Host": host}, timeout=20)
    assert answer.status_code == 400


# Client credentials


@pytest.mark.parametrize("in_body", [False, True])
def test_a_machine_gets_a_token_that_verifies(discovered, machine, in_body):
    session = OAuth2Session(client=BackendApplicationClient(machine["ClientId"]))
    token = session.fetch_token(
        discovered["token_endpoint"],
        client_id=machine["ClientId"],
        client_secret=machine["ClientSecret"],
        include_client_id=in_body or None,
        scope=["orders/read"],
    )
    assert token["token_type"] == "Bearer" and token["expires_in"] == 3600
    key = jwt.PyJWKClient(discovered["jwks_uri"]).get_signing_key_from_jwt(token["access_token"])
    claims = jwt.decode(
        token["access_token"], key.key, ["RS256"], issuer=discovered["issuer"], options={"verify_iat": False}
    )
    assert claims["scope"] == "orders/read" and claims["version"] == 2
    assert claims["sub"] == claims["client_id"] == machine["ClientId"]


def test_both_secrets_are_good_and_others_are_not(discovered, machine, shop, idp):
    client_id = machine["ClientId"]
    added = idp.add_user_pool_client_secret(UserPoolId=shop.id, ClientId=client_id)
    second = added["ClientSecretDescriptor"]["ClientSecretValue"]
    form = {"grant_type": "client_credentials"}
    for secret, status in [(machine["ClientSecret"], 200), (second, 200), (second + "x", 400)]:
        answer = requests.post(
            discovered["token_endpoint"], data=form, auth=(client_id, secret), timeout=20
        )
        assert answer.status_code == status
        assert "no-store" in answer.headers["cache-control"]
        assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json() == {"error": "invalid_client"}


@pytest.mark.parametrize("scope", ["openid", "orders/delete", "orders/read nosuch"])
def test_a_machine_gets_no_scope_that_is_not_its_own(discovered, machine, scope):
    form = {"grant_type": "client_credentials", "scope": scope}
    auth = (machine["ClientId"], machine["ClientSecret"])
    answer = requests.post(discovered["token_endpoint"], data=form, auth=auth, timeout=20)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_scope"})


# Refresh, revocation, userInfo


def test_a_refresh_token_of_the_api_is_refreshed_and_given_up(discovered, shop):
    username = shop.make_user(email="ada@example.com")
    client_id = shop.client_id
    tokens = shop.sign_in(username)
    session = OAuth2Session(client_id)
    extra = {"client_id": client_id}
    fresh = session.refresh_token(
        discovered["token_endpoint"], refresh_token=tokens["RefreshToken"], **extra
    )
    old, new = claims_of(tokens["AccessToken"]), claims_of(fresh["access_token"])
    assert (old["origin_jti"], old["scope"]) == (new["origin_jti"], new["scope"])
    assert old["jti"] != new["jti"]

    form = {"token": tokens["RefreshToken"], **extra}
    for _ in range(2):
        answer = requests.post(discovered["revocation_endpoint"], data=form, timeout=20)
        assert (answer.status_code, answer.text) == (200, "")
    form = {"grant_type": "refresh_token", "refresh_token": tokens["RefreshToken"], **extra}
    answer = requests.post(discovered["token_endpoint"], data=form, timeout=20)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_grant"})


def test_an_access_token_cannot_be_given_up(discovered, shop):
    username = shop.make_user()
    tokens = shop.sign_in(username)
    form = {"token": tokens["AccessToken"], "client_id": shop.client_id}
    answer = requests.post(discovered["revocation_endpoint"], data=form, timeout=20)
    assert (answer.status_code, answer.json()) == (400, {"error": "unsupported_token_type"})
    form["client_id"] = "nobody"
    answer = requests.post(discovered["revocation_endpoint"], data=form, timeout=20)
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


def test_user_info_wants_a_token_with_openid(discovered, shop):
    username = shop.make_user()
    tokens = shop.sign_in(username)
    url = discovered["userinfo_endpoint"]
    answer = requests.get(
        url, headers={"Authorization": f"Bearer {tokens['AccessToken']}"}, timeout=20
    )
    assert answer.status_code == 401
    assert "does not contain openid scope" in answer.headers["www-authenticate"]
    answer = requests.get(url, timeout=20)
    assert answer.status_code == 400
    assert 'error="invalid_request"' in answer.headers["www-authenticate"]


# Authorize


def test_a_browser_is_sent_to_the_login_page_with_the_same_query(discovered, app):
    parameters = {"client_id": app, "redirect_uri": CALLBACK, "response_type": "code", "state": "a b&c"}
    answer = authorize(discovered, **parameters)
    query = urlsplit(answer.request.url).query
    path = urlsplit(discovered["authorization_endpoint"]).path.replace("/oauth2/authorize", "/login")
    assert (answer.status_code, answer.headers["location"]) == (302, f"{path}?{query}")
    assert "access-control-allow-origin" not in answer.headers


def test_the_application_is_told_what_is_wrong(discovered, app):
    good = {"client_id": app, "redirect_uri": CALLBACK, "response_type": "code", "state": 'x"y+z'}
    for change, error in [
        ({"response_type": "id_token"}, "invalid_request"),
        ({"response_type": "token"}, "unauthorized_client"),
        ({"scope": "phone openid"}, "invalid_scope"),
        ({"code_challenge": "x" * 43, "code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ]:
        assert error_of(authorize(discovered, **{**good, **change})) == {
            "error": error,
            "state": 'x"y+z',
        }


def test_a_stranger_is_sent_nowhere(discovered, app):
    parameters = {"client_id": app, "redirect_uri": "https://evil.test", "response_type": "code"}
    answer = authorize(discovered, **parameters)
    location = answer.headers["location"]
    assert location.endswith(f"/error?error=redirect_mismatch&client_id={app}")
    base = discovered["authorization_endpoint"]
    page = requests.get(requests.compat.urljoin(base, location), timeout=20)
    assert page.status_code == 200
    assert "An error was encountered with the requested page." in page.text
    assert "redirect_mismatch" in page.text


# Logout


def test_a_browser_is_sent_back_after_it_was_signed_out(discovered, app):
    url = discovered["end_session_endpoint"]

    def logout(**parameters):
        return requests.get(url, params=parameters, allow_redirects=False, timeout=20)

    answer = logout(client_id=app, logout_uri=LOGGED_OUT)
    assert (answer.status_code, answer.headers["location"]) == (302, LOGGED_OUT)
    assert re.match(r"cognito=; Path=/shop-\w+; Max-Age=0; HttpOnly", answer.headers["set-cookie"])
    answer = logout(client_id=app, post_logout_redirect_uri=LOGGED_OUT, state="s")
    assert answer.headers["location"] == f"{LOGGED_OUT}?state=s"
    answer = logout(client_id=app, redirect_uri=CALLBACK, response_type="code")
    assert "/login?" in answer.headers["location"]
    answer = logout(client_id=app, logout_uri="https://evil.test")
    assert answer.status_code == 400
    assert "Required String parameter &#39;redirect_uri&#39; is not present" in answer.text


# Registration


def test_applications_register_themselves_where_they_may(shop, endpoint, idp):
    url = f"{endpoint}/{shop.prefix}/oauth2/register"
    metadata = {"redirect_uris": [CALLBACK], "client_name": "mine", "token_endpoint_auth_method": "none"}
    assert requests.post(url, json=metadata, timeout=20).status_code == 404
    idp.update_user_pool(
        UserPoolId=shop.id, DcrConfiguration={"EnableStatus": "Enabled", "OpenDcrEnabled": True}
    )
    answer = requests.post(url, json=metadata, timeout=20)
    assert answer.status_code == 201, answer.text
    client_id = answer.json()["client_id"]
    described = idp.describe_user_pool_client(UserPoolId=shop.id, ClientId=client_id)
    assert described["UserPoolClient"]["ClientType"] == "DCR"
    assert described["UserPoolClient"]["CallbackURLs"] == [CALLBACK]
    answer = requests.post(url, json={"redirect_uris": ["http://evil.test"]}, timeout=20)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri")
