//! `DescribeUserPoolDomain`: whose a domain is, and how it is set up. A domain that nobody has is no
//! error: its description is empty.

use poolhouse_domain::{
    domains::UserPoolDomain,
    ports::Ports,
    shapes::{
        DescribeUserPoolDomainRequest, DescribeUserPoolDomainResponse, DomainDescriptionType,
    },
};
use poolhouse_wire::operations::DescribeUserPoolDomain as Op;

use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DescribeUserPoolDomainRequest) -> Answer<Op> {
        let found = ports.store.read().await?.domain(&input.domain).await?;
        let description = found.map(described).unwrap_or_default();
        Ok(DescribeUserPoolDomainResponse { domain_description: Some(description) })
    }
}

/// What is shown of a domain: a prefix has the settings of a custom domain too, but empty ones.
fn described(domain: UserPoolDomain) -> DomainDescriptionType {
    let mut description = domain.settings;
    description.custom_domain_config.get_or_insert_default();
    description
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Stack;

    #[tokio::test]
    async fn a_domain_that_nobody_has_is_empty() {
        let stack = Stack::new().await;
        for domain in ["none", "auth.example.com", "Not A Domain"] {
            let answer = stack.ok("DescribeUserPoolDomain", json!({ "Domain": domain })).await;
            assert_eq!(answer, json!({ "DomainDescription": {} }));
        }
    }
}
