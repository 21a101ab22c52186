"""The OAuth endpoints and the login pages over the wire, as attackers and careless clients use them.

What is told case by case is tested in `crates/web`; here it passes a real parser of HTTP, real
headers and hosts.
"""

import base64
import hashlib
import html
import http.client
import re
import secrets
import uuid
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
import requests

from support import PASSWORD, claims_of, unique

CALLBACK = "https://app.example.test/cb"
LOGGED_OUT = "https://app.example.test/bye"
NO_STORE = "no-cache, no-store, max-age=0, must-revalidate"
GENERATIONS = [(1, "_csrf"), (2, "csrf")]
PAGES = ["/login", "/signup", "/confirm", "/forgotPassword", "/confirmforgotPassword"]


class Shop:
    """A pool with a domain, a client for people, and a user."""

    def __init__(self, pool, idp, endpoint, generation):
        self.pool, self.endpoint, self.prefix = pool, endpoint, unique("proto")
        idp.create_user_pool_domain(
            UserPoolId=pool.id, Domain=self.prefix, ManagedLoginVersion=generation
        )
        self.base = f"{endpoint}/{self.prefix}"
        self.app = pool.make_client(
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["code", "implicit"],
            AllowedOAuthScopes=["openid", "email"],
            CallbackURLs=[CALLBACK],
            LogoutURLs=[LOGGED_OUT],
            SupportedIdentityProviders=["COGNITO"],
        )["ClientId"]
        if generation == 2:
            idp.create_managed_login_branding(
                UserPoolId=pool.id, ClientId=self.app, UseCognitoProvidedValues=True
            )
        self.username = pool.make_user(email="ada@example.com")

    def query(self, **more):
        asked = {"response_type": "code", "client_id": self.app, "redirect_uri": CALLBACK}
        return urlencode({**asked, **more})


@pytest.fixture
def make_shop(make_pool, idp, endpoint):
    made = []

    def make(generation=2):
        made.append(Shop(make_pool(), idp, endpoint, generation))
        return made[-1]

    yield make
    for shop in made:
        idp.delete_user_pool_domain(UserPoolId=shop.pool.id, Domain=shop.prefix)


@pytest.fixture
def shop(make_shop):
    return make_shop()


def get(url, **kwargs):
    return requests.get(url, allow_redirects=False, timeout=20, **kwargs)


def post(url, data=None, **kwargs):
    return requests.post(url, data=data, allow_redirects=False, timeout=20, **kwargs)


def raw(endpoint, method, path, headers, body=b""):
    """One request with exactly these headers, repeated ones included."""
    url = urlsplit(endpoint)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    if body:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer, text


def token_of(page):
    name = r'name="(?:_csrf|csrf)" value="([^"]+)"'
    return html.unescape(re.search(name, page.text).group(1))


def sign_in(shop, session, query, field="csrf"):
    """Signs the user in at the page; the answer to the form."""
    url = f"{shop.base}/login?{query}"
    form = {field: token_of(session.get(url, timeout=20)), "username": shop.username}
    form["password"] = PASSWORD
    return session.post(url, data=form, allow_redirects=False, timeout=20)


