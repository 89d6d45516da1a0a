//! A browser with the stock website package in it, as far as sessions go: it keeps cookies as browsers do, or tokens as
//! the package does in header mode, and refreshes once when it is told to.
//!
//! Clones are tabs of one browser: they share what is stored, and take turns when they refresh, as the package's do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Method;

use super::call::{Answer, Call, FrontToken};
use super::stage::App;

/// How the tokens travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As cookies.
    Cookie,
    /// As headers.
    Header,
}

/// A browser, or a tab of it.
#[derive(Clone)]
pub struct Browser {
    /// `None` while there is nothing to visit.
    app: Option<App>,
    mode: Mode,
    stored: Arc<Mutex<Stored>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone, Debug, Default)]
struct Stored {
    cookies: Vec<Cookie>,
    access_token: String,
    refresh_token: String,
    front_token: Option<String>,
    anti_csrf: Option<String>,
    refreshes: u32,
}

#[derive(Clone, Debug)]
struct Cookie {
    name: String,
    value: String,
    domain: Option<String>,
    path: String,
}

impl Browser {
    pub(super) fn new(app: App, mode: Mode) -> Self {
        Self { app: Some(app), mode, stored: Arc::default(), turn: Arc::default() }
    }

    /// The same browser after the application was started anew.
    #[must_use]
    pub fn visiting(&self, app: &App) -> Self {
        Self { app: Some(app.clone()), ..self.clone() }
    }

    /// The same browser with nothing to visit: it keeps no application from being taken down.
    #[must_use]
    pub fn visiting_nobody(&self) -> Self {
        Self { app: None, ..self.clone() }
    }

    fn app(&self) -> &App {
        self.app.as_ref().expect("something to visit")
    }

    /// Another browser that knows what this one knows now: a thief, or a backup that was put back.
    #[must_use]
    pub fn copy(&self) -> Self {
        let stored = self.stored().clone();
        Self { stored: Arc::new(Mutex::new(stored)), ..self.clone() }
    }

    /// Whether the website believes that there is a session.
    pub fn has_session(&self) -> bool {
        self.stored().front_token.is_some()
    }

    /// How often it has refreshed.
    pub fn refreshes(&self) -> u32 {
        self.stored().refreshes
    }

    /// The access token it holds; empty if none.
    pub fn access_token(&self) -> String {
        match self.mode {
            Mode::Header => self.stored().access_token.clone(),
            Mode::Cookie => self.cookie("sAccessToken"),
        }
    }

    /// The refresh token it holds, as it is stored (a cookie is still encoded); empty if none.
    pub fn refresh_token(&self) -> String {
        match self.mode {
            Mode::Header => self.stored().refresh_token.clone(),
            Mode::Cookie => self.cookie("sRefreshToken"),
        }
    }

    fn cookie(&self, name: &str) -> String {
        self.stored().cookies.iter().find(|cookie| cookie.name == name).map(|cookie| cookie.value.clone()).unwrap_or_default()
    }

