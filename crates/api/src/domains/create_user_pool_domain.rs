//! `CreateUserPoolDomain`: gives a pool a prefix or a custom domain.

use poolhouse_domain::{
    domains::{self, DomainRefused},
    ports::Ports,
    shapes::{CreateUserPoolDomainRequest, CreateUserPoolDomainResponse},
};
use poolhouse_wire::{codes, operations::CreateUserPoolDomain as Op};

use super::settings_refused;
use crate::{
    failure::{Answer, Failure},
    lookup::no_user_pool,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: CreateUserPoolDomainRequest) -> Answer<Op> {
        let (id, version) = (input.user_pool_id.clone(), input.managed_login_version);
        let now = ports.clock.now();
        let mut tx = ports.store.write().await?;
        let mut pool = tx.user_pool(&id).await?.ok_or_else(|| no_user_pool(&id))?;
        let (identity, entropy) = (&ports.identity, &*ports.entropy);
        let domain = domains::create(&mut *tx, &mut pool, input, identity, entropy, now).await?;
        let domain = domain.map_err(|refused| refusal(&refused))?;
        tx.commit().await?;
        ports.directory.forget_user_pool(&id);
        Ok(CreateUserPoolDomainResponse {
            managed_login_version: version,
            cloud_front_domain: domain.alias_target(),
            routing: domain.settings.routing,
        })
    }
}

