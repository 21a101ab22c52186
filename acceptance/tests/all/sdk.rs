//! The official SDK for Rust: one user's life from the sign-up to the global sign-out.

use std::collections::HashMap;

use aws_sdk_cognitoidentityprovider::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_cognitoidentityprovider::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentityprovider::types::{
    AttributeType, AuthFlowType, AuthenticationResultType, ChallengeNameType,
    ExplicitAuthFlowsType, SoftwareTokenMfaConfigType, SoftwareTokenMfaSettingsType,
    UserPoolMfaType, UsernameAttributeType, VerifiedAttributeType, VerifySoftwareTokenResponseType,
};
use aws_sdk_cognitoidentityprovider::{Client, Config};
use poolhouse_acceptance::pool::PASSWORD;
use poolhouse_acceptance::{Engine, Server, Store, both_engines, unique};

use crate::authenticator::Authenticator;

both_engines!(a_user_signs_up_sets_up_totp_signs_in_and_signs_out_everywhere);

const EMAIL: &str = "alice+sdk@example.com";

/// The SDK, told only where the server is. It signs as it would for the service.
fn sdk(server: &Server) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(server.endpoint())
        .credentials_provider(Credentials::from_keys("AKIDEXAMPLE", "any secret", None))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

async fn a_user_signs_up_sets_up_totp_signs_in_and_signs_out_everywhere(engine: Engine) {
    let store = Store::fresh(engine).await;
    let server = Server::dev(&store).await;
    let idp = sdk(&server);
    let (pool, client) = make_pool(&idp).await;

    sign_up(&idp, &server, &pool, &client).await;
    let tokens = sign_in(&idp, &client).await.authentication_result.expect("no challenge yet");
    let mut phone = set_up_totp(&idp, tokens.access_token().unwrap()).await;
    let tokens = sign_in_with_totp(&idp, &client, &mut phone).await;

    let access_token = tokens.access_token().unwrap();
    let user = idp.get_user().access_token(access_token).send().await.unwrap();
    assert_eq!(user.user_mfa_setting_list(), ["SOFTWARE_TOKEN_MFA"]);
    assert_eq!(user.preferred_mfa_setting(), Some("SOFTWARE_TOKEN_MFA"));
    let attributes: HashMap<&str, &str> = user
        .user_attributes()
        .iter()
        .filter_map(|attribute| Some((attribute.name(), attribute.value()?)))
        .collect();
    assert_eq!(attributes["email"], EMAIL);
    assert_eq!(attributes["email_verified"], "true");
    assert_eq!(attributes["sub"], user.username());

    let refresh_token = tokens.refresh_token().unwrap();
    let refreshed = refresh(&idp, &client, refresh_token).await.unwrap();
    assert!(refreshed.access_token().is_some() && refreshed.id_token().is_some());
    let refreshed = refreshed.access_token().unwrap();
    idp.global_sign_out().access_token(refreshed).send().await.unwrap();

    for token in [access_token, refreshed] {
        let error = idp.get_user().access_token(token).send().await.unwrap_err();
        assert_refused(&error, "NotAuthorizedException", "Access Token has been revoked");
    }
    let error = refresh(&idp, &client, refresh_token).await.unwrap_err();
    assert_refused(&error, "NotAuthorizedException", "Refresh Token has been revoked");
}

/// A pool whose users sign in with their verified address, and an app client.
async fn make_pool(idp: &Client) -> (String, String) {
    let pool = idp
        .create_user_pool()
        .pool_name(unique("sdk"))
        .username_attributes(UsernameAttributeType::Email)
        .auto_verified_attributes(VerifiedAttributeType::Email)
        .send()
        .await
        .unwrap();
    let pool = pool.user_pool().unwrap().id().unwrap().to_owned();
    let totp = SoftwareTokenMfaConfigType::builder().enabled(true).build();
    let mfa = idp
        .set_user_pool_mfa_config()
        .user_pool_id(&pool)
        .mfa_configuration(UserPoolMfaType::Optional)
        .software_token_mfa_configuration(totp)
        .send()
        .await
        .unwrap();
    assert_eq!(mfa.mfa_configuration(), Some(&UserPoolMfaType::Optional));
    assert!(mfa.software_token_mfa_configuration().unwrap().enabled());
    let client = idp
        .create_user_pool_client()
        .user_pool_id(&pool)
        .client_name("sdk")
        .explicit_auth_flows(ExplicitAuthFlowsType::AllowUserPasswordAuth)
        .explicit_auth_flows(ExplicitAuthFlowsType::AllowRefreshTokenAuth)
        .send()
        .await
        .unwrap();
    let client = client.user_pool_client().unwrap().client_id().unwrap().to_owned();
    (pool, client)
}

