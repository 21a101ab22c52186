//! What each way of ending access leaves of a browser's sign-in: the tokens that came through it, those
//! of another application in the same browser, and the cookie.

use poolhouse_domain::{
    sessions::tracking::{self, SessionSettings},
    tokens::revoke,
};
use serde_json::Value;

use super::testing::{
    CALLBACK, CLIENT, LOGGED_OUT, POOL, Scene, exchange, location, parameter, query,
};

/// What is left of tokens: whether the access token opens userInfo, and whether the refresh token
/// brings new ones.
type Left = (bool, bool);

const ALIVE: Left = (true, true);
const DEAD: Left = (false, false);

/// Ways of ending access; what they leave of the first tokens, of the other ones, and of the cookie.
const ACTIONS: [(&str, Left, Left, bool); 10] = [
    ("nothing", ALIVE, ALIVE, true),
    ("POST /oauth2/revoke", DEAD, ALIVE, true),
    ("RevokeToken LINKED", DEAD, ALIVE, false),
    ("revoke token session", DEAD, ALIVE, true),
    ("revoke token session LINKED", DEAD, ALIVE, false),
    ("revoke SSO session", ALIVE, ALIVE, false),
    ("revoke SSO session LINKED", DEAD, DEAD, false),
    ("sign out everywhere", DEAD, DEAD, true),
    ("disable and enable", DEAD, DEAD, false),
    ("GET /logout", ALIVE, ALIVE, false),
];

/// A pool that tracks sessions, and a browser in which a user signed in once for two applications.
struct Browser {
    scene: Scene,
    cookie: String,
    sso_session: String,
    first: Value,
    other: Value,
}

impl Browser {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let tracking = SessionSettings { is_tracking: true, ..SessionSettings::default() };
        scene.change_pool(|pool| pool.sessions = tracking).await;
        let begun = scene.sign_in(CLIENT).await;
        let cookie = format!("cognito={}", begun.cookie);
        scene.kit.clock.advance(1);
        let (first, other) = (tokens(&scene, &cookie).await, tokens(&scene, &cookie).await);
        Self { scene, cookie, sso_session: begun.session.id, first, other }
    }

    async fn left(&self, tokens: &Value) -> Left {
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let header = ("authorization", bearer.as_str());
        let info = self.scene.get_with("/oauth2/userInfo", header).await;
        let refresh = [
            ("grant_type", "refresh_token"),
            ("client_id", CLIENT),
            ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ];
        (info.status() == 200, self.scene.token(&refresh).await.0 == 200)
    }

    /// Whether the browser is still signed in.
    async fn is_signed_in(&self) -> bool {
        authorized(&self.scene, &self.cookie).await.starts_with(CALLBACK)
    }

    /// The id of the session of the first tokens.
    fn token_session(&self) -> String {
        let claims = super::testing::claims(&self.first["access_token"]);
        let origin = claims["origin_jti"].as_str().unwrap();
        tracking::session_id(tracking::SessionKind::Token, origin).unwrap()
    }

    async fn end_session(&self, id: &str, with_linked: bool) {
        let ports = self.scene.ports();
        let mut tx = ports.store.write().await.unwrap();
        let pool = tx.user_pool(POOL).await.unwrap().unwrap();
        let user = tx.user_by_sub(POOL, &self.scene.user.sub).await.unwrap().unwrap();
        let now = ports.clock.now();
        let ended = tracking::revoke(&mut *tx, &pool, &user, id, with_linked, now).await;
        ended.unwrap().unwrap();
        tx.commit().await.unwrap();
    }

    async fn act(&self, action: &str) {
        let ports = self.scene.ports();
        let refresh = self.first["refresh_token"].as_str().unwrap();
        match action {
            "nothing" => {}
            "POST /oauth2/revoke" => {
                let pairs = [("token", refresh), ("client_id", CLIENT)];
                let answer = self.scene.post("/oauth2/revoke", None, &pairs).await;
                assert_eq!(answer.status(), 200);
            }
            "RevokeToken LINKED" => {
                let client = ports.directory.app_client(CLIENT).await.unwrap().unwrap();
                revoke::revoke(ports, &client, refresh, true).await.unwrap().unwrap();
            }
            "revoke token session" => self.end_session(&self.token_session(), false).await,
            "revoke token session LINKED" => {
                self.end_session(&self.token_session(), true).await;
            }
            "revoke SSO session" => self.end_session(&self.sso_session, false).await,
            "revoke SSO session LINKED" => self.end_session(&self.sso_session, true).await,
            "sign out everywhere" | "disable and enable" => {
                let mut tx = ports.store.write().await.unwrap();
                let mut user = tx.user_by_sub(POOL, &self.scene.user.sub).await.unwrap().unwrap();
                let now = ports.clock.now();
                if action == "sign out everywhere" {
                    revoke::sign_out_everywhere(&mut *tx, &mut user, now).await.unwrap();
                } else {
                    revoke::disable(&mut *tx, &mut user, now).await.unwrap();
                }
                tx.commit().await.unwrap();
                self.scene.change_user(|user| user.enabled = true).await;
            }
            "GET /logout" => {
                let out = "https%3A%2F%2Fapp.test%2Fbye%3Fx%3D1";
                let path = format!("/logout?client_id={CLIENT}&logout_uri={out}");
                let answer = self.scene.get_with(&path, ("cookie", &self.cookie)).await;
                assert_eq!(location(&answer), LOGGED_OUT);
            }
            other => panic!("no action {other}"),
        }
    }
}

/// Where a browser with this cookie is sent that asks for a code.
async fn authorized(scene: &Scene, cookie: &str) -> String {
    let path = format!("/oauth2/authorize?{}&scope=openid", query(CLIENT));
    location(&scene.get_with(&path, ("cookie", cookie)).await).to_owned()
}

/// The tokens that an application gets without asking the user.
async fn tokens(scene: &Scene, cookie: &str) -> Value {
    let code = parameter(&authorized(scene, cookie).await, "code");
    let (status, tokens) = scene.token(&exchange(&code)).await;
    assert_eq!(status, 200, "{tokens}");
    tokens
}

#[tokio::test]
async fn each_action_ends_what_it_should_and_nothing_else() {
    for (action, first, other, is_signed_in) in ACTIONS {
        let browser = Browser::new().await;
        browser.act(action).await;
        assert_eq!(browser.left(&browser.first).await, first, "the tokens after {action}");
        assert_eq!(browser.left(&browser.other).await, other, "other tokens after {action}");
        assert_eq!(browser.is_signed_in().await, is_signed_in, "the cookie after {action}");
    }
}
