//! Codes that anybody may ask for by naming a user: `ForgotPassword`, `ResendConfirmationCode`.

use poolhouse_domain::{
    Fault,
    app_clients::AppClient,
    attempts::{self, Attempted},
    attributes::Contact,
    codes::{self, CodePurpose, SentCode},
    messages::{Delivery, MessageKind},
    ports::Ports,
    shapes::{CodeDeliveryDetailsType, EventResponseType, EventType},
    sign_up,
    threat_protection::events::{self, Happening, Subject},
    triggers::call::Client,
    user_pools::UserPool,
    users::{self, User},
};
use poolhouse_wire::{Permits, codes as code};

use crate::{
    delivery,
    failure::{Failure, Unanswered, limit_exceeded, not_authorized},
    sign_up::no_such_user,
};

/// A request for a code.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) ports: &'a Ports,
    pub(crate) client: &'a AppClient,
    pub(crate) pool: &'a UserPool,
    /// Whom the request names.
    pub(crate) name: &'a str,
    /// What is counted against asking too often.
    pub(crate) what: Attempted,
    pub(crate) purpose: CodePurpose,
    pub(crate) kind: MessageKind,
    /// What a code goes to in this pool, to be told of users who don't exist.
    pub(crate) usual: Contact,
}

/// Sends a code to the contact that `addressee` finds for the user, and answers where it went.
///
/// Where the client hides who exists, every refusal becomes the answer for a code that was sent, as
/// each tells that there is a user. What is done and stored is then about the same, too, so that the
/// time which it takes tells nothing. The service is on record for that with unknown and disabled users
/// and those without verified contact; hiding the other states too is our choice.
pub(crate) async fn answer<Op>(
    request: Request<'_>,
    addressee: impl FnOnce(&User) -> Result<Contact, Failure<Op>> + Send,
) -> Result<CodeDeliveryDetailsType, Unanswered<Op>>
where
    Op: Permits<code::CodeDeliveryFailureException>
        + Permits<code::InvalidLambdaResponseException>
        + Permits<code::LimitExceededException>
        + Permits<code::NotAuthorizedException>
        + Permits<code::UnexpectedLambdaException>
        + Permits<code::UserLambdaValidationException>
        + Permits<code::UserNotFoundException>,
{
    let Request { ports, client, pool, name, what, kind, usual, .. } = request;
    let issued = issue(request, addressee).await??;
    if let Issued::ToUser(user, _) = &issued {
        let kind = if what == Attempted::ForgotPassword {
            EventType::ForgotPassword
        } else {
            EventType::ResendCode
        };
        let subject = Subject { ports, pool, client_id: client.id(), user };
        // The user has yet to show the code.
        let happening = Happening::plain(kind, EventResponseType::InProgress);
        events::record_unseen(subject, client, happening).await?;
    }
    Ok(match issued {
        Issued::ToUser(user, sent) if client.hides_user_existence() => {
            delivery::code_in_secret(ports, pool, &user, client.id(), kind, &sent).await?
        }
        Issued::ToUser(user, sent) => {
            let caller = Client::Id(client.id());
            delivery::code(ports, pool, &user, caller, kind, &sent).await?
        }
        Issued::ToNobody(sent) => {
            delivery::code_to_nobody(ports, pool, name, kind, &sent).await?;
            delivery::details(Delivery::simulated(&ports.keyring, pool, name, usual))
        }
    })
}

/// Whom a code was made for.
enum Issued {
    /// The user whom the request names.
    ToUser(Box<User>, SentCode),
    /// Nobody, where that must not show.
    ToNobody(SentCode),
}

/// Makes a code.
async fn issue<Op>(
    request: Request<'_>,
    addressee: impl FnOnce(&User) -> Result<Contact, Failure<Op>> + Send,
) -> Result<Result<Issued, Failure<Op>>, Fault>
where
    Op: Permits<code::LimitExceededException>
        + Permits<code::NotAuthorizedException>
        + Permits<code::UserNotFoundException>,
{
    let Request { ports, client, pool, name, what, purpose, usual, .. } = request;
    let now = ports.clock.now();
    let mut tx = ports.store.write().await?;
    let user = users::find(&mut *tx, pool, name).await?;
    let subject = attempts::subject(&ports.keyring, pool, user.as_ref(), name);
    if let Err(limit) = attempts::count(&mut *tx, pool.id(), &subject, what, now).await? {
        return Ok(Err(limit_exceeded(limit)));
    }
    let found = user.ok_or_else(no_such_user).and_then(|user| {
        if !user.enabled {
            return Err(not_authorized("User is disabled."));
        }
        addressee(&user).map(|contact| (user, contact))
    });
    let (keyring, entropy) = (&ports.keyring, &*ports.entropy);
    let is_sign_up = purpose == CodePurpose::SignUp;
    let found = match found {
        Ok((user, contact)) if is_sign_up => {
            let counted = sign_up::count_code(&mut *tx, keyring, pool, &user, contact, now).await?;
            counted.map(|()| (user, contact)).map_err(limit_exceeded)
        }
        found => found,
    };
    let issued = match found {
        Ok((user, contact)) => {
            let sent =
                codes::issue(&mut *tx, keyring, entropy, &user, purpose, contact, now).await?;
            Ok(sent.map(|sent| Issued::ToUser(Box::new(user), sent)))
        }
        Err(_) if client.hides_user_existence() => Ok(None),
        Err(failure) => Err(failure),
    };
    let outcome = match issued {
        Ok(Some(issued)) => Ok(issued),
        Ok(None) => {
            if is_sign_up {
                sign_up::count_code_to_nobody(&mut *tx, keyring, pool, name, now).await?;
            }
            let to = Delivery::simulated(keyring, pool, name, usual);
            let (whom, to) = ((pool.id(), name), (to.contact, to.destination.as_str()));
            let sent =
                codes::issue_to_nobody(&mut *tx, keyring, entropy, whom, purpose, to, now).await?;
            Ok(Issued::ToNobody(sent))
        }
        Err(failure) => Err(failure),
    };
    tx.commit().await?; // on refusal too: the attempt must outlive the error answer
    Ok(outcome)
}