async fn sign_up(idp: &Client, server: &Server, pool: &str, client: &str) {
    let email = AttributeType::builder().name("email").value(EMAIL).build().unwrap();
    let user = idp
        .sign_up()
        .client_id(client)
        .username(EMAIL)
        .password(PASSWORD)
        .user_attributes(email)
        .send()
        .await
        .unwrap();
    assert!(!user.user_confirmed());
    let delivery = user.code_delivery_details().unwrap();
    assert_eq!(delivery.attribute_name(), Some("email"));
    let codes = server.client().codes_for(pool, EMAIL).await;
    idp.confirm_sign_up()
        .client_id(client)
        .username(EMAIL)
        .confirmation_code(&codes[0])
        .send()
        .await
        .unwrap();
}

type SignedIn = aws_sdk_cognitoidentityprovider::operation::initiate_auth::InitiateAuthOutput;

async fn sign_in(idp: &Client, client: &str) -> SignedIn {
    idp.initiate_auth()
        .auth_flow(AuthFlowType::UserPasswordAuth)
        .client_id(client)
        .auth_parameters("USERNAME", EMAIL)
        .auth_parameters("PASSWORD", PASSWORD)
        .send()
        .await
        .unwrap()
}

/// Associates and verifies a token and makes it the preferred factor.
async fn set_up_totp(idp: &Client, access_token: &str) -> Authenticator {
    let associated =
        idp.associate_software_token().access_token(access_token).send().await.unwrap();
    let mut phone = Authenticator::new(associated.secret_code().unwrap());
    let wrong = idp.verify_software_token().access_token(access_token);
    let error = wrong.user_code(phone.wrong_code()).send().await.unwrap_err();
    let message = "Code mismatch and fail enable Software Token MFA";
    assert_refused(&error, "EnableSoftwareTokenMFAException", message);
    let verified = idp
        .verify_software_token()
        .access_token(access_token)
        .user_code(phone.code().unwrap())
        .friendly_device_name("telephone")
        .send()
        .await
        .unwrap();
    assert_eq!(verified.status(), Some(&VerifySoftwareTokenResponseType::Success));
    let settings =
        SoftwareTokenMfaSettingsType::builder().enabled(true).preferred_mfa(true).build();
    idp.set_user_mfa_preference()
        .access_token(access_token)
        .software_token_mfa_settings(settings)
        .send()
        .await
        .unwrap();
    phone
}

async fn sign_in_with_totp(
    idp: &Client,
    client: &str,
    phone: &mut Authenticator,
) -> AuthenticationResultType {
    let challenged = sign_in(idp, client).await;
    assert_eq!(challenged.challenge_name(), Some(&ChallengeNameType::SoftwareTokenMfa));
    let answer = |code: String| {
        idp.respond_to_auth_challenge()
            .client_id(client)
            .challenge_name(ChallengeNameType::SoftwareTokenMfa)
            .session(challenged.session().unwrap())
            .challenge_responses("USERNAME", EMAIL)
            .challenge_responses("SOFTWARE_TOKEN_MFA_CODE", code)
            .send()
    };
    let error = answer(phone.wrong_code()).await.unwrap_err();
    assert_refused(&error, "CodeMismatchException", "Invalid code received for user");
    // The session outlives a wrong code.
    let answered = answer(phone.code().unwrap()).await.unwrap();
    answered.authentication_result.expect("tokens")
}

async fn refresh(
    idp: &Client,
    client: &str,
    refresh_token: &str,
) -> Result<AuthenticationResultType, impl ProvideErrorMetadata + std::fmt::Debug> {
    let refreshed = idp
        .initiate_auth()
        .auth_flow(AuthFlowType::RefreshTokenAuth)
        .client_id(client)
        .auth_parameters("REFRESH_TOKEN", refresh_token)
        .send()
        .await;
    refreshed
        .map(|output| output.authentication_result.expect("tokens"))
        .map_err(SdkError::into_service_error)
}

fn assert_refused(error: &impl ProvideErrorMetadata, code: &str, message: &str) {
    assert_eq!((error.code(), error.message()), (Some(code), Some(message)));
}
