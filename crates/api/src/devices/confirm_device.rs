//! `ConfirmDevice`: keeps the device of a sign-in, with the verifier of its password.

use poolhouse_domain::{
    devices::{ConfirmRefused, DeviceVerifier, confirm},
    ports::Ports,
    shapes::{ConfirmDeviceRequest, ConfirmDeviceResponse, DeviceSecretVerifierConfigType},
};
use poolhouse_wire::{codes, operations::ConfirmDevice as Op};

use super::bearer;
use crate::{
    failure::{Answer, Failure, invalid_parameter},
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ConfirmDeviceRequest) -> Answer<Op> {
        let bearer = bearer::<Op>(ports, &input.access_token).await?;
        let verifier = read_verifier(input.device_secret_verifier_config.unwrap_or_default())?;
        let key = &input.device_key;
        let confirmed = confirm(ports, &bearer, key, input.device_name, verifier).await?;
        let must_ask = confirmed.map_err(refusal)?;
        Ok(ConfirmDeviceResponse { user_confirmation_necessary: Some(must_ask) })
    }
}

/// The verifier of the device password. The model lets both members be missing; that the service
/// refuses a device which could never prove itself, and its words, are beliefs.
fn read_verifier(config: DeviceSecretVerifierConfigType) -> Result<DeviceVerifier, Failure<Op>> {
    let missing = |name: &str| invalid_parameter(format!("Missing required parameter {name}"));
    let salt = config.salt.ok_or_else(|| missing("Salt"))?;
    let verifier = config.password_verifier.ok_or_else(|| missing("PasswordVerifier"))?;
    DeviceVerifier::from_base64(&salt, &verifier)
        .ok_or_else(|| invalid_parameter("Invalid device secret verifier given."))
}

