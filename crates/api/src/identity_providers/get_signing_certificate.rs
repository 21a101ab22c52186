//! `GetSigningCertificate`: the certificate by which SAML providers check what a pool sends them.

use base64::{Engine, engine::general_purpose::STANDARD};
use poolhouse_domain::{
    identity_providers::certificate,
    ports::Ports,
    shapes::{GetSigningCertificateRequest, GetSigningCertificateResponse},
};
use poolhouse_wire::operations::GetSigningCertificate as Op;

use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: GetSigningCertificateRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let der = certificate::of_pool(ports, pool.id()).await?;
        // Base64 without the frame of PEM: a belief.
        Ok(GetSigningCertificateResponse { certificate: Some(STANDARD.encode(der)) })
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde_json::json;

    use crate::testing::{Stack, error, text};

    const YEAR: i64 = 365 * 86_400;

    async fn certificate(stack: &Stack, pool: &str) -> Vec<u8> {
        let answer = stack.ok("GetSigningCertificate", json!({ "UserPoolId": pool })).await;
        assert_eq!(answer.as_object().unwrap().len(), 1);
        STANDARD.decode(text(&answer["Certificate"])).unwrap()
    }

    fn holds(der: &[u8], bytes: &[u8]) -> bool {
        der.windows(bytes.len()).any(|window| window == bytes)
    }

    #[tokio::test]
    async fn a_pool_has_one_certificate_for_ten_years() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let der = certificate(&stack, &pool).await;
        assert_eq!(der[..2], [0x30, 0x82]);
        assert!(holds(&der, pool.as_bytes()), "the pool is its subject");
        // 2026-01-01 to 2036-01-01, as UTCTime.
        assert!(holds(&der, b"260101000000Z") && holds(&der, b"360101000000Z"));
        assert_eq!(certificate(&stack, &pool).await, der);
        assert_ne!(certificate(&stack, &other).await, der);
    }

    #[tokio::test]
    async fn the_certificate_is_renewed_every_year_over_the_same_key() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let first = certificate(&stack, &pool).await;
        let mut view = stack.ports.store.read().await.unwrap();
        let key = view.saml_key(&pool).await.unwrap().unwrap();
        stack.advance(YEAR - 1);
        assert_eq!(certificate(&stack, &pool).await, first);
        stack.advance(1);
        let second = certificate(&stack, &pool).await;
        assert_ne!(second, first);
        assert!(holds(&second, b"270101000000Z"));
        assert_eq!(certificate(&stack, &pool).await, second);
        let renewed = view.saml_key(&pool).await.unwrap().unwrap();
        assert_eq!(renewed.pkcs8, key.pkcs8);
        assert_eq!(renewed.certificate, second);
    }

    #[tokio::test]
    async fn an_unknown_pool_is_not_found() {
        let stack = Stack::new().await;
        let input = json!({ "UserPoolId": "us-east-1_Nowhere12" });
        assert_eq!(
            stack.refusal("GetSigningCertificate", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
