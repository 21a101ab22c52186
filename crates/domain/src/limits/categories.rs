//! Which operations share a rate.

use poolhouse_wire::OperationName as Name;

/// Operations that share one rate of an account. The members, the rates and which of them can be
/// adjusted are those of the developer guide's page of quotas; where it does not name an operation,
/// its category is a belief.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Sign-in and renewal of tokens.
    UserAuthentication,
    /// Sign-up and creation by administrators.
    UserCreation,
    /// Sign-in through identity providers.
    UserFederation,
    /// Changes of passwords.
    UserAccountRecovery,
    /// Reading a user.
    UserRead,
    /// Changing a user.
    UserUpdate,
    /// Revoking tokens.
    UserToken,
    /// Reading what belongs to a user.
    UserResourceRead,
    /// Changing what belongs to a user.
    UserResourceUpdate,
    /// Listing users.
    UserList,
    /// Reading user pools.
    UserPoolRead,
    /// Changing user pools.
    UserPoolUpdate,
    /// Reading what belongs to a user pool.
    UserPoolResourceRead,
    /// Changing what belongs to a user pool.
    UserPoolResourceUpdate,
    /// Reading app clients.
    UserPoolClientRead,
    /// Changing app clients.
    UserPoolClientUpdate,
    /// Tokens for app clients themselves.
    ClientAuthentication,
    /// Provisioned limits.
    LimitManagement,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 18] = [
        Self::UserAuthentication,
        Self::UserCreation,
        Self::UserFederation,
        Self::UserAccountRecovery,
        Self::UserRead,
        Self::UserUpdate,
        Self::UserToken,
        Self::UserResourceRead,
        Self::UserResourceUpdate,
        Self::UserList,
        Self::UserPoolRead,
        Self::UserPoolUpdate,
        Self::UserPoolResourceRead,
        Self::UserPoolResourceUpdate,
        Self::UserPoolClientRead,
        Self::UserPoolClientUpdate,
        Self::ClientAuthentication,
        Self::LimitManagement,
    ];

    /// The name in requests, in the configuration and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserAuthentication => "UserAuthentication",
            Self::UserCreation => "UserCreation",
            Self::UserFederation => "UserFederation",
            Self::UserAccountRecovery => "UserAccountRecovery",
            Self::UserRead => "UserRead",
            Self::UserUpdate => "UserUpdate",
            Self::UserToken => "UserToken",
            Self::UserResourceRead => "UserResourceRead",
            Self::UserResourceUpdate => "UserResourceUpdate",
            Self::UserList => "UserList",
            Self::UserPoolRead => "UserPoolRead",
            Self::UserPoolUpdate => "UserPoolUpdate",
            Self::UserPoolResourceRead => "UserPoolResourceRead",
            Self::UserPoolResourceUpdate => "UserPoolResourceUpdate",
            Self::UserPoolClientRead => "UserPoolClientRead",
            Self::UserPoolClientUpdate => "UserPoolClientUpdate",
            Self::ClientAuthentication => "ClientAuthentication",
            Self::LimitManagement => "LimitManagement",
        }
    }

    /// The category of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == name)
    }

    /// Requests per second that an account has without asking.
    pub const fn usual_rate(self) -> u32 {
        match self {
            Self::UserAuthentication | Self::UserRead | Self::UserToken => 120,
            Self::ClientAuthentication => 150,
            Self::UserCreation | Self::UserResourceRead => 50,
            Self::UserAccountRecovery | Self::UserList => 30,
            Self::UserFederation | Self::UserUpdate | Self::UserResourceUpdate => 25,
            Self::UserPoolResourceRead => 20,
            Self::UserPoolRead
            | Self::UserPoolUpdate
            | Self::UserPoolResourceUpdate
            | Self::UserPoolClientRead
            | Self::UserPoolClientUpdate => 15,
            Self::LimitManagement => 1,
        }
    }

    /// Whether `UpdateProvisionedLimit` can change the rate.
    pub const fn is_adjustable(self) -> bool {
        matches!(
            self,
            Self::UserAuthentication
                | Self::UserCreation
                | Self::UserFederation
                | Self::UserRead
                | Self::UserToken
                | Self::UserResourceRead
        )
    }

    /// Whether each operation has a rate for each user pool besides.
    pub const fn is_limited_by_pool(self) -> bool {
        matches!(
            self,
            Self::UserPoolResourceRead
                | Self::UserPoolResourceUpdate
                | Self::UserPoolClientRead
                | Self::UserPoolClientUpdate
        )
    }

    /// Whether its operations leave users as they are.
    pub const fn is_reading(self) -> bool {
        matches!(self, Self::UserRead | Self::UserResourceRead)
    }
}