fn refusal(refused: ConfirmRefused) -> Failure<Op> {
    match refused {
        ConfirmRefused::AnotherKey => invalid_parameter("Invalid device key given."),
        // Belief: the service's text for this is not on record.
        ConfirmRefused::Exists => {
            Failure::new(codes::DeviceKeyExistsException, "Device key already exists.")
        }
        ConfirmRefused::UserGone => Failure::user_gone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{OPT_IN, Phone, names, tracking};
    use crate::testing::{Stack, error, invalid, merged, text};

    #[tokio::test]
    async fn a_confirmed_device_is_remembered_at_once_unless_the_user_has_to_be_asked() {
        let stack = Stack::new().await;
        for (configuration, asks, status) in [
            (json!({ "ChallengeRequiredOnNewDevice": false }), false, "remembered"),
            (json!(OPT_IN), true, "not_remembered"),
        ] {
            let (pool, client) = tracking(&stack, configuration).await;
            stack.user(&pool, "ada", &[]).await;
            let tokens = stack.tokens(&client, "ada").await;
            let phone = Phone::new(&stack, &tokens);
            let answer = stack.ok("ConfirmDevice", phone.confirmation(&tokens)).await;
            assert_eq!(answer, json!({ "UserConfirmationNecessary": asks }));
            let input = json!({ "UserPoolId": pool, "Username": "ada", "DeviceKey": phone.key });
            let device = &stack.ok("AdminGetDevice", input).await["Device"];
            let status = json!({ "Name": "dev:device_remembered_status", "Value": status });
            assert!(device["DeviceAttributes"].as_array().unwrap().contains(&status), "{device}");
        }
    }

    #[tokio::test]
    async fn only_the_key_of_the_sign_in_can_be_confirmed_and_only_once() {
        let stack = Stack::new().await;
        let (pool, client) = tracking(&stack, json!(OPT_IN)).await;
        stack.user(&pool, "ada", &[]).await;
        let (first, second) =
            (stack.tokens(&client, "ada").await, stack.tokens(&client, "ada").await);
        let phone = Phone::new(&stack, &first);
        let other = merged(
            phone.confirmation(&first),
            json!({ "DeviceKey": Phone::new(&stack, &second).key }),
        );
        let refused = stack.refusal("ConfirmDevice", other).await;
        assert_eq!(refused, invalid("Invalid device key given."));
        stack.ok("ConfirmDevice", phone.confirmation(&first)).await;
        let refused = stack.refusal("ConfirmDevice", phone.confirmation(&first)).await;
        assert_eq!(refused, error("DeviceKeyExistsException", "Device key already exists."));
        let input = json!({ "UserPoolId": pool, "Username": "ada" });
        assert_eq!(names(&stack.ok("AdminListDevices", input).await), [phone.key]);
    }

    #[tokio::test]
    async fn a_verifier_must_be_there_and_be_a_number() {
        let stack = Stack::new().await;
        let (pool, client) = tracking(&stack, json!(OPT_IN)).await;
        stack.user(&pool, "ada", &[]).await;
        let tokens = stack.tokens(&client, "ada").await;
        let phone = Phone::new(&stack, &tokens);
        let bad = "Invalid device secret verifier given.";
        for (config, message) in [
            (json!(null), "Missing required parameter Salt"),
            (json!({ "PasswordVerifier": "Ag==" }), "Missing required parameter Salt"),
            (json!({ "Salt": "Ag==" }), "Missing required parameter PasswordVerifier"),
            (json!({ "Salt": "Ag==", "PasswordVerifier": "AA==" }), bad),
            (json!({ "Salt": "?", "PasswordVerifier": "Ag==" }), bad),
        ] {
            let config = json!({ "DeviceSecretVerifierConfig": config });
            let input = merged(phone.confirmation(&tokens), config);
            assert_eq!(stack.refusal("ConfirmDevice", input).await, invalid(message));
        }
        let input = json!({ "UserPoolId": pool, "Username": "ada" });
        assert_eq!(stack.ok("AdminListDevices", input).await, json!({ "Devices": [] }));
    }

    #[tokio::test]
    async fn the_least_recently_used_device_gives_way_to_the_one_too_many() {
        let stack = Stack::new().await;
        let (pool, client) = tracking(&stack, json!(OPT_IN)).await;
        let sub = stack.user(&pool, "ada", &[]).await;
        let first = stack.tokens(&client, "ada").await;
        let phone = Phone::new(&stack, &first);
        stack.ok("ConfirmDevice", phone.confirmation(&first)).await;
        let mut tx = stack.ports.store.write().await.unwrap();
        let mut device = tx.device(&pool, &sub, &phone.key).await.unwrap().unwrap();
        for number in 0..499 {
            device.key = format!("us-east-1_{number:04x}");
            device.last_authenticated_at = device.last_authenticated_at.plus_seconds(1);
            assert!(tx.insert_device(&device).await.unwrap());
        }
        tx.commit().await.unwrap();
        stack.advance(1_000);
        let last = stack.tokens(&client, "ada").await;
        let laptop = Phone::new(&stack, &last);
        stack.ok("ConfirmDevice", laptop.confirmation(&last)).await;
        let get = |key: &str| json!({ "UserPoolId": pool, "Username": "ada", "DeviceKey": key });
        let refused = stack.refusal("AdminGetDevice", get(&phone.key)).await;
        assert_eq!(refused, error("ResourceNotFoundException", "Device does not exist."));
        for key in [laptop.key.as_str(), "us-east-1_0000"] {
            stack.ok("AdminGetDevice", get(key)).await;
        }
    }

    #[tokio::test]
    async fn without_tracking_and_without_a_good_token_nothing_is_confirmed() {
        let stack = Stack::new().await;
        let (pool, client) = tracking(&stack, json!(OPT_IN)).await;
        stack.user(&pool, "ada", &[]).await;
        let tokens = stack.tokens(&client, "ada").await;
        let phone = Phone::new(&stack, &tokens);
        let garbage = merged(phone.confirmation(&tokens), json!({ "AccessToken": "a.b.c" }));
        let refused = stack.refusal("ConfirmDevice", garbage).await;
        assert_eq!(refused, error("NotAuthorizedException", "Invalid Access Token"));
        stack.ok("UpdateUserPool", json!({ "UserPoolId": pool })).await;
        let refused = stack.refusal("ConfirmDevice", phone.confirmation(&tokens)).await;
        let message = "Device tracking is not configured for the user pool.";
        assert_eq!(refused, error("InvalidUserPoolConfigurationException", message));
        assert_eq!(text(&tokens["NewDeviceMetadata"]["DeviceKey"]), phone.key);
    }
}
