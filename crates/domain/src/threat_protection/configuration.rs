//! What a pool or an app client wants done at which risk.

use super::RiskConfigurations;
use crate::{
    arn,
    attributes::Contact,
    network::Network,
    ports::Identity,
    regions,
    shapes::{
        AccountTakeoverActionType, AccountTakeoverActionsType, AccountTakeoverEventActionType,
        AccountTakeoverRiskConfigurationType, CompromisedCredentialsActionsType,
        CompromisedCredentialsEventActionType, CompromisedCredentialsRiskConfigurationType,
        EventFilterType, NotifyConfigurationType, RiskConfigurationType, RiskLevelType,
    },
};

/// Why a configuration can't be had. The texts are beliefs, but for those that say so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RiskRefused {
    /// An entry of a list of addresses is no range. (The text is the service's.)
    #[error("Incorrect CIDR format")]
    NoRange,
    /// A range is in both lists.
    #[error("{0} can not be both a blocked and a skipped IP range.")]
    BlockedAndSkipped(String),
    /// A higher risk has a milder action than a lower one.
    #[error(
        "The action for a higher risk level can not be milder than the action for a lower one."
    )]
    Milder,
    /// Somebody is to be notified, and it is not said how.
    #[error("NotifyConfiguration is required when Notify is true.")]
    NotifyWithoutConfiguration,
    /// A sender's or reply address is none. (The text is the service's for the sender of a pool.)
    #[error("Provided {0} email address is invalid")]
    BadAddress(&'static str),
    /// The mail identity is where mail can't be sent from for this pool. (The text is the service's.)
    #[error(
        "Invalid NotifyConfiguration.SourceArn. Provided SourceArn must be in one of the following SES regions: {0}."
    )]
    SesRegion(String),
    /// The mail identity is none, or somebody else's.
    #[error("Cognito is not allowed to use your email identity")]
    ForeignIdentity,
}

/// Whether a configuration can be set.
pub fn check(settings: &RiskConfigurationType, identity: &Identity) -> Result<(), RiskRefused> {
    if let Some(takeover) = &settings.account_takeover_risk_configuration {
        check_actions(&takeover.actions)?;
        match &takeover.notify_configuration {
            Some(notify) => check_notify(notify, identity)?,
            None if notifies(&takeover.actions) => {
                return Err(RiskRefused::NotifyWithoutConfiguration);
            }
            None => {}
        }
    }
    let Some(exceptions) = &settings.risk_exception_configuration else { return Ok(()) };
    let blocked = exceptions.blocked_ip_range_list.as_deref().unwrap_or_default();
    let skipped = exceptions.skipped_ip_range_list.as_deref().unwrap_or_default();
    if !blocked.iter().chain(skipped).all(|range| Network::parse(range).is_some()) {
        return Err(RiskRefused::NoRange);
    }
    match blocked.iter().find(|range| skipped.contains(range)) {
        Some(range) => Err(RiskRefused::BlockedAndSkipped(range.clone())),
        None => Ok(()),
    }
}

/// Whether actions grow with the risk. A level without action counts as one of no action.
fn check_actions(actions: &AccountTakeoverActionsType) -> Result<(), RiskRefused> {
    let levels = [&actions.low_action, &actions.medium_action, &actions.high_action];
    let severities = levels.map(|action| {
        action.as_ref().map_or(0, |action| match action.event_action {
            AccountTakeoverEventActionType::NoAction => 0,
            AccountTakeoverEventActionType::MfaIfConfigured => 1,
            AccountTakeoverEventActionType::MfaRequired => 2,
            AccountTakeoverEventActionType::Block => 3,
        })
    });
    if severities.is_sorted() { Ok(()) } else { Err(RiskRefused::Milder) }
}

/// Whether somebody is notified at any level.
fn notifies(actions: &AccountTakeoverActionsType) -> bool {
    let levels = [&actions.low_action, &actions.medium_action, &actions.high_action];
    levels.into_iter().flatten().any(|action| action.notify)
}

fn check_notify(notify: &NotifyConfigurationType, identity: &Identity) -> Result<(), RiskRefused> {
    // `Name <address>` is an address too.
    let is_address = |text: &String| {
        let bare = text.trim_end_matches('>').rsplit('<').next().unwrap_or_default();
        Contact::Email.accepts(bare)
    };
    if notify.from.as_ref().is_some_and(|from| !is_address(from)) {
        return Err(RiskRefused::BadAddress("From"));
    }
    if notify.reply_to.as_ref().is_some_and(|reply_to| !is_address(reply_to)) {
        return Err(RiskRefused::BadAddress("ReplyTo"));
    }
    let sender = &notify.source_arn;
    regions::check_mail(sender, &identity.region).map_err(RiskRefused::SesRegion)?;
    let is_ours = arn::service(sender) == Some("ses") && identity.owns(sender);
    if is_ours { Ok(()) } else { Err(RiskRefused::ForeignIdentity) }
}

/// What is in effect: of each section the app client's, or else the pool's, or else the default.
///
/// That sections are inherited one by one is a belief.
pub fn in_effect(
    stored: RiskConfigurations,
    user_pool_id: &str,
    client_id: Option<&str>,
) -> RiskConfigurationType {
    let client = stored.client.unwrap_or_default();
    let pool = stored.pool.unwrap_or_default();
    let mut compromised = client
        .compromised_credentials_risk_configuration
        .or(pool.compromised_credentials_risk_configuration)
        .unwrap_or_else(compromised_default);
    compromised.event_filter.get_or_insert_with(every_event);
    let takeover = client
        .account_takeover_risk_configuration
        .or(pool.account_takeover_risk_configuration)
        .unwrap_or_else(takeover_default);
    RiskConfigurationType {
        user_pool_id: Some(user_pool_id.to_owned()),
        client_id: client_id.map(|id| id.to_owned().into()),
        compromised_credentials_risk_configuration: Some(compromised),
        account_takeover_risk_configuration: Some(takeover),
        risk_exception_configuration: client
            .risk_exception_configuration
            .or(pool.risk_exception_configuration),
        last_modified_date: client.last_modified_date.or(pool.last_modified_date),
    }
}

