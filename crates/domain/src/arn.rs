//! Parts of ARNs: `arn:partition:service:region:account:resource`.
//!
//! None of these functions checks the rest of the text: the forms that operations take are the
//! model's patterns.

/// The service, such as `ses`.
pub fn service(arn: &str) -> Option<&str> {
    part(arn, 2)
}

/// The region. It is there but empty where the service's resources have none, such as buckets.
pub fn region(arn: &str) -> Option<&str> {
    part(arn, 3)
}

/// The account.
pub fn account(arn: &str) -> Option<&str> {
    part(arn, 4)
}

/// What is named, such as `certificate/1a`. It may have colons of its own.
pub fn resource(arn: &str) -> Option<&str> {
    part(arn, 5)
}

/// The id in the ARN of a user pool.
pub fn user_pool_id(arn: &str) -> Option<&str> {
    arn.split_once(":userpool/").map(|(_, id)| id)
}

fn part(arn: &str, index: usize) -> Option<&str> {
    arn.splitn(6, ':').nth(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_has_parts() {
        let group = "arn:aws:logs:us-east-1:123456789012:log-group:pool:*";
        assert_eq!(service(group), Some("logs"));
        assert_eq!(region(group), Some("us-east-1"));
        assert_eq!(account(group), Some("123456789012"));
        assert_eq!(resource(group), Some("log-group:pool:*"));
        assert_eq!(user_pool_id(group), None);
        let bucket = "arn:aws:s3:::a";
        assert_eq!((region(bucket), account(bucket)), (Some(""), Some("")));
        let pool = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_A";
        assert_eq!(user_pool_id(pool), Some("us-east-1_A"));
        assert_eq!(
            (service("arn"), region(""), account("a:b"), resource("x")),
            (None, None, None, None)
        );
    }
}
