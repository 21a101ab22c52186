//! Issuing tokens: at the end of a sign-in, and at a refresh.

use super::{
    claims::{self, Content, Membership, SignIn, USER_SCOPE},
    customize, issuer,
    refresh::{self, RefreshState},
};
use crate::{
    app_clients::AppClient,
    auth_levels::{self, Methods},
    devices::NewDevice,
    fault::{Fault, Ruling},
    granted, groups, ids,
    ports::{Ports, compute},
    sessions::tracking,
    time::Timestamp,
    triggers::{
        TriggerFailed,
        pre_token_generation::{self, Asked, Customization, Source},
    },
    user_pools::UserPool,
    users::User,
};

/// A set of tokens.
#[derive(Clone)]
pub struct Tokens {
    /// The ID token; none for a sign-in at the pages of a domain without the scope `openid`.
    pub id: Option<String>,
    /// The access token.
    pub access: String,
    /// The refresh token; none at a refresh without rotation.
    pub refresh: Option<String>,
    /// Lifetime of the access token in seconds.
    pub expires_in: i64,
    /// The device that the sign-in may become.
    pub new_device: Option<NewDevice>,
}

/// How a sign-in came to its end.
pub struct Ended<'a> {
    /// The event that it is ([`ids::timed_uuid`]).
    pub event_id: &'a str,
    /// The key of the device, where devices are tracked.
    pub device_key: Option<String>,
    /// What was shown in it.
    pub methods: Methods,
}

/// Tokens for a user who has just signed in through the API. `source` tells the function that
/// customizes tokens why.
pub async fn for_sign_in(
    ports: &Ports,
    pool: &UserPool,
    client: &AppClient,
    user: &User,
    ended: Ended<'_>,
    source: Source,
) -> Ruling<Tokens, TriggerFailed> {
    let now = ports.clock.now();
    let sign_in = SignIn {
        user_pool_id: pool.id().to_owned(),
        client_id: client.id().to_owned(),
        sub: user.sub.clone(),
        origin_jti: ids::random_uuid(&*ports.entropy),
        event_id: ended.event_id.to_owned(),
        auth_time: now,
        scope: USER_SCOPE.to_owned(),
        device_key: ended.device_key,
        methods: ended.methods,
        hosted: None,
    };
    for_grant(ports, pool, client, user, &sign_in, source, None).await
}

/// Tokens for a sign-in, with the first refresh token of it. `parent` is the SSO session through
/// which it came.
pub async fn for_grant(
    ports: &Ports,
    pool: &UserPool,
    client: &AppClient,
    user: &User,
    sign_in: &SignIn,
    source: Source,
    parent: Option<&str>,
) -> Ruling<Tokens, TriggerFailed> {
    let now = ports.clock.now();
    let expires_at = now.plus_seconds(client.refresh_token_seconds());
    let refresh = refresh::seal(ports, &RefreshState::first(sign_in, expires_at, ports))?;
    let mut tokens = granted!(sign(ports, client, user, sign_in, source, now).await?);
    tokens.refresh = Some(refresh);
    if pool.sessions.is_tracking {
        // Last, when nothing can fail any more: it may end another session.
        tracking::begin(ports, pool, sign_in, parent, expires_at).await?;
    }
    Ok(Ok(tokens))
}

/// The groups that a user is in now.
async fn membership(ports: &Ports, user: &User) -> Result<Membership, Fault> {
    let mut view = ports.store.read().await?;
    Ok(groups::membership(view.groups_of_user(&user.user_pool_id, &user.sub).await?))
}

/// What the tokens of a sign-in say beside its facts.
pub(super) struct Told {
    /// The sign-in, with the scopes that the access token gets.
    pub sign_in: SignIn,
    /// The groups.
    pub membership: Membership,
    /// What else a function wants.
    pub customization: Customization,
}

/// What tokens are to say: the groups that the user is in now, and what the pool's function makes of
/// that.
pub(super) async fn tell(
    ports: &Ports,
    user: &User,
    sign_in: &SignIn,
    source: Source,
) -> Ruling<Told, TriggerFailed> {
    let mut membership = membership(ports, user).await?;
    let mut customization = Customization::default();
    if let Some(pool) = ports.directory.user_pool(&sign_in.user_pool_id).await? {
        let (client_id, scope) = (&sign_in.client_id, &sign_in.scope);
        let asked = Asked { client_id, user, membership: &membership, scope, source };
        customization = granted!(pre_token_generation::ask(ports, &pool, asked).await?);
    }
    if let Some(groups) = customization.groups.take() {
        membership = groups;
    }
    // The scopes that the sign-in was granted stay what refresh tokens carry.
    let scope = customize::scope(&sign_in.scope, &customization);
    Ok(Ok(Told { sign_in: SignIn { scope, ..sign_in.clone() }, membership, customization }))
}

/// An ID and an access token that continue a sign-in.
///
/// The two signatures, most of the cost of a sign-in, are made on a worker.
pub async fn sign(
    ports: &Ports,
    client: &AppClient,
    user: &User,
    sign_in: &SignIn,
    source: Source,
    now: Timestamp,
) -> Ruling<Tokens, TriggerFailed> {
    let told = granted!(tell(ports, user, sign_in, source).await?);
    let (sign_in, customization) = (&told.sign_in, &told.customization);
    let issuer = issuer::of_id(ports, &sign_in.user_pool_id).await?;
    // A session that a user can end names its tokens, whatever the client says: a belief.
    let can_revoke = client.revokes_tokens()
        || client.rotates_refresh_tokens()
        || tracking::is_on(ports, &sign_in.user_pool_id).await?;
    let pool = ports.directory.user_pool(&sign_in.user_pool_id).await?;
    let level = pool.and_then(|pool| auth_levels::claims(&pool, sign_in.methods));
    let content = || Content {
        user,
        client,
        sign_in,
        membership: &told.membership,
        issuer: &issuer,
        now,
        token_id: can_revoke.then(|| ids::random_uuid(&*ports.entropy)),
        level: level.clone(),
    };
    let id_claims = sign_in.has_id_token().then(|| {
        let mut claims = claims::id(&content());
        customize::id(&mut claims, customization);
        claims
    });
    let mut access_claims = claims::access(&content());
    customize::access(&mut access_claims, customization, client.id());
    let access_claims = access_claims.to_string();
    let names_access_token = sign_in.hosted.is_some();
    let keys = ports.directory.key_pairs(&sign_in.user_pool_id).await?;
    let (id, access) = compute(&*ports.workers, move || {
        let access = keys.access.sign(&access_claims)?;
        let id = id_claims.map(|mut claims| {
            if names_access_token {
                claims::bind(&mut claims, &access);
            }
            keys.id.sign(&claims.to_string())
        });
        Ok::<_, Fault>((id.transpose()?, access))
    })
    .await??;
    Ok(Ok(Tokens {
        id,
        access,
        refresh: None,
        expires_in: client.access_token_seconds(),
        new_device: None,
    }))
}
