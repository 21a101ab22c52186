//! Prints a code as a custom sender gets it, under a key of a key service: to try a function without
//! a sign-up.
//!
//! ```text
//! cargo run -p poolhouse-adapters --example encrypt_code -- ENDPOINT KEY_ARN USER_POOL_ID CODE
//! ```
//!
//! The endpoint may be that of `poolhouse dev`. Access key and region are read from the variables of
//! AWS's own tools.

use std::{env, error::Error, sync::Arc};

use poolhouse_adapters::{
    clock::SystemClock,
    entropy::SystemEntropy,
    kms::{AccessKey, Kms, KmsSettings},
};
use poolhouse_domain::code_encryption::encrypt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [endpoint, key_arn, user_pool_id, code] = arguments.as_slice() else {
        return Err("needs: ENDPOINT KEY_ARN USER_POOL_ID CODE".into());
    };
    let id = env::var("AWS_ACCESS_KEY_ID").unwrap_or_else(|_| "dev".to_owned());
    let secret = env::var("AWS_SECRET_ACCESS_KEY").unwrap_or_else(|_| "dev".to_owned());
    let settings = KmsSettings {
        endpoint: Some(endpoint.clone()),
        region: env::var("AWS_REGION").unwrap_or_else(|_| "us-east-1".to_owned()),
        access_key: AccessKey::new(&id, &secret, env::var("AWS_SESSION_TOKEN").ok()),
    };
    let kms = Kms::new(settings, Arc::new(SystemClock))?;
    println!("{}", encrypt(&kms, &SystemEntropy, key_arn, user_pool_id, code).await?);
    Ok(())
}
