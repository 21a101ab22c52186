"""What pages look like: styles of managed login, style sheets and logos of the classic pages."""

import uuid

import pytest
import requests

from support import post, refused, unique

NO_SUCH_POOL = "us-east-1_Nowhere00"
NO_POOL = f"User pool {NO_SUCH_POOL} does not exist."
NO_SUCH_STYLE = "01234567-89ab-4def-8123-456789abcdef"
ONE_OF_BOTH = "useCognitoProvidedValues or settings should be specified (but not both)"
PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff\xe0"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>'
CSS = ".submitButton-customizable:hover { background-color: #123; }"


def asset(category="FORM_LOGO", mode="LIGHT", content=PNG, extension="PNG", **more):
    kind = {"Category": category, "ColorMode": mode, "Extension": extension}
    return {**kind, "Bytes": content, **more}


def without_dates(style):
    return {name: value for name, value in style.items() if "Date" not in name}


# Managed login


def test_a_style_through_its_life(pool, idp):
    client = {"UserPoolId": pool.id, "ClientId": pool.client_id}
    settings = {"components": {"form": {"borderRadius": 4.5}}, "list": [1, None, True, "Größe"]}
    assets = [asset(mode="DARK"), asset(mode="LIGHT", content=SVG, extension="SVG")]
    made = idp.create_managed_login_branding(**client, Settings=settings, Assets=assets)
    made = made["ManagedLoginBranding"]
    style_id = made["ManagedLoginBrandingId"]
    assert uuid.UUID(style_id).version == 4
    assert without_dates(made) == {
        "ManagedLoginBrandingId": style_id,
        "UserPoolId": pool.id,
        "UseCognitoProvidedValues": False,
        "Settings": settings,
        "Assets": assets,
    }
    names = {"UserPoolId": pool.id, "ManagedLoginBrandingId": style_id}

    def described(**more):
        found = idp.describe_managed_login_branding(**names, **more)["ManagedLoginBranding"]
        by_client = idp.describe_managed_login_branding_by_client(**client, **more)
        assert by_client["ManagedLoginBranding"] == found
        return found

    assert described() == made
    whole = described(ReturnMergedResources=True)
    assert whole["Settings"]["components"]["form"]["borderRadius"] == 4.5
    assert whole["Settings"]["components"]["favicon"]["enabledTypes"] == ["ICO", "SVG"]
    assert set(whole["Settings"]) == {"categories", "componentClasses", "components", "list"}
    assert whole["Assets"] == assets

    more = {"components": {"form": {"logo": {"enabled": True}}}, "list": []}
    updated = idp.update_managed_login_branding(**names, Settings=more)["ManagedLoginBranding"]
    assert updated["Settings"] == {
        "components": {"form": {"borderRadius": 4.5, "logo": {"enabled": True}}},
        "list": [],
    }
    assert updated["Assets"] == assets
    replaced = [asset(content=JPEG, extension="JPEG"), asset("PAGE_BACKGROUND", "DYNAMIC")]
    updated = idp.update_managed_login_branding(**names, Assets=replaced)["ManagedLoginBranding"]
    assert updated["Assets"] == [asset(mode="DARK"), *replaced]
    assert described() == updated

    reset = idp.update_managed_login_branding(**names, UseCognitoProvidedValues=True)
    reset = without_dates(reset["ManagedLoginBranding"])
    assert reset == {**names, "UseCognitoProvidedValues": True, "Assets": []}

    idp.delete_managed_login_branding(**names)
    message = f"Managed login branding {style_id} does not exist."
    for call in (
        idp.describe_managed_login_branding,
        idp.update_managed_login_branding,
        idp.delete_managed_login_branding,
    ):
        with refused("ResourceNotFoundException", message):
            call(**names)
    with refused("ResourceNotFoundException"):
        idp.describe_managed_login_branding_by_client(**client)


def test_a_client_has_one_style_which_goes_with_it(pool, idp):
    client = {"UserPoolId": pool.id, "ClientId": pool.make_client()["ClientId"]}
    made = idp.create_managed_login_branding(**client, UseCognitoProvidedValues=True)
    style_id = made["ManagedLoginBranding"]["ManagedLoginBrandingId"]
    with refused("ManagedLoginBrandingExistsException"):
        idp.create_managed_login_branding(**client, Settings={})
    idp.delete_user_pool_client(**client)
    with refused("ResourceNotFoundException"):
        idp.describe_managed_login_branding(UserPoolId=pool.id, ManagedLoginBrandingId=style_id)


def test_a_pool_has_twenty_styles(pool, idp):
    def create():
        client_id = pool.make_client()["ClientId"]
        idp.create_managed_login_branding(
            UserPoolId=pool.id, ClientId=client_id, UseCognitoProvidedValues=True
        )

    for _ in range(20):
        create()
    with refused("LimitExceededException"):
        create()