/// The category of an operation. Each is named here: one that is new does not compile until it is.
pub const fn category(operation: Name) -> Category {
    match operation {
        Name::AdminInitiateAuth
        | Name::AdminRespondToAuthChallenge
        | Name::GetTokensFromRefreshToken
        | Name::InitiateAuth
        | Name::RespondToAuthChallenge => Category::UserAuthentication,
        Name::AdminConfirmSignUp | Name::AdminCreateUser | Name::ConfirmSignUp | Name::SignUp => {
            Category::UserCreation
        }
        Name::AdminResetUserPassword
        | Name::AdminSetUserPassword
        | Name::ChangePassword
        | Name::ConfirmForgotPassword
        | Name::ForgotPassword => Category::UserAccountRecovery,
        Name::AdminGetUser
        | Name::AdminGetUserAuthFactors
        | Name::GetUser
        | Name::GetUserAuthFactors => Category::UserRead,
        Name::AdminAddUserToGroup
        | Name::AdminDeleteUser
        | Name::AdminDeleteUserAttributes
        | Name::AdminDisableProviderForUser
        | Name::AdminDisableUser
        | Name::AdminEnableUser
        | Name::AdminLinkProviderForUser
        | Name::AdminRemoveUserFromGroup
        | Name::AdminUpdateUserAttributes
        | Name::AdminUserGlobalSignOut
        | Name::DeleteUser
        | Name::DeleteUserAttributes
        | Name::GlobalSignOut
        | Name::UpdateUserAttributes
        | Name::VerifyUserAttribute => Category::UserUpdate,
        Name::RevokeToken => Category::UserToken,
        Name::GetClientToken | Name::GetDerivedToken => Category::ClientAuthentication,
        Name::AdminGetDevice
        | Name::AdminListDevices
        | Name::AdminListGroupsForUser
        | Name::AdminListUserAuthEvents
        | Name::AdminListUserSessions
        | Name::GetDevice
        | Name::GetUserAttributeVerificationCode
        | Name::ListDevices
        | Name::ListUserSessions
        | Name::ListWebAuthnCredentials
        | Name::ResendConfirmationCode => Category::UserResourceRead,
        Name::AdminDeleteSoftwareToken
        | Name::AdminForgetDevice
        | Name::AdminRevokeUserSession
        | Name::AdminSetUserMFAPreference
        | Name::AdminSetUserSettings
        | Name::AdminUpdateAuthEventFeedback
        | Name::AdminUpdateDeviceStatus
        | Name::AssociateSoftwareToken
        | Name::CompleteWebAuthnRegistration
        | Name::ConfirmDevice
        | Name::DeleteWebAuthnCredential
        | Name::ForgetDevice
        | Name::RevokeUserSession
        | Name::SetUserMFAPreference
        | Name::SetUserSettings
        | Name::StartWebAuthnRegistration
        | Name::UpdateAuthEventFeedback
        | Name::UpdateDeviceStatus
        | Name::VerifySoftwareToken => Category::UserResourceUpdate,
        Name::ListUsers | Name::ListUsersInGroup => Category::UserList,
        Name::DescribeUserPool | Name::ListUserPools => Category::UserPoolRead,
        Name::CreateUserPool | Name::DeleteUserPool | Name::UpdateUserPool => {
            Category::UserPoolUpdate
        }
        Name::DescribeIdentityProvider
        | Name::DescribeManagedLoginBranding
        | Name::DescribeManagedLoginBrandingByClient
        | Name::DescribeResourceServer
        | Name::DescribeRiskConfiguration
        | Name::DescribeTerms
        | Name::DescribeTermsByClient
        | Name::DescribeUserImportJob
        | Name::DescribeUserPoolDomain
        | Name::GetCSVHeader
        | Name::GetGroup
        | Name::GetIdentityProviderByIdentifier
        | Name::GetLogDeliveryConfiguration
        | Name::GetSigningCertificate
        | Name::GetUICustomization
        | Name::GetUserPoolMfaConfig
        | Name::GetUserPoolSessionConfiguration
        | Name::ListGroups
        | Name::ListIdentityProviders
        | Name::ListResourceServers
        | Name::ListTagsForResource
        | Name::ListTerms
        | Name::ListUserImportJobs
        | Name::ListUserPoolReplicas => Category::UserPoolResourceRead,
        Name::AddCustomAttributes
        | Name::CreateGroup
        | Name::CreateIdentityProvider
        | Name::CreateManagedLoginBranding
        | Name::CreateResourceServer
        | Name::CreateTerms
        | Name::CreateUserImportJob
        | Name::CreateUserPoolDomain
        | Name::CreateUserPoolReplica
        | Name::DeleteGroup
        | Name::DeleteIdentityProvider
        | Name::DeleteManagedLoginBranding
        | Name::DeleteResourceServer
        | Name::DeleteTerms
        | Name::DeleteUserPoolDomain
        | Name::DeleteUserPoolReplica
        | Name::SetLogDeliveryConfiguration
        | Name::SetRiskConfiguration
        | Name::SetUICustomization
        | Name::SetUserPoolMfaConfig
        | Name::SetUserPoolSessionConfiguration
        | Name::StartUserImportJob
        | Name::StopUserImportJob
        | Name::TagResource
        | Name::UntagResource
        | Name::UpdateGroup
        | Name::UpdateIdentityProvider
        | Name::UpdateManagedLoginBranding
        | Name::UpdateResourceServer
        | Name::UpdateTerms
        | Name::UpdateUserPoolDomain
        | Name::UpdateUserPoolReplica => Category::UserPoolResourceUpdate,
        Name::DescribeUserPoolClient
        | Name::GetUserPoolClientSessionConfiguration
        | Name::ListUserPoolClientSecrets
        | Name::ListUserPoolClients => Category::UserPoolClientRead,
        Name::AddUserPoolClientSecret
        | Name::CreateUserPoolClient
        | Name::DeleteUserPoolClient
        | Name::DeleteUserPoolClientSecret
        | Name::SetUserPoolClientSessionConfiguration
        | Name::UpdateUserPoolClient => Category::UserPoolClientUpdate,
        Name::GetProvisionedLimit | Name::UpdateProvisionedLimit => Category::LimitManagement,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_categories() {
        for category in Category::ALL {
            assert_eq!(Category::named(category.as_str()), Some(category));
        }
        assert_eq!(Category::named("userread"), None);
    }

    #[test]
    fn an_operation_that_reads_is_in_no_category_of_changes() {
        for operation in Name::ALL {
            let name = operation.as_str();
            let verb = name.strip_prefix("Admin").unwrap_or(name);
            let is_reading = ["Get", "List", "Describe"].iter().any(|read| verb.starts_with(read));
            let category = category(operation).as_str();
            if is_reading {
                assert!(!category.ends_with("Update"), "{name} is in {category}");
            } else {
                // Sending a code again counts as reading, as the guide has it.
                let is_odd = name == "ResendConfirmationCode";
                assert!(is_odd || !category.ends_with("Read"), "{name} is in {category}");
            }
        }
        let limits = |operation| category(operation) == Category::LimitManagement;
        assert_eq!(Name::ALL.into_iter().filter(|name| limits(*name)).count(), 2);
    }
}