def is_private(answer):
    """Not for pages of other origins, not to be kept, not to be framed."""
    headers = answer.headers
    assert "access-control-allow-origin" not in headers
    assert "no-store" in headers["cache-control"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert uuid.UUID(headers["x-amz-cognito-request-id"])
    if headers.get("content-type", "").startswith("text/html"):
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
    return True


# From the first request to the last token


@pytest.mark.parametrize("generation,field", GENERATIONS)
def test_a_whole_sign_in_with_every_check_of_a_careful_client(make_shop, generation, field):
    shop = make_shop(generation)
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    query = shop.query(
        scope="openid email", state="a b+c/\u00e4", nonce="n-1", code_challenge=challenge,
        code_challenge_method="S256",
    )
    browser = requests.Session()
    answer = browser.get(f"{shop.base}/oauth2/authorize?{query}", allow_redirects=False, timeout=20)
    assert (answer.status_code, answer.headers["location"]) == (302, f"/{shop.prefix}/login?{query}")
    assert is_private(answer)
    answer = sign_in(shop, browser, query, field)
    assert answer.status_code == 302 and is_private(answer)
    location = urlsplit(answer.headers["location"])
    assert answer.headers["location"].startswith(f"{CALLBACK}?code=")
    assert list(parse_qs(location.query)) == ["code", "state"]
    assert parse_qs(location.query)["state"] == ["a b+c/\u00e4"]
    raw_state = re.search("state=[^&]+", query).group()
    assert location.query.endswith(raw_state), "to the letter"

    form = {
        "grant_type": "authorization_code", "client_id": shop.app, "redirect_uri": CALLBACK,
        "code": parse_qs(location.query)["code"][0],
    }
    at = f"{shop.base}/oauth2/token"
    assert post(at, form).json() == {"error": "invalid_grant"}
    wrong = {**form, "code_verifier": verifier[:-1] + "!"}
    assert post(at, wrong).json() == {"error": "invalid_grant"}
    answer = post(at, {**form, "code_verifier": verifier})
    tokens = answer.json()
    assert sorted(tokens) == ["access_token", "expires_in", "id_token", "refresh_token", "token_type"]
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"
    assert answer.headers["cache-control"] == NO_STORE and answer.headers["pragma"] == "no-cache"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert post(at, {**form, "code_verifier": verifier}).json() == {"error": "invalid_grant"}

    discovered = get(f"{shop.endpoint}/{shop.pool.id}/.well-known/openid-configuration").json()
    key = jwt.PyJWKClient(discovered["jwks_uri"]).get_signing_key_from_jwt(tokens["id_token"])
    claims = jwt.decode(
        tokens["id_token"], key.key, ["RS256"], audience=shop.app, issuer=discovered["issuer"],
        options={"verify_iat": False, "verify_exp": False},
    )
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).decode().rstrip("=")
    assert (claims["nonce"], claims["email_verified"], claims["token_use"]) == ("n-1", True, "id")

    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    info = get(f"{shop.base}/oauth2/userInfo", headers=bearer)
    assert info.json() == {
        "sub": claims["sub"], "username": shop.username, "email": "ada@example.com",
        "email_verified": "true",
    }
    assert info.headers["access-control-allow-origin"] == "*"
    # The browser is signed in; a machine that has none of its cookies is not.
    silent = f"{shop.base}/oauth2/authorize?{shop.query(prompt='none')}"
    answer = browser.get(silent, allow_redirects=False, timeout=20)
    assert answer.headers["location"].startswith(f"{CALLBACK}?code=")
    # The classic pages know no `prompt`.
    refused = f"{CALLBACK}?error=login_required"
    page = f"/{shop.prefix}/login?{shop.query(prompt='none')}"
    assert get(silent).headers["location"] == (refused if generation == 2 else page)

    form = {"token": tokens["refresh_token"], "client_id": shop.app}
    answer = post(f"{shop.base}/oauth2/revoke", form)
    assert (answer.status_code, answer.text) == (200, "")
    assert get(f"{shop.base}/oauth2/userInfo", headers=bearer).status_code == 401
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": shop.app}
    assert post(at, form).json() == {"error": "invalid_grant"}


def test_the_session_ends_with_logout_and_with_the_user_and_not_with_the_tokens(shop, idp):
    browser = requests.Session()
    query = shop.query(scope="openid")
    url = sign_in(shop, browser, query).headers["location"]
    silent = f"{shop.base}/oauth2/authorize?{shop.query(prompt='none')}"

    def is_signed_in():
        answer = browser.get(silent, allow_redirects=False, timeout=20)
        return answer.headers["location"].startswith(f"{CALLBACK}?code=")

    idp.admin_user_global_sign_out(UserPoolId=shop.pool.id, Username=shop.username)
    assert is_signed_in()
    code = parse_qs(urlsplit(url).query)["code"][0]
    form = {
        "grant_type": "authorization_code", "client_id": shop.app, "redirect_uri": CALLBACK, "code": code,
    }
    assert post(f"{shop.base}/oauth2/token", form).json() == {"error": "invalid_grant"}
    stolen = dict(browser.cookies)
    out = f"{shop.base}/logout?client_id={shop.app}&logout_uri={LOGGED_OUT}"
    assert browser.get(out, allow_redirects=False, timeout=20).headers["location"] == LOGGED_OUT
    assert not is_signed_in()
    browser.cookies.update(stolen)
    assert not is_signed_in()
    sign_in(shop, browser, query)
    assert is_signed_in()
    idp.admin_disable_user(UserPoolId=shop.pool.id, Username=shop.username)
    idp.admin_enable_user(UserPoolId=shop.pool.id, Username=shop.username)
    assert not is_signed_in()


