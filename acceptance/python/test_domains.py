"""Domains of user pools: prefixes and custom domains through their life."""

import pytest

from support import refused, unique

NO_SUCH_POOL = "us-east-1_Nowhere00"
NO_POOL = f"User pool {NO_SUCH_POOL} does not exist."
NO_DOMAIN = "No such domain or user pool exists."
CERTIFICATE = "arn:aws:acm:us-east-1:{}:certificate/12345678-1234-1234-1234-123456789012"
INVALID_CHARACTER = (
    "The domain name contains an invalid character. Domain names can only contain lower-case letters, "
    "numbers, and hyphens. Please enter a different name that follows this format: "
    r"^[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?$"
)


@pytest.fixture
def make_domain(idp):
    """Makes domains that go away before their pools do."""
    made = []

    def make(pool, domain, **settings):
        answer = idp.create_user_pool_domain(UserPoolId=pool.id, Domain=domain, **settings)
        made.append({"UserPoolId": pool.id, "Domain": domain})
        del answer["ResponseMetadata"]
        return answer

    yield make
    for names in made:
        try:
            idp.delete_user_pool_domain(**names)
        except (
            idp.exceptions.InvalidParameterException,
            idp.exceptions.ResourceNotFoundException,
        ):
            pass


@pytest.fixture
def certificate(account):
    return CERTIFICATE.format(account)


def described(idp, domain):
    return idp.describe_user_pool_domain(Domain=domain)["DomainDescription"]


def of_pool(idp, pool):
    found = idp.describe_user_pool(UserPoolId=pool.id)["UserPool"]
    return found.get("Domain"), found.get("CustomDomain")


def test_a_prefix_through_its_life(make_pool, make_domain, idp, account):
    pool, name = make_pool(), unique("p")
    assert make_domain(pool, name) == {}
    found = described(idp, name)
    assert found["UserPoolId"] == pool.id
    assert found["AWSAccountId"] == account
    assert (found["Domain"], found["Status"]) == (name, "ACTIVE")
    assert (found["ManagedLoginVersion"], found["CustomDomainConfig"]) == (1, {})
    assert found["CloudFrontDistribution"].endswith(".cloudfront.net")
    assert len(found["Version"]) == 14
    assert of_pool(idp, pool) == (name, None)

    names = {"UserPoolId": pool.id, "Domain": name}
    answer = idp.update_user_pool_domain(**names, ManagedLoginVersion=2)
    assert answer["ManagedLoginVersion"] == 2
    assert "CloudFrontDomain" not in answer
    assert described(idp, name) == {**found, "ManagedLoginVersion": 2}
    idp.update_user_pool_domain(**names)
    assert described(idp, name) == {**found, "ManagedLoginVersion": 2}

    idp.delete_user_pool_domain(**names)
    assert described(idp, name) == {}
    assert of_pool(idp, pool) == (None, None)
    with refused("InvalidParameterException", NO_DOMAIN):
        idp.delete_user_pool_domain(**names)


def test_a_custom_domain_through_its_life(make_pool, make_domain, idp, certificate):
    pool, name = make_pool(), f"{unique('auth')}.example.com"
    config = {"CertificateArn": certificate, "SecurityPolicy": "TLS_V1_2_2021"}
    failover = {"SecondaryRegion": "eu-west-1", "PrimaryRoute53HealthCheckId": "check"}
    made = make_domain(
        pool, name, CustomDomainConfig=config, Routing={"Failover": failover}, ManagedLoginVersion=2
    )
    assert made["ManagedLoginVersion"] == 2
    assert made["Routing"] == {"Failover": failover}
    found = described(idp, name)
    assert found["CloudFrontDistribution"] == made["CloudFrontDomain"]
    assert found["CustomDomainConfig"] == config
    assert found["Routing"] == {"Failover": failover}
    prefix = unique("p")
    make_domain(pool, prefix)
    assert of_pool(idp, pool) == (prefix, name)

    renewed = certificate.replace("certificate/1", "certificate/2")
    names = {"UserPoolId": pool.id, "Domain": name}
    answer = idp.update_user_pool_domain(**names, CustomDomainConfig={"CertificateArn": renewed})
    assert answer["CloudFrontDomain"] == made["CloudFrontDomain"]
    kept = {"CertificateArn": renewed, "SecurityPolicy": "TLS_V1_2_2021"}
    assert described(idp, name) == {**found, "CustomDomainConfig": kept}

    message = (
        "User pool cannot be deleted. It has a domain configured that should be deleted first."
    )
    for domain in (prefix, name):
        with refused("InvalidParameterException", message):
            idp.delete_user_pool(UserPoolId=pool.id)
        idp.delete_user_pool_domain(UserPoolId=pool.id, Domain=domain)
    idp.delete_user_pool(UserPoolId=pool.id)


