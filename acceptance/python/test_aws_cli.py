"""The AWS CLI administers a pool: shorthand and JSON input, its output formats, its own pagination."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyotp
import pytest

from conftest import REGION
from support import PASSWORD, unique

AWS = Path(sys.executable).with_name("aws")


@pytest.fixture(scope="module")
def run(endpoint):
    """Runs `aws cognito-idp …`; answers the finished process."""
    own = {
        "AWS_ACCESS_KEY_ID": "dev",
        "AWS_SECRET_ACCESS_KEY": "dev",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_MAX_ATTEMPTS": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
    }

    def run(operation, *arguments, output="json"):
        command = [AWS, "--endpoint-url", endpoint, "--output", output, "cognito-idp", operation]
        return subprocess.run(
            [*command, *arguments], env=own, capture_output=True, text=True, timeout=60, check=False
        )

    return run


@pytest.fixture(scope="module")
def aws(run):
    """Runs a command that must succeed; answers its output: parsed if JSON, else the text."""

    def aws(operation, *arguments, output="json"):
        done = run(operation, *arguments, output=output)
        assert done.returncode == 0, done.stderr
        if output == "json":
            return json.loads(done.stdout) if done.stdout else None
        return done.stdout

    return aws


@pytest.fixture
def pool_id(aws):
    made = aws("create-user-pool", "--pool-name", unique("cli"))["UserPool"]["Id"]
    yield made
    aws("delete-user-pool", "--user-pool-id", made)


def refusal(run, operation, *arguments):
    """What the CLI prints about an error; it ends with a status of its own for those of the service."""
    done = run(operation, *arguments)
    assert done.returncode != 0
    assert done.stdout == ""
    return done.stderr.strip()


def test_a_pool_is_created_changed_tagged_and_deleted(aws, run):
    name = unique("cli")
    made = aws(
        "create-user-pool",
        "--pool-name", name,
        "--policies", "PasswordPolicy={MinimumLength=12,RequireSymbols=false}",
        "--auto-verified-attributes", "email",
        "--schema", "Name=tier,AttributeDataType=Number,NumberAttributeConstraints={MinValue=1,MaxValue=9}",
        "--user-pool-tags", "team=identity,stage=test",
        "--username-configuration", "CaseSensitive=false",
    )["UserPool"]  # fmt: skip
    pool_id = made["Id"]
    assert made["Policies"]["PasswordPolicy"]["MinimumLength"] == 12
    assert made["UserPoolTags"] == {"team": "identity", "stage": "test"}
    assert made["UsernameConfiguration"] == {"CaseSensitive": False}
    tier = next(a for a in made["SchemaAttributes"] if a["Name"] == "custom:tier")
    assert tier["NumberAttributeConstraints"] == {"MinValue": "1", "MaxValue": "9"}

    # UpdateUserPool answers an empty document, and keeps what the request does not name.
    assert aws("update-user-pool", "--user-pool-id", pool_id, "--mfa-configuration", "OFF",
               "--auto-verified-attributes", "email") is None  # fmt: skip
    query = "UserPool.[Name,Policies.PasswordPolicy.MinimumLength,AutoVerifiedAttributes[0]]"
    described = aws("describe-user-pool", "--user-pool-id", pool_id, "--query", query, output="text")
    assert described == f"{name}\t12\temail\n"

    arn = made["Arn"]
    assert aws("tag-resource", "--resource-arn", arn, "--tags", "stage=live") is None
    assert aws("untag-resource", "--resource-arn", arn, "--tag-keys", "team") is None
    assert aws("list-tags-for-resource", "--resource-arn", arn) == {"Tags": {"stage": "live"}}

    # No output shape: not even an empty document is printed.
    assert aws("delete-user-pool", "--user-pool-id", pool_id, output="text") == ""
    assert refusal(run, "describe-user-pool", "--user-pool-id", pool_id) == (
        "An error occurred (ResourceNotFoundException) when calling the DescribeUserPool operation: "
        f"User pool {pool_id} does not exist."
    )


def test_users_are_listed_over_several_pages_and_filtered(aws, pool_id):
    names = sorted(unique("cli-user") for _ in range(7))
    for name in names:
        aws("admin-create-user", "--user-pool-id", pool_id, "--username", name, "--message-action", "SUPPRESS",
            "--user-attributes", f"Name=email,Value={name}@example.com")  # fmt: skip
    listed = aws("list-users", "--user-pool-id", pool_id, "--page-size", "2")["Users"]
    assert sorted(user["Username"] for user in listed) == names
    first = aws("list-users", "--user-pool-id", pool_id, "--max-items", "3", "--page-size", "2")
    rest = aws("list-users", "--user-pool-id", pool_id, "--starting-token", first["NextToken"])
    assert sorted(user["Username"] for user in first["Users"] + rest["Users"]) == names
    found = aws("list-users", "--user-pool-id", pool_id, "--filter", f'email = "{names[3]}@example.com"',
                "--query", "Users[].Username", output="text")  # fmt: skip
    assert found.strip() == names[3]


def test_a_user_enrols_a_software_token_and_signs_in(aws, run, pool_id):
    """Public operations are called without a signature, as the CLI does for them by itself."""
    aws("set-user-pool-mfa-config", "--user-pool-id", pool_id, "--mfa-configuration", "OPTIONAL",
        "--software-token-mfa-configuration", "Enabled=true")  # fmt: skip
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    client_id = aws("create-user-pool-client", "--user-pool-id", pool_id, "--client-name", "cli",
                    "--explicit-auth-flows", *flows)["UserPoolClient"]["ClientId"]  # fmt: skip
    user = ["--user-pool-id", pool_id, "--username", "ada"]
    aws("admin-create-user", *user, "--message-action", "SUPPRESS")
    aws("admin-set-user-password", *user, "--password", PASSWORD, "--permanent")
    begin = ["initiate-auth", "--client-id", client_id, "--auth-flow", "USER_PASSWORD_AUTH",
             "--auth-parameters", f"USERNAME=ada,PASSWORD={PASSWORD}"]  # fmt: skip
    token = aws(*begin)["AuthenticationResult"]["AccessToken"]
    secret = aws("associate-software-token", "--access-token", token)["SecretCode"]
    verified = aws("verify-software-token", "--access-token", token, "--user-code", pyotp.TOTP(secret).now(),
                   "--friendly-device-name", "phone")  # fmt: skip
    assert verified == {"Status": "SUCCESS"}
    aws("set-user-mfa-preference", "--access-token", token,
        "--software-token-mfa-settings", "Enabled=true,PreferredMfa=true")  # fmt: skip
    challenged = aws(*begin)
    assert challenged["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    wrong = refusal(run, "respond-to-auth-challenge", "--client-id", client_id,
                    "--challenge-name", "SOFTWARE_TOKEN_MFA", "--session", challenged["Session"],
                    "--challenge-responses", "USERNAME=ada,SOFTWARE_TOKEN_MFA_CODE=notacode")  # fmt: skip
    assert wrong.startswith("An error occurred (CodeMismatchException) when calling the RespondToAuthChallenge")
    assert aws("admin-get-user", *user)["PreferredMfaSetting"] == "SOFTWARE_TOKEN_MFA"


def test_groups_and_resource_servers_in_every_output_format(aws, pool_id):
    for number in range(5):
        aws("create-group", "--user-pool-id", pool_id, "--group-name", f"g{number}", "--precedence", str(number))
    listed = aws("list-groups", "--user-pool-id", pool_id, "--page-size", "2")["Groups"]
    assert [group["GroupName"] for group in listed] == ["g0", "g1", "g2", "g3", "g4"]
    assert aws("update-group", "--user-pool-id", pool_id, "--group-name", "g1", "--description", "one")["Group"][
        "Precedence"
    ] == 1  # fmt: skip
    table = aws("get-group", "--user-pool-id", pool_id, "--group-name", "g1", output="table")
    assert re.search(r"GroupName\s+\|\s+g1\b", table)
    aws("create-resource-server", "--user-pool-id", pool_id, "--identifier", "api.example.com",
        "--name", "api", "--scopes", "ScopeName=read,ScopeDescription=Reads",
        "ScopeName=write,ScopeDescription=Writes")  # fmt: skip
    query = "ResourceServers[].Scopes[].ScopeName"
    scopes = aws("list-resource-servers", "--user-pool-id", pool_id, "--query", query, output="text")
    assert scopes == "read\twrite\n"


def test_input_files_and_skeletons_are_understood(aws, pool_id, tmp_path):
    settings = {
        "UserPoolId": pool_id,
        "ClientName": "from a file",
        "GenerateSecret": True,
        "AccessTokenValidity": 30,
        "TokenValidityUnits": {"AccessToken": "minutes"},
    }
    path = tmp_path / "client.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    made = aws("create-user-pool-client", "--cli-input-json", path.as_uri())
    client = made["UserPoolClient"]
    assert client["AccessTokenValidity"] == 30
    secrets = aws("list-user-pool-client-secrets", "--user-pool-id", pool_id, "--client-id", client["ClientId"])
    assert len(secrets["ClientSecrets"]) == 1
    listed = aws("list-user-pool-clients", "--user-pool-id", pool_id)["UserPoolClients"]
    assert listed == [{"ClientId": client["ClientId"], "UserPoolId": pool_id, "ClientName": "from a file"}]


def test_a_refusal_by_the_schema_of_a_request_reaches_the_terminal(run, pool_id):
    told = refusal(run, "create-group", "--user-pool-id", pool_id, "--group-name", "with blank")
    assert told == (
        "An error occurred (InvalidParameterException) when calling the CreateGroup operation: 1 validation "
        "error detected: Value 'with blank' at 'groupName' failed to satisfy constraint: Member must satisfy "
        r"regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+"
    )


def test_other_resources_are_made_read_changed_and_removed(aws, run, pool_id):
    """Identity providers, domains, styles, terms, import jobs: what infrastructure scripts handle."""
    pool = ["--user-pool-id", pool_id]
    details = ("client_id=app,client_secret=keep,authorize_scopes=openid,attributes_request_method=GET,"
               "oidc_issuer=https://id.example.com,authorize_url=https://id.example.com/a,"
               "token_url=https://id.example.com/t,attributes_url=https://id.example.com/u,"
               "jwks_uri=https://id.example.com/k")  # fmt: skip
    for number in range(5):
        aws("create-identity-provider", *pool, "--provider-name", f"corp{number}", "--provider-type", "OIDC",
            "--provider-details", details, "--attribute-mapping", "email=email")  # fmt: skip
    listed = aws("list-identity-providers", *pool, "--page-size", "2")["Providers"]
    assert sorted(provider["ProviderName"] for provider in listed) == [f"corp{n}" for n in range(5)]
    changed = aws("update-identity-provider", *pool, "--provider-name", "corp1", "--idp-identifiers", "corp.example")
    assert changed["IdentityProvider"]["ProviderDetails"]["client_id"] == "app"
    assert aws("delete-identity-provider", *pool, "--provider-name", "corp4", output="text") == ""

    prefix = unique("cli")
    aws("create-user-pool-domain", *pool, "--domain", prefix)
    described = aws("describe-user-pool-domain", "--domain", prefix)["DomainDescription"]
    assert (described["UserPoolId"], described["Status"]) == (pool_id, "ACTIVE")
    told = refusal(run, "delete-user-pool", *pool)
    assert told.endswith("It has a domain configured that should be deleted first.")
    css = aws("set-ui-customization", *pool, "--css", ".label-customizable {font-weight: 400;}")
    assert css["UICustomization"]["ClientId"] == "ALL"
    client_id = aws("create-user-pool-client", *pool, "--client-name", "web")["UserPoolClient"]["ClientId"]
    client = [*pool, "--client-id", client_id]
    style = aws("create-managed-login-branding", *client, "--use-cognito-provided-values")["ManagedLoginBranding"]
    by_client = aws("describe-managed-login-branding-by-client", *client)["ManagedLoginBranding"]
    assert by_client["ManagedLoginBrandingId"] == style["ManagedLoginBrandingId"]
    terms = aws("create-terms", *client, "--terms-name", "terms-of-use", "--terms-source", "LINK",
                "--enforcement", "NONE", "--links", "cognito:default=https://example.com/terms")["Terms"]  # fmt: skip
    assert aws("list-terms", *pool)["Terms"][0]["TermsId"] == terms["TermsId"]
    aws("delete-terms", *pool, "--terms-id", terms["TermsId"])
    aws("delete-managed-login-branding", *pool, "--managed-login-branding-id", style["ManagedLoginBrandingId"])
    assert aws("delete-user-pool-domain", *pool, "--domain", prefix) is None

    header = aws("get-csv-header", *pool)["CSVHeader"]
    assert header[-2:] == ["cognito:mfa_enabled", "cognito:username"]
    for number in range(3):
        aws("create-user-import-job", *pool, "--job-name", f"job {number}",
            "--cloud-watch-logs-role-arn", "arn:aws:iam::123456789012:role/import")  # fmt: skip
    jobs = aws("list-user-import-jobs", *pool, "--max-results", "2")
    assert [job["JobName"] for job in jobs["UserImportJobs"]] == ["job 2", "job 1"]
    rest = aws("list-user-import-jobs", *pool, "--max-results", "2", "--pagination-token", jobs["PaginationToken"])
    assert [job["JobName"] for job in rest["UserImportJobs"]] == ["job 0"]
    assert aws("get-provisioned-limit", "--limit-definition",
               "LimitClass=API_CATEGORY,Attributes={Category=UserAuthentication}")["Limit"]["ProvisionedLimitValue"] > 0  # fmt: skip
    assert aws("get-log-delivery-configuration", *pool)["LogDeliveryConfiguration"]["LogConfigurations"] == []