    /// Asks as the website's scripts do: with everything that belongs to the session, and again after refreshing if the
    /// answer is 401.
    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path).await
    }

    /// As [`get`](Self::get).
    pub async fn post(&self, path: &str) -> Answer {
        self.ask(Method::POST, path).await
    }

    /// Logs in: `POST /login` for this user.
    pub async fn log_in(&self, user: &str) -> Answer {
        let answer = self.dressed(Method::POST, "/login", false).header("x-user", user).send().await;
        self.keep(&answer);
        assert_eq!(answer.status, 200, "logging in: {}", answer.text());
        assert!(self.has_session(), "logged in, and there is no front token");
        answer
    }

    async fn ask(&self, method: Method, path: &str) -> Answer {
        let before = self.stored().front_token.clone();
        let first = self.once(method.clone(), path).await;
        if first.status != 401 || before.is_none() {
            return first;
        }
        {
            let _turn = self.turn.lock().await;
            // Another tab may have refreshed in the meantime, or logged out.
            let now = self.stored().front_token.clone();
            if now.is_none() || now == before && self.refresh().await.status != 200 {
                return first;
            }
        }
        self.once(method, path).await
    }

    /// Asks once, whatever the answer.
    pub async fn once(&self, method: Method, path: &str) -> Answer {
        let answer = self.dressed(method, path, false).send().await;
        self.keep(&answer);
        answer
    }

    /// Refreshes, without waiting for a turn.
    pub async fn refresh(&self) -> Answer {
        self.stored().refreshes += 1;
        let answer = self.dressed(Method::POST, "/auth/session/refresh", true).send().await;
        self.keep(&answer);
        answer
    }

    /// A request with everything that belongs to the session.
    fn dressed(&self, method: Method, path: &str, refreshes: bool) -> Call {
        let stored = self.stored().clone();
        let mode = if self.mode == Mode::Cookie { "cookie" } else { "header" };
        let mut call = self.app().call(method, path).header("rid", "anti-csrf").header("st-auth-mode", mode);
        call = call.header("fdi-version", "4.1,4.2").header("origin", "http://example.com");
        if let Some(token) = &stored.anti_csrf {
            call = call.header("anti-csrf", token);
        }
        match self.mode {
            Mode::Header => {
                let token = if refreshes { &stored.refresh_token } else { &stored.access_token };
                if token.is_empty() { call } else { call.bearer(token) }
            }
            Mode::Cookie => {
                let below = |cookie: &Cookie| {
                    let rest = path.strip_prefix(cookie.path.as_str());
                    rest.is_some_and(|rest| rest.is_empty() || cookie.path.ends_with('/') || rest.starts_with(['/', '?']))
                };
                stored.cookies.iter().filter(|cookie| below(cookie)).fold(call, |call, c| call.cookie(&c.name, &c.value))
            }
        }
    }

    /// Stores what an answer says.
    fn keep(&self, answer: &Answer) {
        let now = self.app().now();
        let mut stored = self.stored();
        for set in answer.set_cookies() {
            let domain = set.attribute("domain").map(str::to_owned);
            let path = set.attribute("path").unwrap_or("/").to_owned();
            stored.cookies.retain(|known| known.name != set.name || known.domain != domain || known.path != path);
            let expires = set.attribute("expires").map(instant);
            if expires.is_none_or(|expires| expires > now) {
                stored.cookies.push(Cookie { name: set.name, value: set.value, domain, path });
            }
        }
        // The website is another origin: its scripts see the headers that are exposed, and no others.
        let exposed = answer.exposed();
        let visible = |name: &str| answer.header(name).filter(|_| exposed.contains(&name));
        if let Some(token) = visible("st-access-token") {
            stored.access_token = token.to_owned();
        }
        if let Some(token) = visible("st-refresh-token") {
            stored.refresh_token = token.to_owned();
        }
        match visible("front-token").and_then(|_| answer.front_token()) {
            None => {}
            Some(FrontToken::Remove) => {
                stored.front_token = None;
                stored.anti_csrf = None;
                stored.access_token.clear();
                stored.refresh_token.clear();
            }
            Some(FrontToken::Says { .. }) => stored.front_token = answer.header("front-token").map(str::to_owned),
        }
        if let Some(token) = visible("anti-csrf") {
            stored.anti_csrf = Some(token.to_owned());
        }
    }

    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The instant of an HTTP date, `Wed, 03 Mar 2027 07:03:08 GMT`, in ms.
#[track_caller]
fn instant(date: &str) -> i64 {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let words: Vec<&str> = date.split([' ', ':', ',']).filter(|word| !word.is_empty()).collect();
    let [_, day, month, year, hour, minute, second, "GMT"] = words[..] else { panic!("not an HTTP date: {date}") };
    let number = |text: &str| text.parse::<i64>().expect("a number");
    let month = i64::try_from(MONTHS.find(month).expect("a month") / 3).expect("small") + 1;
    // Years begin in March here, so the leap day is the last of one.
    let (year, month) = if month > 2 { (number(year), month - 3) } else { (number(year) - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + number(day) - 1 - 719_468;
    (((days * 24 + number(hour)) * 60 + number(minute)) * 60 + number(second)) * 1000
}

#[cfg(test)]
mod tests {
    use super::instant;

    #[test]
    fn dates_are_read() {
        assert_eq!(instant("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
        assert_eq!(instant("Tue, 14 Nov 2023 22:13:20 GMT"), 1_700_000_000_000);
        assert_eq!(instant("Thu, 29 Feb 2024 00:00:00 GMT"), 1_709_164_800_000);
    }
}