def test_names_are_taken_for_all_pools(make_pool, make_domain, idp, certificate):
    pool, other = make_pool(), make_pool()
    config = {"CustomDomainConfig": {"CertificateArn": certificate}}
    prefix, custom = unique("p"), f"{unique('auth')}.example.com"
    make_domain(pool, prefix)
    make_domain(pool, custom, **config)
    taken = "Domain already associated with another user pool."
    with refused("InvalidParameterException", taken):
        make_domain(other, prefix)
    with refused("InvalidParameterException", taken):
        make_domain(other, custom, **config)
    has_one = "User Pool already has domain configured."
    with refused("InvalidParameterException", has_one):
        make_domain(pool, unique("p"))
    with refused("InvalidParameterException", has_one):
        make_domain(pool, f"{unique('auth')}.example.com", **config)
    for call in (idp.update_user_pool_domain, idp.delete_user_pool_domain):
        with refused("InvalidParameterException", NO_DOMAIN):
            call(UserPoolId=other.id, Domain=prefix)
        with refused("ResourceNotFoundException", NO_POOL):
            call(UserPoolId=NO_SUCH_POOL, Domain=prefix)
    with refused("ResourceNotFoundException", NO_POOL):
        idp.create_user_pool_domain(UserPoolId=NO_SUCH_POOL, Domain=unique("p"))
    idp.delete_user_pool_domain(UserPoolId=pool.id, Domain=prefix)
    make_domain(other, prefix)


def test_an_account_has_four_custom_domains(make_pool, make_domain, certificate):
    config = {"CustomDomainConfig": {"CertificateArn": certificate}}
    for _ in range(4):
        make_domain(make_pool(), f"{unique('auth')}.example.com", **config)
    with refused("LimitExceededException"):
        make_domain(make_pool(), f"{unique('auth')}.example.com", **config)


@pytest.mark.parametrize(
    "name, message",
    [
        ("Upper", INVALID_CHARACTER),
        ("under_score", INVALID_CHARACTER),
        ("-edge", INVALID_CHARACTER),
        ("auth.example.com", INVALID_CHARACTER),
        ("my-aws-pool", "Domain cannot contain reserved word: aws"),
        ("amazon", "Domain cannot contain reserved word: amazon"),
        ("newcognito", "Domain cannot contain reserved word: cognito"),
    ],
)
def test_prefixes_that_cannot_be_had(pool, idp, name, message):
    with refused("InvalidParameterException", message):
        idp.create_user_pool_domain(UserPoolId=pool.id, Domain=name)
    assert described(idp, name) == {}


def test_custom_domains_that_cannot_be_had(pool, idp, certificate):
    def create(domain, arn=certificate, **more):
        config = {"CertificateArn": arn}
        idp.create_user_pool_domain(
            UserPoolId=pool.id, Domain=domain, CustomDomainConfig=config, **more
        )

    for domain in ("single", "Auth.example.com", "127.0.0.1", "a..b"):
        with refused("InvalidParameterException") as caught:
            create(domain)
        message = caught.value.response["Error"]["Message"]
        assert message.startswith("Custom domain is not a valid subdomain: ")
    message = (
        "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, or doesn't "
        "include a valid certificate chain."
    )
    with refused("InvalidParameterException", message):
        create("auth.example.com", certificate.replace("us-east-1", "eu-west-1"))
    with refused("InvalidParameterException", "ManagedLoginVersion must be 1 or 2."):
        create("auth.example.com", ManagedLoginVersion=3)


def test_managed_login_needs_a_tier(make_pool, make_domain, idp):
    pool, name = make_pool(UserPoolTier="LITE"), unique("p")
    message = (
        "The following feature is not available for the LITE pricing tier configured: Managed Login Version 2"
    )
    with refused("FeatureUnavailableInTierException", message):
        make_domain(pool, name, ManagedLoginVersion=2)
    make_domain(pool, name)
    with refused("FeatureUnavailableInTierException", message):
        idp.update_user_pool_domain(UserPoolId=pool.id, Domain=name, ManagedLoginVersion=2)
    idp.update_user_pool(UserPoolId=pool.id, UserPoolTier="ESSENTIALS")
    idp.update_user_pool_domain(UserPoolId=pool.id, Domain=name, ManagedLoginVersion=2)
    with refused("FeatureUnavailableInTierException"):
        idp.update_user_pool(UserPoolId=pool.id, UserPoolTier="LITE")