/// Whether a configuration says nothing: it stands for the defaults, or for inheriting.
pub const fn is_reset(settings: &RiskConfigurationType) -> bool {
    settings.compromised_credentials_risk_configuration.is_none()
        && settings.account_takeover_risk_configuration.is_none()
        && settings.risk_exception_configuration.is_none()
}

/// Compromised passwords are blocked wherever they show.
fn compromised_default() -> CompromisedCredentialsRiskConfigurationType {
    let event_action = CompromisedCredentialsEventActionType::Block;
    CompromisedCredentialsRiskConfigurationType {
        event_filter: Some(every_event()),
        actions: CompromisedCredentialsActionsType { event_action },
    }
}

fn every_event() -> Vec<EventFilterType> {
    vec![EventFilterType::SignIn, EventFilterType::PasswordChange, EventFilterType::SignUp]
}

/// Any risk is blocked, and nobody is told.
fn takeover_default() -> AccountTakeoverRiskConfigurationType {
    let event_action = AccountTakeoverEventActionType::Block;
    let block = || Some(AccountTakeoverActionType { notify: false, event_action });
    AccountTakeoverRiskConfigurationType {
        notify_configuration: None,
        actions: AccountTakeoverActionsType {
            low_action: block(),
            medium_action: block(),
            high_action: block(),
        },
    }
}

/// What is to be done at a risk.
pub(super) fn action(
    settings: &RiskConfigurationType,
    level: RiskLevelType,
) -> AccountTakeoverEventActionType {
    let whole = whole_action(settings, level);
    whole.map_or(AccountTakeoverEventActionType::NoAction, |action| action.event_action)
}

/// How the user is to be told of a risk, if they are.
pub(super) fn notification(
    settings: &RiskConfigurationType,
    level: RiskLevelType,
) -> Option<&NotifyConfigurationType> {
    whole_action(settings, level).filter(|action| action.notify)?;
    settings.account_takeover_risk_configuration.as_ref()?.notify_configuration.as_ref()
}

fn whole_action(
    settings: &RiskConfigurationType,
    level: RiskLevelType,
) -> Option<&AccountTakeoverActionType> {
    let actions = &settings.account_takeover_risk_configuration.as_ref()?.actions;
    match level {
        RiskLevelType::Low => actions.low_action.as_ref(),
        RiskLevelType::Medium => actions.medium_action.as_ref(),
        RiskLevelType::High => actions.high_action.as_ref(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::RiskExceptionConfigurationType;
    use crate::tokens::issuer::Issuers;
    use AccountTakeoverEventActionType as Action;

    fn takeover(actions: [Option<Action>; 3]) -> RiskConfigurationType {
        let [low_action, medium_action, high_action] = actions.map(|action| {
            action.map(|event_action| AccountTakeoverActionType { notify: false, event_action })
        });
        RiskConfigurationType {
            account_takeover_risk_configuration: Some(AccountTakeoverRiskConfigurationType {
                notify_configuration: None,
                actions: AccountTakeoverActionsType { low_action, medium_action, high_action },
            }),
            ..RiskConfigurationType::default()
        }
    }

    fn identity() -> Identity {
        Identity {
            region: "us-east-1".to_owned(),
            account_id: "123456789012".to_owned(),
            issuer_base: String::new(),
            issuers: Issuers::Own,
            domain_suffix: None,
        }
    }

    #[test]
    fn a_higher_risk_has_no_milder_action() {
        let check = |actions| check(&takeover(actions), &identity());
        assert_eq!(
            check([Some(Action::NoAction), Some(Action::MfaRequired), Some(Action::Block)]),
            Ok(())
        );
        assert_eq!(check([None, None, Some(Action::MfaIfConfigured)]), Ok(()));
        assert_eq!(check([None, Some(Action::Block), None]), Err(RiskRefused::Milder));
        let falling =
            [Some(Action::MfaRequired), Some(Action::MfaIfConfigured), Some(Action::Block)];
        assert_eq!(check(falling), Err(RiskRefused::Milder));
    }

    #[test]
    fn sections_are_inherited_one_by_one() {
        let pool = takeover([None, None, Some(Action::Block)]);
        let ranges = RiskExceptionConfigurationType {
            blocked_ip_range_list: Some(vec!["192.0.2.0/24".to_owned()]),
            skipped_ip_range_list: None,
        };
        let client = RiskConfigurationType {
            risk_exception_configuration: Some(ranges),
            ..RiskConfigurationType::default()
        };
        let stored = RiskConfigurations { pool: Some(pool.clone()), client: Some(client.clone()) };
        let effective = in_effect(stored, "pool", Some("client"));
        assert_eq!(action(&effective, RiskLevelType::Low), Action::NoAction);
        assert_eq!(action(&effective, RiskLevelType::High), Action::Block);
        assert_eq!(effective.risk_exception_configuration, client.risk_exception_configuration);
        let nothing = in_effect(RiskConfigurations::default(), "pool", None);
        assert_eq!(action(&nothing, RiskLevelType::Low), Action::Block);
        assert!(!is_reset(&nothing) && is_reset(&RiskConfigurationType::default()));
    }
}
