//! `DefineAuthChallenge`, `CreateAuthChallenge` and `VerifyAuthChallengeResponse`: functions that make
//! a custom sign-in. The first says what comes next, the second what is asked, the third whether an
//! answer is right.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Trigger, TriggerFailed,
    call::{Call, Client, VERSION},
};
use crate::{
    app_clients::AppClient, auth::Person, fault::Ruling, granted, ports::Ports,
    user_pools::UserPool,
};

/// Where one of the functions is asked, and about whom.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The ports.
    pub ports: &'a Ports,
    /// The pool.
    pub pool: &'a UserPool,
    /// The app client.
    pub client: &'a AppClient,
    /// Who signs in.
    pub person: Person<'a>,
}

/// A challenge that has been answered, as the functions are told of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Past<'a> {
    /// Its name.
    pub challenge_name: &'a str,
    /// Whether the answer was right.
    pub challenge_result: bool,
    /// What the function that made it wrote on it.
    pub challenge_metadata: Option<&'a str>,
}

/// What all of the events have.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Common<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    client_metadata: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_not_found: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DefineRequest<'a> {
    user_attributes: BTreeMap<String, String>,
    session: &'a [Past<'a>],
    #[serde(flatten)]
    common: Common<'a>,
}

/// What comes next in a sign-in.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Definition {
    challenge_name: Option<String>,
    issue_tokens: Option<bool>,
    fail_authentication: Option<bool>,
}

impl Definition {
    /// Whether the sign-in has failed. Decides before everything else.
    pub fn fails(&self) -> bool {
        self.fail_authentication == Some(true)
    }

    /// Whether the user is signed in.
    pub fn issues_tokens(&self) -> bool {
        self.issue_tokens == Some(true)
    }

    /// The next challenge, if it names one.
    pub fn challenge(&self) -> Option<&str> {
        self.challenge_name.as_deref()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreateRequest<'a> {
    user_attributes: BTreeMap<String, String>,
    challenge_name: &'a str,
    session: &'a [Past<'a>],
    #[serde(flatten)]
    common: Common<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CreateAnswer {
    public_challenge_parameters: Option<BTreeMap<String, String>>,
    private_challenge_parameters: Option<BTreeMap<String, String>>,
    challenge_metadata: Option<String>,
}

/// A challenge that was made.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Created {
    /// What the client gets to know.
    pub public: BTreeMap<String, String>,
    /// What only the function that checks the answer gets to know.
    pub private: BTreeMap<String, String>,
    /// What later events say of it.
    pub metadata: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerifyRequest<'a> {
    user_attributes: BTreeMap<String, String>,
    private_challenge_parameters: &'a BTreeMap<String, String>,
    challenge_answer: &'a str,
    #[serde(flatten)]
    common: Common<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct VerifyAnswer {
    answer_correct: Option<bool>,
}

impl<'a> Scene<'a> {
    fn call(&'a self, trigger: Trigger, source: &'a str) -> Call<'a> {
        Call {
            ports: self.ports,
            pool: self.pool,
            trigger,
            source,
            client: Client::Id(self.client.id()),
            username: Some(self.person.event_username()),
        }
    }

    fn attributes(&self) -> BTreeMap<String, String> {
        self.person.event_attributes(self.pool)
    }

    fn common(&self) -> Common<'a> {
        Common {
            client_metadata: self.ports.metadata.client.as_ref(),
            user_not_found: self.person.is_not_found(self.client),
        }
    }

    /// Asks what comes next; none if the pool has no function for that.
    pub async fn define(&self, past: &[Past<'_>]) -> Ruling<Option<Definition>, TriggerFailed> {
        let call = self.call(Trigger::DefineAuthChallenge, "DefineAuthChallenge_Authentication");
        let request = || DefineRequest {
            user_attributes: self.attributes(),
            session: past,
            common: self.common(),
        };
        let response =
            json!({ "challengeName": null, "issueTokens": null, "failAuthentication": null });
        call.ask(VERSION, request, &response).await
    }

    /// Has a challenge made; none if the pool has no function for that.
    pub async fn create(&self, past: &[Past<'_>]) -> Ruling<Option<Created>, TriggerFailed> {
        let call = self.call(Trigger::CreateAuthChallenge, "CreateAuthChallenge_Authentication");
        let request = || CreateRequest {
            user_attributes: self.attributes(),
            challenge_name: "CUSTOM_CHALLENGE",
            session: past,
            common: self.common(),
        };
        let response = json!({
            "publicChallengeParameters": null, "privateChallengeParameters": null,
            "challengeMetadata": null,
        });
        let answer = granted!(call.ask::<CreateAnswer, _>(VERSION, request, &response).await?);
        Ok(Ok(answer.map(|answer| Created {
            public: answer.public_challenge_parameters.unwrap_or_default(),
            private: answer.private_challenge_parameters.unwrap_or_default(),
            metadata: answer.challenge_metadata,
        })))
    }

    /// Asks whether an answer is right; none if the pool has no function for that.
    pub async fn verify(
        &self,
        private: &BTreeMap<String, String>,
        answer: &str,
    ) -> Ruling<Option<bool>, TriggerFailed> {
        let trigger = Trigger::VerifyAuthChallengeResponse;
        let call = self.call(trigger, "VerifyAuthChallengeResponse_Authentication");
        let request = || VerifyRequest {
            user_attributes: self.attributes(),
            private_challenge_parameters: private,
            challenge_answer: answer,
            common: self.common(),
        };
        let response = json!({ "answerCorrect": null });
        let answer = granted!(call.ask::<VerifyAnswer, _>(VERSION, request, &response).await?);
        Ok(Ok(answer.map(|answer| answer.answer_correct == Some(true))))
    }
}