def test_a_session_is_for_its_own_pool(make_shop):
    one, other = make_shop(), make_shop()
    browser = requests.Session()
    sign_in(one, browser, one.query())
    cookie = f"cognito={browser.cookies['cognito']}"
    silent = f"{other.base}/oauth2/authorize?{other.query(prompt='none')}"
    answer = get(silent, headers={"Cookie": cookie})
    assert answer.headers["location"] == f"{CALLBACK}?error=login_required"
    silent = f"{one.base}/oauth2/authorize?{one.query(prompt='none')}"
    assert "?code=" in get(silent, headers={"Cookie": cookie}).headers["location"]
    swapped = f"{other.base}/oauth2/authorize?{one.query(prompt='none')}"
    answer = get(swapped, headers={"Cookie": cookie})
    assert answer.headers["location"].endswith("/error?error=invalid_client")


# Requests that are wrong


@pytest.mark.parametrize(
    "form,error",
    [
        ("", "invalid_request"),
        ("client_id={app}", "invalid_request"),
        ("grant_type=password&client_id={app}", "unsupported_grant_type"),
        ("grant_type=authorization_code&client_id={app}", "invalid_request"),
        ("grant_type=authorization_code&client_id={app}&code=x", "invalid_grant"),
        ("grant_type=authorization_code&client_id=nobody&code=x", "invalid_client"),
        ("grant_type=authorization_code&client_id={app}&client_secret=x&code=x", "invalid_client"),
        ("grant_type=refresh_token&client_id={app}", "invalid_request"),
        ("grant_type=refresh_token&client_id={app}&refresh_token=%00", "invalid_grant"),
        ("grant_type=client_credentials&client_id={app}", "unauthorized_client"),
        ("grant_type=refresh_token&grant_type=refresh_token&client_id={app}", "invalid_request"),
        ("grant_type=refresh_token&client_id={app}&client_id={app}", "invalid_request"),
        ("grant_type=urn:ietf:params:oauth:grant-type:token-exchange&client_id={app}", "invalid_client"),
    ],
)
def test_the_token_endpoint_tells_each_error(shop, form, error):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = post(f"{shop.base}/oauth2/token", form.format(app=shop.app), headers=headers)
    assert (answer.status_code, answer.text) == (400, f'{{"error":"{error}"}}')
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"
    assert answer.headers["cache-control"] == NO_STORE
    assert answer.headers["access-control-allow-origin"] == "*"
    assert uuid.UUID(answer.headers["x-amz-cognito-request-id"])


def test_who_proves_two_things_proves_nothing(shop, endpoint):
    host = ("Host", urlsplit(endpoint).netloc)
    form = ("Content-Type", "application/x-www-form-urlencoded")
    bearer = ("Authorization", "Bearer a.b.c")
    path = f"/{shop.prefix}/oauth2"
    answer, text = raw(endpoint, "GET", f"{path}/userInfo", [host, bearer, bearer])
    assert answer.status == 400 and "invalid_request" in answer.headers["www-authenticate"]
    basic = ("Authorization", "Basic " + base64.b64encode(f"{shop.app}:".encode()).decode())
    body = b"grant_type=refresh_token&refresh_token=x"
    answer, text = raw(endpoint, "POST", f"{path}/token", [host, form, basic], body)
    assert text == '{"error":"invalid_grant"}', "the client is known"
    answer, text = raw(endpoint, "POST", f"{path}/token", [host, form, basic, basic], body)
    assert (answer.status, text) == (400, '{"error":"invalid_request"}')
    answer, text = raw(endpoint, "POST", f"{path}/token", [host, form, ("Authorization", "Basic \u00ff")], body)
    assert (answer.status, text) == (400, '{"error":"invalid_request"}')
    answer, _ = raw(endpoint, "GET", f"/{shop.prefix}/login", [host, host])
    assert answer.status == 400, "two hosts"


def test_methods_and_sizes_have_their_bounds(shop):
    for path, methods in [
        ("/oauth2/authorize", "GET"), ("/oauth2/token", "POST"), ("/oauth2/revoke", "POST"),
        ("/oauth2/userInfo", "GET, POST"), ("/oauth2/register", "POST"), ("/logout", "GET"),
        ("/error", "GET"), ("/login", "GET, POST"), ("/signup", "GET, POST"),
    ]:
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - set(methods.split(", ")):
            answer = requests.request(method, f"{shop.base}{path}", timeout=20, allow_redirects=False)
            assert (answer.status_code, answer.headers["allow"]) == (405, methods), f"{method} {path}"
    for path, size in [("/oauth2/token", 256 * 1024 + 1), ("/login", 64 * 1024 + 1)]:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = post(f"{shop.base}{path}?{shop.query()}", b"x" * size, headers=headers)
        assert answer.status_code == 413, path


