"""Authlib as an application, with a browser that knows no JavaScript: cookies, links and forms."""

from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
from authlib.common.security import generate_token
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from function_server import respond
from support import OTHER_PASSWORD, PASSWORD, claims_of, unique, unique_email

CALLBACK = "https://app.example.test/cb"
SECRET = "a_secret_of_thirty_characters1"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
TOKEN_TYPE = "urn:ietf:params:oauth:token-type:"


@pytest.fixture(autouse=True)
def plain_http(monkeypatch):
    """Authlib insists on TLS otherwise; the server under test is on this machine."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


class Page(HTMLParser):
    """The forms and links of a page; the first button of each form is pressed, which has no name."""

    def __init__(self, answer):
        super().__init__()
        self.url = answer.url
        self.forms = []
        self.links = {}
        self._link = None
        self.feed(answer.text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append({"action": urljoin(self.url, attributes.get("action") or ""), "fields": {}})
        elif tag == "input" and "name" in attributes and self.forms:
            self.forms[-1]["fields"].setdefault(attributes["name"], attributes.get("value") or "")
        elif tag == "a":
            self._link = urljoin(self.url, attributes.get("href") or "")

    def handle_endtag(self, tag):
        if tag == "a":
            self._link = None

    def handle_data(self, text):
        if self._link:
            self.links[text.strip()] = self._link

    def form_with(self, name):
        """The one form that has this field."""
        (form,) = [form for form in self.forms if name in form["fields"]]
        return form


class Browser:
    """Follows redirects until they lead to the application."""

    def __init__(self):
        self.session = requests.Session()

    def go(self, method, url, **request):
        """A page, or the address of the application to which the browser was sent."""
        answer = self.session.request(method, url, allow_redirects=False, timeout=20, **request)
        if answer.status_code in (302, 303):
            location = urljoin(answer.url, answer.headers["location"])
            return location if location.startswith(CALLBACK) else self.go("GET", location)
        assert answer.status_code == 200, answer.text
        return Page(answer)

    def open(self, url):
        return self.go("GET", url)

    def submit(self, page, **fields):
        form = page.form_with(next(iter(fields)))
        assert fields.keys() <= form["fields"].keys()
        return self.go("POST", form["action"], data={**form["fields"], **fields})


@pytest.fixture
def shop(make_pool, idp):
    """A pool with a domain, a resource server and a user."""
    pool = make_pool(AutoVerifiedAttributes=["email"])
    pool.prefix = unique("shop")
    idp.create_user_pool_domain(UserPoolId=pool.id, Domain=pool.prefix, ManagedLoginVersion=2)
    scopes = [{"ScopeName": name, "ScopeDescription": name} for name in ("read", "write")]
    idp.create_resource_server(UserPoolId=pool.id, Identifier="orders", Name="o", Scopes=scopes)
    yield pool
    idp.delete_user_pool_domain(UserPoolId=pool.id, Domain=pool.prefix)


@pytest.fixture
def server(shop, endpoint):
    """What discovery tells."""
    return requests.get(f"{endpoint}/{shop.id}/.well-known/openid-configuration", timeout=20).json()


@pytest.fixture
def make_app(shop, idp):
    """Makes app clients for people, with the style that managed login asks for."""

    def make(**settings):
        app = shop.make_client(
            ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"],
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["code"],
            AllowedOAuthScopes=["openid", "email", "orders/read"],
            CallbackURLs=[CALLBACK],
            SupportedIdentityProviders=["COGNITO"],
            **settings,
        )
        idp.create_managed_login_branding(
            UserPoolId=shop.id, ClientId=app["ClientId"], UseCognitoProvidedValues=True
        )
        return app

    return make


def session_of(app, **settings):
    method = "client_secret_basic" if "ClientSecret" in app else "none"
    return OAuth2Session(
        app["ClientId"],
        app.get("ClientSecret"),
        redirect_uri=CALLBACK,
        scope=settings.pop("scope", "openid email orders/read"),
        code_challenge_method="S256",
        token_endpoint_auth_method=settings.pop("method", method),
        **settings,
    )


def ask(session, server, **parameters):
    """Address of a request for a code, and what its answer is exchanged with."""
    secrets = {"code_verifier": generate_token(48), "nonce": generate_token(20)}
    url, state = session.create_authorization_url(
        server["authorization_endpoint"], **secrets, **parameters
    )
    return url, {"state": state, **secrets}


def exchange(session, server, location, secrets):
    return session.fetch_token(
        server["token_endpoint"],
        authorization_response=location,
        code_verifier=secrets["code_verifier"],
        state=secrets["state"],
    )


def verified(server, app, tokens, nonce):
    """The claims of the ID token, checked as OpenID Connect says, `nonce` and `at_hash` included."""
    keys = KeySet.import_key_set(requests.get(server["jwks_uri"], timeout=20).json())
    decoded = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"])
    options = {
        "iss": {"essential": True, "value": server["issuer"]},
        "aud": {"essential": True, "value": app["ClientId"]},
    }
    parameters = {"nonce": nonce, "access_token": tokens["access_token"], "client_id": app["ClientId"]}
    claims = CodeIDToken(decoded.claims, decoded.header, options, parameters)
    assert claims["at_hash"]
    # The tests that move the server's clock run last, and it may be moved already.
    claims.validate(leeway=10 * 365 * 86_400)
    return claims


@pytest.mark.parametrize("secret", [None, SECRET])
def test_the_code_flow_works_without_javascript(shop, server, make_app, secret):
    app = make_app(**({"ClientSecret": secret} if secret else {}))
    email = unique_email()
    username = shop.make_user(email=email)
    session, browser = session_of(app), Browser()
    url, secrets = ask(session, server)

    page = browser.open(url)
    page = browser.submit(page, username=username, password=OTHER_PASSWORD)
    location = browser.submit(page, username=username, password=PASSWORD)
    tokens = exchange(session, server, location, secrets)
    assert tokens["token_type"] == "Bearer" and tokens["expires_in"] == 3600
    claims = verified(server, app, tokens, secrets["nonce"])
    assert (claims["email"], claims["cognito:username"]) == (email, username)
    about = session.get(server["userinfo_endpoint"], timeout=20).json()
    assert about == {
        "sub": claims["sub"],
        "username": username,
        "email": email,
        "email_verified": "true",
    }

    # The browser is signed in now: no page is shown.
    again, secrets = ask(session, server)
    location = browser.open(again)
    resumed = exchange(session, server, location, secrets)
    assert claims_of(resumed["id_token"])["auth_time"] == claims["auth_time"]

    fresh = session.refresh_token(server["token_endpoint"], tokens["refresh_token"])
    assert claims_of(fresh["id_token"])["sub"] == claims["sub"]
    revoked = session.revoke_token(
        server["revocation_endpoint"], tokens["refresh_token"], token_type_hint="refresh_token"
    )
    assert (revoked.status_code, revoked.text) == (200, "")
    with pytest.raises(AuthlibBaseError, match="invalid_grant"):
        session.refresh_token(server["token_endpoint"], tokens["refresh_token"])


def test_an_account_is_made_and_confirmed_without_javascript(shop, server, make_app, inbox):
    app = make_app()
    username, email = unique("new"), unique_email()
    session, browser = session_of(app), Browser()
    url, secrets = ask(session, server)
    page = browser.open(url)
    (link,) = [url for url in page.links.values() if "/signup?" in url]
    account = {"username": username, "password": PASSWORD, "requiredAttributes[email]": email}
    page = browser.submit(browser.open(link), **account)
    code = inbox.code(shop, destination=email)
    location = browser.submit(page, code=code)
    tokens = exchange(session, server, location, secrets)
    assert verified(server, app, tokens, secrets["nonce"])["email"] == email


def test_the_library_tells_why_there_are_no_tokens(shop, server, make_app):
    app = make_app()
    username = shop.make_user()
    session, browser = session_of(app), Browser()
    url, secrets = ask(session, server)
    location = browser.submit(browser.open(url), username=username, password=PASSWORD)
    for wrong, error in [
        ({"code_verifier": generate_token(48)}, "invalid_grant"),
        ({"redirect_uri": CALLBACK + "/"}, "unauthorized_client"),
    ]:
        with pytest.raises(AuthlibBaseError) as caught:
            session.fetch_token(
                server["token_endpoint"],
                code=parse_qs(urlsplit(location).query)["code"][0],
                **{"code_verifier": secrets["code_verifier"], **wrong},
            )
        assert caught.value.error == error
    with pytest.raises(AuthlibBaseError) as caught:
        exchange(session, server, location, {**secrets, "state": "another"})
    assert caught.value.error == "mismatching_state"
    url, secrets = ask(session, server, prompt="none")
    location = Browser().open(url)
    assert parse_qs(urlsplit(location).query) == {
        "error": ["login_required"],
        "state": [secrets["state"]],
    }


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_machine_gets_a_token(shop, server, method):
    machine = shop.make_client(
        ClientSecret=SECRET,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=["orders/read", "orders/write"],
    )
    session = session_of(machine, method=method, scope="orders/read")
    tokens = session.fetch_token(server["token_endpoint"], grant_type="client_credentials")
    claims = claims_of(tokens["access_token"])
    assert (claims["sub"], claims["scope"]) == (machine["ClientId"], "orders/read")
    session = session_of(machine, method=method, scope="orders/delete")
    with pytest.raises(AuthlibBaseError, match="invalid_scope"):
        session.fetch_token(server["token_endpoint"], grant_type="client_credentials")


def test_what_a_machine_sends_for_it_reaches_the_function(shop, server, functions, idp):
    function = functions.make(respond(claimsAndScopeOverrideDetails=None))
    config = {"LambdaVersion": "V3_0", "LambdaArn": function.arn}
    idp.update_user_pool(UserPoolId=shop.id, LambdaConfig={"PreTokenGenerationConfig": config})
    machine = shop.make_client(
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=["orders/read"],
    )
    session_of(machine, scope="orders/read").fetch_token(
        server["token_endpoint"],
        grant_type="client_credentials",
        aws_client_metadata='{"order": "7 & 8"}',
    )
    (event,) = function.events
    assert event["triggerSource"] == "TokenGeneration_ClientCredentials"
    assert event["request"]["clientMetadata"] == {"order": "7 & 8"}


def test_a_service_exchanges_a_users_token(shop, server, make_app):
    app = make_app()
    email = unique_email()
    username = shop.make_user(email=email, name="Ada")
    browser, session = Browser(), session_of(app)
    url, secrets = ask(session, server)
    location = browser.submit(browser.open(url), username=username, password=PASSWORD)
    tokens = exchange(session, server, location, secrets)

    service = shop.make_client(
        ClientSecret=SECRET,
        ExplicitAuthFlows=["ALLOW_TOKEN_EXCHANGE_IMPERSONATION"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=["orders/read"],
    )
    session = session_of(service, scope=None)

    def derived(kind, **parameters):
        return session.fetch_token(
            server["token_endpoint"],
            grant_type=TOKEN_EXCHANGE,
            subject_token=tokens[kind],
            subject_token_type=TOKEN_TYPE + kind,
            **parameters,
        )

    answer = derived("access_token", scope="orders/read", audience="https://billing.example.test")
    assert (answer["issued_token_type"], answer["scope"]) == (TOKEN_TYPE + "access_token", "orders/read")
    claims = claims_of(answer["access_token"])
    assert (claims["username"], claims["scope"]) == (username, "orders/read")
    assert (claims["aud"], claims["client_id"]) == ("https://billing.example.test", service["ClientId"])
    for kind in ("id_token", "access_token"):
        answer = derived(kind, requested_token_type=TOKEN_TYPE + "id_token")
        claims = claims_of(answer["access_token"])
        # The name is nothing that `openid email` lets be seen.
        assert (claims["email"], claims["aud"], "name" in claims) == (email, service["ClientId"], False)
    with pytest.raises(AuthlibBaseError, match="invalid_scope"):
        derived("access_token", scope="orders/write")
