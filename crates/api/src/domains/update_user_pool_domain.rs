//! `UpdateUserPoolDomain`: changes which pages a domain shows, its certificate or its routing.

use poolhouse_domain::{
    domains,
    ports::Ports,
    shapes::{UpdateUserPoolDomainRequest, UpdateUserPoolDomainResponse},
};
use poolhouse_wire::operations::UpdateUserPoolDomain as Op;

use super::settings_refused;
use crate::{failure::Answer, lookup::no_user_pool, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: UpdateUserPoolDomainRequest) -> Answer<Op> {
        let (id, version) = (input.user_pool_id.clone(), input.managed_login_version);
        let mut tx = ports.store.write().await?;
        let pool = tx.user_pool(&id).await?.ok_or_else(|| no_user_pool(&id))?;
        let domain = domains::update(&mut *tx, &pool, input, &ports.identity).await?;
        let domain = domain.map_err(|refused| settings_refused(&refused))?;
        tx.commit().await?;
        ports.directory.forget_domain(domain.name());
        Ok(UpdateUserPoolDomainResponse {
            managed_login_version: version,
            cloud_front_domain: domain.alias_target(),
            routing: domain.settings.routing,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{CERTIFICATE, described};
    use crate::testing::{Stack, error, invalid, merged};

    #[tokio::test]
    async fn what_is_left_out_stays() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let names = json!({ "UserPoolId": pool, "Domain": "auth.example.com" });
        let config = json!({ "CertificateArn": CERTIFICATE, "SecurityPolicy": "TLS_V1_3_2025" });
        let made = merged(names.clone(), json!({ "CustomDomainConfig": config }));
        let made = stack.ok("CreateUserPoolDomain", made).await;
        let mut expected = described(&stack, "auth.example.com").await;

        let input = merged(names.clone(), json!({ "ManagedLoginVersion": 2 }));
        let answer = stack.ok("UpdateUserPoolDomain", input).await;
        let target = &made["CloudFrontDomain"];
        assert_eq!(answer, json!({ "ManagedLoginVersion": 2, "CloudFrontDomain": target }));
        expected["ManagedLoginVersion"] = json!(2);
        assert_eq!(described(&stack, "auth.example.com").await, expected);

        let renewed = CERTIFICATE.replace("certificate/1", "certificate/2");
        let config = json!({ "CertificateArn": renewed });
        let routing = json!({
            "Failover": { "SecondaryRegion": "eu-west-1", "PrimaryRoute53HealthCheckId": "h" },
        });
        let changes = json!({ "CustomDomainConfig": config, "Routing": routing });
        let answer = stack.ok("UpdateUserPoolDomain", merged(names, changes)).await;
        assert_eq!(answer, json!({ "CloudFrontDomain": target, "Routing": routing }));
        expected["CustomDomainConfig"]["CertificateArn"] = json!(renewed);
        expected["Routing"] = routing;
        assert_eq!(described(&stack, "auth.example.com").await, expected);
    }

    #[tokio::test]
    async fn a_prefix_has_pages_only() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let names = json!({ "UserPoolId": pool, "Domain": "login" });
        stack.ok("CreateUserPoolDomain", names.clone()).await;
        assert_eq!(stack.ok("UpdateUserPoolDomain", names.clone()).await, json!({}));
        let config = json!({ "CertificateArn": CERTIFICATE });
        for (change, message) in [
            (json!({ "ManagedLoginVersion": 0 }), "ManagedLoginVersion must be 1 or 2."),
            (
                json!({ "CustomDomainConfig": config }),
                "CustomDomainConfig is only supported for custom domains.",
            ),
        ] {
            let refused =
                stack.refusal("UpdateUserPoolDomain", merged(names.clone(), change)).await;
            assert_eq!(refused, invalid(message));
        }
        let found = described(&stack, "login").await;
        assert_eq!(found["ManagedLoginVersion"], 1);
        assert_eq!(found["CustomDomainConfig"], json!({}));
    }

    #[tokio::test]
    async fn managed_login_needs_a_tier() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "UserPoolTier": "LITE" })).await;
        let names = json!({ "UserPoolId": pool, "Domain": "login" });
        stack.ok("CreateUserPoolDomain", names.clone()).await;
        let input = merged(names, json!({ "ManagedLoginVersion": 2 }));
        let message = "The following feature is not available for the LITE pricing tier \
                       configured: Managed Login Version 2";
        assert_eq!(
            stack.refusal("UpdateUserPoolDomain", input).await,
            error("FeatureUnavailableInTierException", message)
        );
    }

    #[tokio::test]
    async fn the_domain_of_another_pool_is_no_domain_of_this_one() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let names = json!({ "UserPoolId": other, "Domain": "login" });
        stack.ok("CreateUserPoolDomain", names.clone()).await;
        let missing = invalid("No such domain or user pool exists.");
        let nowhere =
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.");
        for operation in ["UpdateUserPoolDomain", "DeleteUserPoolDomain"] {
            for (change, expected) in [
                (json!({ "UserPoolId": pool }), &missing),
                (json!({ "Domain": "none" }), &missing),
                (json!({ "UserPoolId": "us-east-1_Nowhere12" }), &nowhere),
            ] {
                let input = merged(names.clone(), change);
                assert_eq!(&stack.refusal(operation, input).await, expected, "{operation}");
            }
        }
        assert_eq!(described(&stack, "login").await["UserPoolId"], json!(other));
    }
}