fn refusal(refused: &DomainRefused) -> Failure<Op> {
    match refused {
        DomainRefused::TooManyCustom => {
            Failure::new(codes::LimitExceededException, refused.to_string())
        }
        _ => settings_refused(refused),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{CERTIFICATE, described};
    use crate::testing::{Stack, error, invalid, merged, text};

    const INVALID: &str = "The domain name contains an invalid character. Domain names can only \
                           contain lower-case letters, numbers, and hyphens. Please enter a \
                           different name that follows this format: \
                           ^[a-z0-9](?:[a-z0-9\\-]{0,61}[a-z0-9])?$";

    fn custom(pool: &str, domain: &str) -> Value {
        let config = json!({ "CertificateArn": CERTIFICATE });
        json!({ "UserPoolId": pool, "Domain": domain, "CustomDomainConfig": config })
    }

    async fn shown(stack: &Stack, pool: &str) -> (Value, Value) {
        let answer = stack.ok("DescribeUserPool", json!({ "UserPoolId": pool })).await;
        (answer["UserPool"]["Domain"].clone(), answer["UserPool"]["CustomDomain"].clone())
    }

    #[tokio::test]
    async fn a_pool_has_a_prefix_and_a_custom_domain_and_shows_both() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let prefix = json!({ "UserPoolId": pool, "Domain": "login" });
        assert_eq!(stack.ok("CreateUserPoolDomain", prefix.clone()).await, json!({}));
        let routing = json!({
            "Failover": { "SecondaryRegion": "eu-west-1", "PrimaryRoute53HealthCheckId": "h" },
        });
        let input = merged(
            custom(&pool, "auth.example.com"),
            json!({ "ManagedLoginVersion": 2, "Routing": routing }),
        );
        let answer = stack.ok("CreateUserPoolDomain", input).await;
        let target = text(&answer["CloudFrontDomain"]);
        assert!(target.starts_with('d') && target.ends_with(".cloudfront.net"), "{target}");
        let expected =
            json!({ "ManagedLoginVersion": 2, "CloudFrontDomain": target, "Routing": routing });
        assert_eq!(answer, expected);
        assert_eq!(shown(&stack, &pool).await, (json!("login"), json!("auth.example.com")));

        let found = described(&stack, "auth.example.com").await;
        let expected = json!({
            "UserPoolId": pool, "AWSAccountId": "123456789012", "Domain": "auth.example.com",
            "S3Bucket": "poolhouse-us-east-1-assets", "CloudFrontDistribution": target,
            "Version": "20260101000000", "Status": "ACTIVE",
            "CustomDomainConfig": { "CertificateArn": CERTIFICATE },
            "ManagedLoginVersion": 2, "Routing": routing,
        });
        assert_eq!(found, expected);
        let expected = json!({
            "UserPoolId": pool, "AWSAccountId": "123456789012", "Domain": "login",
            "S3Bucket": "poolhouse-us-east-1-assets", "Version": "20260101000000",
            "CloudFrontDistribution": described(&stack, "login").await["CloudFrontDistribution"],
            "Status": "ACTIVE", "CustomDomainConfig": {}, "ManagedLoginVersion": 1,
        });
        assert_eq!(described(&stack, "login").await, expected);
        stack.ok("UpdateUserPool", json!({ "UserPoolId": pool })).await;
        assert_eq!(shown(&stack, &pool).await, (json!("login"), json!("auth.example.com")));
    }

    #[tokio::test]
    async fn names_are_taken_for_the_whole_server_and_a_pool_has_one_of_a_kind() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let prefix = |pool: &str, name: &str| json!({ "UserPoolId": pool, "Domain": name });
        stack.ok("CreateUserPoolDomain", prefix(&pool, "login")).await;
        stack.ok("CreateUserPoolDomain", custom(&pool, "auth.example.com")).await;
        let has_one = "User Pool already has domain configured.";
        let taken = "Domain already associated with another user pool.";
        for (input, message) in [
            (prefix(&pool, "second"), has_one),
            (custom(&pool, "two.example.com"), has_one),
            (prefix(&other, "login"), taken),
            (custom(&other, "auth.example.com"), taken),
        ] {
            let refused = stack.refusal("CreateUserPoolDomain", input).await;
            assert_eq!(refused, invalid(message));
        }
        assert_eq!(shown(&stack, &other).await, (Value::Null, Value::Null));
        assert_eq!(described(&stack, "second").await, json!({}));
    }

    #[tokio::test]
    async fn no_two_domains_have_the_same_whole_name() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let prefix = |name: &str| json!({ "UserPoolId": other, "Domain": name });
        let taken = invalid("Domain already associated with another user pool.");
        stack.ok("CreateUserPoolDomain", custom(&pool, "one.auth.localhost")).await;
        let refused = stack.refusal("CreateUserPoolDomain", prefix("one")).await;
        assert_eq!(refused, taken);
        stack.ok("CreateUserPoolDomain", prefix("two")).await;
        let third = stack.pool(json!({})).await;
        for name in ["two.auth.localhost", "two.auth.us-east-1.amazoncognito.com"] {
            assert_eq!(stack.refusal("CreateUserPoolDomain", custom(&third, name)).await, taken);
        }
        stack.ok("CreateUserPoolDomain", custom(&third, "a.two.auth.localhost")).await;
    }

    #[tokio::test]
    async fn an_account_has_four_custom_domains() {
        let stack = Stack::new().await;
        let mut pools = Vec::new();
        for number in 0..5 {
            let pool = stack.pool(json!({})).await;
            if number < 4 {
                let name = format!("auth{number}.example.com");
                stack.ok("CreateUserPoolDomain", custom(&pool, &name)).await;
            }
            pools.push(pool);
        }
        let input = custom(&pools[4], "auth4.example.com");
        let message = "Maximum number of custom domains has been reached.";
        assert_eq!(
            stack.refusal("CreateUserPoolDomain", input.clone()).await,
            error("LimitExceededException", message)
        );
        let free = json!({ "UserPoolId": pools[1], "Domain": "auth1.example.com" });
        stack.ok("DeleteUserPoolDomain", free).await;
        stack.ok("CreateUserPoolDomain", input).await;
    }

    #[tokio::test]
    async fn what_no_domain_can_be_is_refused() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let prefix = json!({ "UserPoolId": pool, "Domain": "login" });
        let name = |name: &str| json!({ "Domain": name });
        let elsewhere = CERTIFICATE.replace("us-east-1", "eu-west-1");
        let too_long = "a".repeat(64);
        let length = format!(
            "1 validation error detected: Value '{too_long}' at 'domain' failed to satisfy \
             constraint: Member must have length less than or equal to 63"
        );
        let failover =
            json!({ "SecondaryRegion": "us-east-1", "PrimaryRoute53HealthCheckId": "h" });
        let routing = json!({ "Routing": { "Failover": failover } });
        for (base, change, message) in [
            (&prefix, name("Login"), INVALID),
            (&prefix, name("auth.example.com"), INVALID),
            (&prefix, name("my-aws"), "Domain cannot contain reserved word: aws"),
            (&prefix, name(&too_long), &length),
            (&prefix, routing.clone(), "Routing is only supported for custom domains."),
            (&prefix, json!({ "ManagedLoginVersion": 3 }), "ManagedLoginVersion must be 1 or 2."),
            (
                &custom(&pool, "auth"),
                json!({}),
                "Custom domain is not a valid subdomain: Was not able to resolve a DNS A record \
                 for the parent domain or domain parent is a top-level domain.",
            ),
            (
                &custom(&pool, "auth.example.com"),
                json!({ "CustomDomainConfig": { "CertificateArn": elsewhere } }),
                "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't \
                 valid, or doesn't include a valid certificate chain.",
            ),
            (
                &custom(&pool, "auth.example.com"),
                routing.clone(),
                "The secondary Region of the failover configuration is not valid.",
            ),
        ] {
            let input = merged(base.clone(), change);
            let refused = stack.refusal("CreateUserPoolDomain", input.clone()).await;
            assert_eq!(refused, invalid(message), "{input}");
        }
        assert_eq!(shown(&stack, &pool).await, (Value::Null, Value::Null));
        let input = merged(prefix, json!({ "UserPoolId": "us-east-1_Nowhere12" }));
        assert_eq!(
            stack.refusal("CreateUserPoolDomain", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }

    #[tokio::test]
    async fn managed_login_needs_a_tier_and_keeps_it() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "UserPoolTier": "LITE" })).await;
        let input = json!({ "UserPoolId": pool, "Domain": "login", "ManagedLoginVersion": 2 });
        let message = "The following feature is not available for the LITE pricing tier \
                       configured: Managed Login Version 2";
        assert_eq!(
            stack.refusal("CreateUserPoolDomain", input.clone()).await,
            error("FeatureUnavailableInTierException", message)
        );
        let tier = |tier: &str| json!({ "UserPoolId": pool, "UserPoolTier": tier });
        stack.ok("UpdateUserPool", tier("ESSENTIALS")).await;
        let answer = stack.ok("CreateUserPoolDomain", input).await;
        assert_eq!(answer, json!({ "ManagedLoginVersion": 2 }));
        let message = "The following features need to be disabled for the LITE pricing tier \
                       configured: Managed Login Version 2";
        assert_eq!(
            stack.refusal("UpdateUserPool", tier("LITE")).await,
            error("FeatureUnavailableInTierException", message)
        );
        let classic = json!({ "UserPoolId": pool, "Domain": "login", "ManagedLoginVersion": 1 });
        stack.ok("UpdateUserPoolDomain", classic).await;
        stack.ok("UpdateUserPool", tier("LITE")).await;
    }
}