def test_styles_that_cannot_be_had(pool, idp):
    client = {"UserPoolId": pool.id, "ClientId": pool.client_id}

    def create(**members):
        idp.create_managed_login_branding(**client, **members)

    for members in (
        {},
        {"Assets": [asset()]},
        {"UseCognitoProvidedValues": True, "Settings": {}},
        {"UseCognitoProvidedValues": True, "Assets": [asset()]},
    ):
        with refused("InvalidParameterException", ONE_OF_BOTH):
            create(**members)
    icon = asset(content=b"\0\0\1\0", extension="ICO")
    kind = "The extension is not supported for this category."
    for one, message in (
        (icon, kind),
        (asset("FAVICON_ICO"), kind),
        (asset(content=JPEG), "The content does not match the extension."),
        (
            asset(content=b"<svg onload='x'/>", extension="SVG"),
            "The SVG contains content that is not allowed: the attribute onload.",
        ),
    ):
        named = f"category: {one['Category']}, extension: {one['Extension']}"
        error = f"{{{named}, colorMode: {one['ColorMode']}, errorMessage: {message}}}"
        message = f"Invalid assets provided. Validation errors: [{error}]"
        with refused("InvalidParameterException", message):
            create(Settings={}, Assets=[one])
    with refused("InvalidParameterException"):
        create(Settings={}, Assets=[asset(content=PNG + bytes(1_000_000))])
    with refused("InvalidParameterException"):
        create(Settings={}, Assets=[asset(mode="LIGHT")] * 41)
    with refused("ResourceNotFoundException", NO_POOL):
        idp.create_managed_login_branding(
            UserPoolId=NO_SUCH_POOL, ClientId=pool.client_id, Settings={}
        )
    with refused("ResourceNotFoundException", "User pool client none does not exist."):
        idp.create_managed_login_branding(UserPoolId=pool.id, ClientId="none", Settings={})
    names = {"UserPoolId": pool.id, "ManagedLoginBrandingId": NO_SUCH_STYLE}
    message = f"Managed login branding {NO_SUCH_STYLE} does not exist."
    with refused("ResourceNotFoundException", message):
        idp.update_managed_login_branding(**names)


def test_the_largest_images_and_requests(pool, idp, endpoint):
    client = {"UserPoolId": pool.id, "ClientId": pool.client_id}
    largest = PNG + bytes(1_000_000 - len(PNG))
    made = idp.create_managed_login_branding(
        **client, Settings={}, Assets=[asset(content=largest)]
    )
    style_id = made["ManagedLoginBranding"]["ManagedLoginBrandingId"]
    # What is too much for one request is sent in pieces.
    names = {"UserPoolId": pool.id, "ManagedLoginBrandingId": style_id}
    for mode in ("DARK", "DYNAMIC"):
        idp.update_managed_login_branding(**names, Assets=[asset(mode=mode, content=largest)])
    found = idp.describe_managed_login_branding(**names)["ManagedLoginBranding"]
    assert [image["Bytes"] for image in found["Assets"]] == [largest] * 3
    body = b'{"Settings": "' + b"x" * (2 * 1024 * 1024) + b'"}'
    assert post(endpoint, "UpdateManagedLoginBranding", body).status_code == 413


# Classic pages


@pytest.fixture
def classic_pool(make_pool, idp):
    """A pool with a domain."""
    pool, name = make_pool(), unique("p")
    idp.create_user_pool_domain(UserPoolId=pool.id, Domain=name)
    yield pool
    idp.delete_user_pool_domain(UserPoolId=pool.id, Domain=name)


def test_the_classic_pages_of_a_pool_and_of_a_client(classic_pool, idp):
    pool = classic_pool
    names = {"UserPoolId": pool.id}
    client = {**names, "ClientId": pool.client_id}

    def shown(**more):
        return idp.get_ui_customization(**names, **more)["UICustomization"]

    assert shown() == shown(ClientId=pool.client_id) == {}
    of_all = idp.set_ui_customization(**names, CSS=CSS, ImageFile=PNG)["UICustomization"]
    assert (of_all["ClientId"], of_all["CSS"]) == ("ALL", CSS)
    assert len(of_all["CSSVersion"]) == 14
    assert shown() == shown(ClientId="ALL") == shown(ClientId=pool.client_id) == of_all
    image = requests.get(of_all["ImageUrl"], timeout=20)
    assert (image.status_code, image.content) == (200, PNG)
    assert image.headers["content-type"] == "image/png"
    assert image.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in image.headers["content-security-policy"]

    own = idp.set_ui_customization(**client, ImageFile=JPEG)["UICustomization"]
    assert own["ClientId"] == pool.client_id
    assert "CSS" not in own
    assert requests.get(own["ImageUrl"], timeout=20).content == JPEG
    assert shown(ClientId=pool.client_id) == own
    idp.set_ui_customization(**client)
    assert shown(ClientId=pool.client_id) == of_all
    assert requests.get(own["ImageUrl"], timeout=20).status_code == 404
    idp.set_ui_customization(**names)
    assert shown() == {}


def test_classic_pages_that_cannot_be_had(classic_pool, pool, idp):
    def customize(**members):
        idp.set_ui_customization(UserPoolId=classic_pool.id, **members)

    with refused(
        "InvalidParameterException", "A domain must be associated with this user pool."
    ):
        idp.set_ui_customization(UserPoolId=pool.id, CSS=CSS)
    message = "There has to be an existing domain associated with this user pool"
    with refused("InvalidParameterException", message):
        idp.get_ui_customization(UserPoolId=pool.id)
    for css, message in (
        (".mine { color: red }", "The CSS class mine is not in the list of allowed classes."),
        ("body { color: red }", "The CSS class body is not in the list of allowed classes."),
        ("@import 'a';", "The CSS contains @import, which is not allowed."),
        (".logo-customizable {}</style>", "The CSS contains <, which is not allowed."),
    ):
        with refused("InvalidParameterException", message):
            customize(CSS=css)
    with refused("InvalidParameterException", "The image must be a PNG or JPEG file."):
        customize(ImageFile=SVG)
    with refused("InvalidParameterException"):
        customize(ImageFile=PNG + bytes(131_072))
    with refused("ResourceNotFoundException", "User pool client none does not exist."):
        customize(ClientId="none", CSS=CSS)
    with refused("ResourceNotFoundException", NO_POOL):
        idp.get_ui_customization(UserPoolId=NO_SUCH_POOL)
    assert idp.get_ui_customization(UserPoolId=classic_pool.id)["UICustomization"] == {}