# Where nobody is sent


HOSTILE = [
    "https://app.example.test/cb/", "https://app.example.test/CB", "https://APP.example.test/cb",
    "https://app.example.test:443/cb", "https://app.example.test./cb", "https://app.example.test/cb#",
    "https://app.example.test/cb?x", "https://app.example.test/cb/../evil",
    "https://app.example.test@evil.test/cb", "https://evil.test\\@app.example.test/cb",
    "https://evil.test/https://app.example.test/cb", "http://app.example.test/cb", "//evil.test",
    "/\\evil.test", "\\\\evil.test", "https:app.example.test/cb", "javascript:alert(1)", "data:text/html,x",
    "https://[::1]/cb", "https%3A%2F%2Fapp.example.test%2Fcb", " https://app.example.test/cb",
    "https://app.example.test/cb\r\nLocation: https://evil.test", "https://app.example.test/cb\0", "*",
]


@pytest.mark.parametrize("uri", HOSTILE)
def test_no_address_but_the_registered_one_is_answered(shop, uri):
    query = shop.query(redirect_uri=uri, state="s", prompt="none")
    refused = f"/{shop.prefix}/error?error=redirect_mismatch&client_id={shop.app}"
    for path in ["/oauth2/authorize", *PAGES]:
        answer = get(f"{shop.base}{path}?{query}")
        assert (answer.status_code, answer.headers["location"]) == (302, refused), path
        assert "set-cookie" not in answer.headers
    for name in ["logout_uri", "post_logout_redirect_uri"]:
        answer = get(f"{shop.base}/logout?" + urlencode({"client_id": shop.app, name: uri}))
        assert answer.status_code == 400 and "location" not in answer.headers
        assert is_private(answer)


@pytest.mark.parametrize(
    "state",
    ["a%20b+c", "%22%27%3C%3E", "%0d%0aSet-Cookie:%20x=1", "%F0%9F%A6%80", "%00", "%", "a%26code%3Dx", "x" * 2048],
)
def test_state_comes_back_to_the_letter(shop, endpoint, state):
    host = ("Host", urlsplit(endpoint).netloc)
    for kind, separator in [("code", "?"), ("token", "#")]:
        query = shop.query(response_type=kind, prompt="none")
        path = f"/{shop.prefix}/oauth2/authorize?{query}&state={state}"
        answer, text = raw(endpoint, "GET", path, [host])
        location = f"{CALLBACK}{separator}error=login_required&state={state}"
        assert (answer.status, answer.headers["location"], text) == (302, location, "")
        assert "set-cookie" not in answer.headers


# The pages


@pytest.mark.parametrize("generation,field", GENERATIONS)
def test_forms_need_the_token_of_their_browser(make_shop, idp, generation, field):
    shop = make_shop(generation)
    others = token_of(get(f"{shop.base}/login?{shop.query()}"))
    other_field = "csrf" if field == "_csrf" else "_csrf"
    for path in PAGES:
        url = f"{shop.base}{path}?{shop.query()}"
        page = get(f"{shop.base}/login?{shop.query()}")
        own, cookies = token_of(page), page.cookies
        said = {"username": shop.username, "password": PASSWORD}
        for sent, headers in [
            ({}, {}),
            ({field: ""}, {}),
            ({field: others}, {}),
            ({other_field: own}, {}),
            ({field: own}, {"Sec-Fetch-Site": "cross-site"}),
            ({field: own}, {"Sec-Fetch-Site": "same-site"}),
            ({field: own}, {"Content-Type": "text/plain"}),
        ]:
            answer = post(url, {**said, **sent}, cookies=cookies, headers=headers)
            assert answer.status_code == 403, f"{path} {sent} {headers}"
            assert is_private(answer) and "cognito" not in answer.cookies
        assert post(url, {**said, field: own}).status_code == 403, "no cookie"
    answer = post(f"{shop.base}/login?{shop.query()}", {**said, field: own}, cookies=cookies)
    assert answer.status_code == 302
    assert answer.cookies["cognito"]


