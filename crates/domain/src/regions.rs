//! From which regions other services of the provider work for the user pools of a region.

use std::collections::BTreeSet;

use crate::arn;

/// Regions whose mail service can send for pools of any region.
const MAIL: [&str; 3] = ["eu-west-1", "us-east-1", "us-west-2"];

/// Regions that send text messages for pools of another region, besides the pool's own. (From the
/// developer guide's table, by memory: a belief.)
const TEXT_MESSAGES: [(&str, &str); 6] = [
    ("us-east-2", "us-east-1"),
    ("ca-central-1", "us-east-1"),
    ("eu-central-1", "eu-west-1"),
    ("eu-west-2", "eu-west-1"),
    ("ap-northeast-2", "ap-northeast-1"),
    ("ap-south-1", "ap-southeast-1"),
];

/// The region whose analytics work for pools of any region. (From the developer guide's table, by
/// memory: a belief.)
const ANALYTICS: &str = "us-east-1";

/// Whether mail can be sent for pools of this region from where this identity is. If not, the
/// regions from which it can, as refusals list them.
pub(crate) fn check_mail(identity: &str, own: &str) -> Result<(), String> {
    let regions: BTreeSet<&str> = MAIL.into_iter().chain([own]).collect();
    if arn::region(identity).is_some_and(|region| regions.contains(region)) {
        return Ok(());
    }
    Err(regions.into_iter().collect::<Vec<_>>().join(", "))
}

/// Whether text messages can be sent for pools of this region from another.
pub(crate) fn may_send_text_messages(own: &str, other: &str) -> bool {
    other == own || TEXT_MESSAGES.contains(&(own, other))
}

/// Whether events of pools of this region can be analysed in another.
pub(crate) fn may_analyse(own: &str, other: &str) -> bool {
    other == own || other == ANALYTICS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_comes_from_the_own_region_or_one_of_three() {
        let identity =
            |region: &str| format!("arn:aws:ses:{region}:123456789012:identity/a.example");
        assert_eq!(check_mail(&identity("ap-south-1"), "ap-south-1"), Ok(()));
        assert_eq!(check_mail(&identity("eu-west-1"), "ap-south-1"), Ok(()));
        let regions = "ap-south-1, eu-west-1, us-east-1, us-west-2".to_owned();
        assert_eq!(check_mail(&identity("eu-west-2"), "ap-south-1"), Err(regions));
    }

    #[test]
    fn text_messages_come_from_the_own_region_or_its_stand_in() {
        assert!(may_send_text_messages("eu-west-3", "eu-west-3"));
        assert!(may_send_text_messages("eu-west-2", "eu-west-1"));
        assert!(!may_send_text_messages("eu-west-1", "eu-west-2"));
    }

    #[test]
    fn analytics_are_in_the_own_region_or_in_one_other() {
        assert!(may_analyse("eu-west-1", "eu-west-1") && may_analyse("eu-west-1", "us-east-1"));
        assert!(!may_analyse("us-east-1", "eu-west-1"));
    }
}