@pytest.mark.parametrize("generation,field", GENERATIONS)
def test_pages_show_text_as_text_and_are_nobody_elses(make_shop, generation, field):
    shop = make_shop(generation)
    text = "\"><script>alert(1)</script>'"
    for path in PAGES:
        query = shop.query(state=text, login_hint=text, lang=text, nonce=text, error=text)
        page = get(f"{shop.base}{path}?{query}", headers={"Origin": "https://evil.test"})
        assert page.status_code == 200 and is_private(page)
        assert "<script>alert" not in page.text
    browser = requests.Session()
    url = f"{shop.base}/login?{shop.query()}"
    form = {field: token_of(browser.get(url, timeout=20)), "username": text, "password": "x"}
    page = browser.post(url, data=form, timeout=20)
    assert page.status_code == 200 and is_private(page)
    assert "<script>alert" not in page.text and "&quot;" in page.text or "&#34;" in page.text
    for path in [
        "/error?" + urlencode({"error": text}),
        "/confirmUser?" + urlencode({"client_id": shop.app, "user_name": text, "confirmation_code": text}),
    ]:
        page = get(f"{shop.base}{path}")
        assert page.status_code == 200 and is_private(page)
        assert "<script>alert" not in page.text


def test_other_origins_may_ask_endpoints_for_applications_only(shop):
    headers = {
        "Origin": "https://spa.example.test", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    for path, is_shared in [
        ("/oauth2/token", True), ("/oauth2/revoke", True), ("/oauth2/userInfo", True),
        ("/oauth2/authorize", False), ("/login", False), ("/signup", False), ("/logout", False),
        ("/error", False), ("/oauth2/register", False), ("/forgotPassword", False),
    ]:
        for method in ["OPTIONS", "PUT"]:
            answer = requests.request(method, f"{shop.base}{path}", headers=headers, timeout=20)
            found = answer.headers.get("access-control-allow-origin")
            assert found == ("*" if is_shared else None), f"{method} {path}"
            assert "access-control-allow-credentials" not in answer.headers


def test_cookies_cannot_be_read_by_scripts_and_stay_under_their_path(shop):
    browser = requests.Session()
    answer = sign_in(shop, browser, shop.query())
    lines = answer.raw.headers.getlist("set-cookie")
    assert sorted(line.split("=")[0] for line in lines) == ["XSRF-TOKEN", "cognito"]
    for line in lines:
        seconds = 3600 if line.startswith("cognito") else 86400
        attributes = f"; Path=/{shop.prefix}; Max-Age={seconds}; HttpOnly; SameSite=Lax"
        assert line.endswith(attributes), line


def test_nobody_else_says_which_host_this_is(shop, endpoint):
    name = f"{shop.prefix}.auth.localhost"
    path = f"/oauth2/authorize?{shop.query()}"
    forged = [
        ("X-Forwarded-Host", "evil.test"), ("X-Forwarded-Port", "666"), ("Forwarded", "host=evil.test"),
        ("X-Forwarded-Prefix", "/evil"), ("X-Original-URL", "/evil"),
    ]
    answer, _ = raw(endpoint, "GET", path, [("Host", name), *forged])
    assert answer.headers["location"] == f"http://{name}/login?{shop.query()}"
    for host in ["evil.test", f"{name}.evil.test", f"{name}@evil.test", f"evil.test:80/{name}"]:
        answer, text = raw(endpoint, "GET", path, [("Host", host), ("X-Forwarded-Host", name)])
        assert answer.status in (400, 403), host
        assert "location" not in answer.headers
    answer, _ = raw(endpoint, "GET", path, [("Host", f"x.{name}")])
    assert answer.status == 404 and "location" not in answer.headers


def test_tokens_of_a_forger_open_nothing(shop):
    tokens = shop.pool.sign_in(shop.username)
    payload = tokens["AccessToken"].split(".")[1]
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    own = jwt.encode({**claims_of(tokens["AccessToken"]), "scope": "openid"}, "k" * 32, "HS256")
    for token in [f"{none}.{payload}.", f"{none}.{payload}.AAAA", own, tokens["IdToken"], "a.b.c", ""]:
        headers = {"Authorization": f"Bearer {token}"}
        answer = get(f"{shop.base}/oauth2/userInfo", headers=headers)
        assert answer.status_code in (400, 401), token
        assert answer.json()["error"] in ("invalid_request", "invalid_token")
