//! Which values are allowed? All limits of core-server.md 9.3, in its order, with its sentences.

use super::key::Kind;
use super::reading::{ConfigProblem, Values};
use super::rules::{AddressRule, AddressRules, NoRule};
use super::table::key;

/// How strictly values are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checks {
    /// As in production.
    #[default]
    Normal,
    /// As test suites of SDKs need it: the key update interval, the refresh token's lifetime and the grace period are free.
    TestMode,
}

/// The CDI versions that can be named as the newest or oldest, oldest first (core-server.md 4).
pub const CDI_VERSIONS: &[&str] = &[
    "2.7", "2.8", "2.9", "2.10", "2.11", "2.12", "2.13", "2.14", "2.15", "2.16", "2.17", "2.18", "2.19", "2.20", "2.21", "3.0",
    "3.1", "4.0", "5.0", "5.1", "5.2", "5.3", "5.4", "5.5", "5.6",
];

/// Collects problems; each check names its key.
struct Findings<'a> {
    values: &'a Values,
    problems: Vec<ConfigProblem>,
}

impl Findings<'_> {
    fn add(&mut self, name: &str, sentence: impl Into<String>) {
        if let Some(key) = key(name) {
            let given = match self.values.get(name) {
                super::Value::Null => None,
                super::Value::Int(n) => Some(n.to_string()),
                super::Value::Double(n) => Some(format!("{n:?}")),
                super::Value::Bool(b) => Some(b.to_string()),
                super::Value::Text(text) => Some(text.clone()),
            };
            self.problems.push(ConfigProblem::new(key, given.as_deref(), sentence));
        }
    }

    fn require(&mut self, ok: bool, name: &str, sentence: &str) {
        if !ok {
            self.add(name, sentence);
        }
    }

    /// A whole number that must reach a minimum.
    fn at_least(&mut self, name: &str, minimum: i64, sentence: &str) {
        self.require(self.values.int(name) >= minimum, name, sentence);
    }

    fn one_of(&mut self, name: &str, sentence: &str) {
        if let (Some(key), Some(text)) = (key(name), self.values.text_or_null(name))
            && let Kind::OneOf(words) = key.kind
        {
            self.require(words.contains(&text), name, sentence);
        }
    }
}

/// The rules about addresses, compiled, or why not; `None` where there is none.
#[derive(Default)]
pub(super) struct Rules {
    pub(super) allow: Option<Result<AddressRule, NoRule>>,
    pub(super) deny: Option<Result<AddressRule, NoRule>>,
}

impl Rules {
    pub(super) fn of(values: &Values, rules: &AddressRules) -> Self {
        let rule = |name: &str| values.text_or_null(name).and_then(|text| rules.rule(text));
        Self { allow: rule("ip_allow_regex"), deny: rule("ip_deny_regex") }
    }
}

/// All problems of the values of the core's keys and of our own.
pub(super) fn check(values: &Values, checks: Checks, rules: &Rules) -> Vec<ConfigProblem> {
    let mut f = Findings { values, problems: Vec::new() };
    server(&mut f);
    access(&mut f, rules);
    tokens(&mut f, checks);
    recipes(&mut f);
    hashing(&mut f);
    oauth(&mut f);
    imports(&mut f);
    ours(&mut f);
    f.problems
}

fn server(f: &mut Findings<'_>) {
    let port = f.values.int("port");
    f.require((0..=65_535).contains(&port), "port", "'port' must be between 0 and 65535 inclusive.");
    let spaces = f.values.text("base_path").trim().contains(' ');
    f.require(!spaces, "base_path", "Invalid characters in base_path config");
    f.at_least("max_server_pool_size", 1, "'max_server_pool_size' must be >= 1.");
    f.one_of("log_level", r#"'log_level' config must be one of "NONE","DEBUG", "INFO", "WARN" or "ERROR"."#);
}

/// Who is let in.
fn access(f: &mut Findings<'_>, rules: &Rules) {
    if let Some(text) = f.values.text_or_null("api_keys") {
        let keys = api_keys(text);
        if keys.iter().any(|key| key.chars().count() < 20) || keys.is_empty() {
            f.add("api_keys", "One of the API keys is too short. Please use at least 20 characters");
        } else if !keys.iter().all(|key| key_characters(key)) {
            f.add("api_keys", "Invalid characters in API key. Please only use '=', '-' and alpha-numeric (including capitals)");
        }
    }
    if let Some(secret) = f.values.text_or_null("supertokens_saas_secret").map(str::trim) {
        let name = "supertokens_saas_secret";
        if f.values.text_or_null("api_keys").is_none() {
            f.add(name, "supertokens_saas_secret can only be used when api_key is also defined");
        } else if secret.chars().count() < 40 {
            f.add(name, "supertokens_saas_secret is too short. Please use at least 40 characters");
        } else if !key_characters(secret) {
            f.add(name, "Invalid characters in supertokens_saas_secret key. Please only use '=', '-' and alpha-numeric (including capitals)");
        }
    }
    if let Some(domain) = f.values.text_or_null("supertokens_saas_load_only_cud") {
        f.require(
            host_of_domain(domain).is_some(),
            "supertokens_saas_load_only_cud",
            "supertokens_saas_load_only_cud is invalid",
        );
    }
    cdi_limits(f);
    for (name, rule) in [("ip_allow_regex", &rules.allow), ("ip_deny_regex", &rules.deny)] {
        if let Some(Err(reason)) = rule {
            f.add(name, rule_refused(name, *reason));
        }
    }
}

/// Why a text is no rule about addresses.
pub(crate) fn rule_refused(name: &str, reason: NoRule) -> String {
    match reason {
        NoRule::Invalid => format!("Provided regular expression is invalid for {name} config"),
        NoRule::TooLarge => format!(
            "Provided regular expression is too large for {name} config: list fewer addresses, or write them as patterns such as \
             10[.]0[.]0[.][0-9]+, without large counts of repetition"
        ),
    }
}

fn cdi_limits(f: &mut Findings<'_>) {
    let [max, min] = ["supertokens_max_cdi_version", "supertokens_min_cdi_version"].map(|name| {
        let text = f.values.text_or_null(name)?;
        let place = CDI_VERSIONS.iter().position(|version| *version == text);
        if place.is_none() {
            let well_formed = text.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
            let wrong = if well_formed { "a supported version" } else { "a valid semantic version" };
            f.add(name, format!("{name} is not {wrong}"));
        }
        place
    });
    if let (Some(max), Some(min)) = (max, min) {
        f.require(
            min <= max,
            "supertokens_min_cdi_version",
            "supertokens_min_cdi_version cannot be greater than supertokens_max_cdi_version",
        );
    }
}

fn tokens(f: &mut Findings<'_>, checks: Checks) {
    let strict = checks == Checks::Normal;
    let access = f.values.int("access_token_validity");
    f.require(
        (1..=86_400_000).contains(&access),
        "access_token_validity",
        "'access_token_validity' must be between 1 and 86400000 seconds inclusive.",
    );
    let jitter = f.values.double("access_token_validity_jitter");
    f.require(
        (0.0..=0.25).contains(&jitter),
        "access_token_validity_jitter",
        "'access_token_validity_jitter' must be between 0 and 0.25 inclusive.",
    );
    let interval = f.values.double("access_token_dynamic_signing_key_update_interval");
    f.require(
        !strict || interval >= 1.0,
        "access_token_dynamic_signing_key_update_interval",
        "'access_token_dynamic_signing_key_update_interval' must be greater than, equal to 1 hour.",
    );
    // Within the range of `access_token_validity` a double holds every second exactly.
    #[expect(clippy::cast_precision_loss, reason = "compared as doubles, as upstream does")]
    let longer = f.values.double("refresh_token_validity") * 60.0 > access as f64;
    f.require(
        !strict || longer,
        "refresh_token_validity",
        "'refresh_token_validity' must be strictly greater than 'access_token_validity'.",
    );
    let grace = f.values.int("refresh_token_rotation_grace_period");
    f.require(
        !strict || (0..=300).contains(&grace),
        "refresh_token_rotation_grace_period",
        "'refresh_token_rotation_grace_period' must be between 0 and 300 seconds inclusive.",
    );
    f.one_of(
        "recent_token_reuse_behaviour",
        "recent_token_reuse_behaviour property is not set correctly. It must be one of [TOKEN_THEFT, UNAUTHORISED]",
    );
}

fn recipes(f: &mut Findings<'_>) {
    for name in ["password_reset_token_lifetime", "email_verification_token_lifetime"] {
        // Quirk: the sentence allows 0, the check does not.
        f.at_least(name, 1, &format!("'{name}' must be >= 0"));
    }
    for name in [
        "passwordless_max_code_input_attempts",
        "passwordless_code_lifetime",
        "totp_max_attempts",
        "totp_rate_limit_cooldown_sec",
    ] {
        f.at_least(name, 1, &format!("'{name}' must be > 0"));
    }
}

/// Only the settings of the algorithm in use are looked at.
fn hashing(f: &mut Findings<'_>) {
    f.one_of("password_hashing_alg", "'password_hashing_alg' must be one of 'ARGON2' or 'BCRYPT'");
    match f.values.text("password_hashing_alg") {
        "BCRYPT" => {
            let (name, rounds) = ("bcrypt_log_rounds", f.values.int("bcrypt_log_rounds"));
            f.require(rounds >= 1, name, "'bcrypt_log_rounds' must be >= 1");
            // Upstream takes any other number, and then no password can be hashed.
            f.require(rounds < 1 || (4..=30).contains(&rounds), name, "'bcrypt_log_rounds' must be between 4 and 30 inclusive.");
        }
        "ARGON2" => {
            for name in ["argon2_iterations", "argon2_memory_kb", "argon2_parallelism"] {
                f.at_least(name, 1, &format!("'{name}' must be >= 1"));
            }
            let [memory, lanes] = ["argon2_memory_kb", "argon2_parallelism"].map(|name| f.values.int(name));
            // Upstream takes less, and then no password can be hashed.
            f.require(
                memory < 1 || lanes < 1 || memory / 8 >= lanes,
                "argon2_memory_kb",
                "'argon2_memory_kb' must be >= 8 times 'argon2_parallelism'",
            );
            f.require(lanes < 1 << 24, "argon2_parallelism", "'argon2_parallelism' must be < 16777216");
            let fits = f.values.int("argon2_hashing_pool_size") <= f.values.int("max_server_pool_size");
            f.require(fits, "argon2_hashing_pool_size", "'argon2_hashing_pool_size' must be <= 'max_server_pool_size'");
        }
        _ => {}
    }
}

fn oauth(f: &mut Findings<'_>) {
    let together =
        ["oauth_provider_public_service_url", "oauth_provider_admin_service_url", "oauth_provider_consent_login_base_url"];
    for name in together {
        let wrong = f.values.text_or_null(name).is_some_and(|text| !looks_like_url(text));
        f.require(!wrong, name, &format!("{name} is not a valid URL"));
    }
    if let Some(missing) = together.iter().find(|name| f.values.text_or_null(name).is_none())
        && together.iter().any(|name| f.values.text_or_null(name).is_some())
    {
        f.add(missing, format!("If any of the following is set, all of them has to be set: {}", together.join(", ")));
    }
    let name = "oauth_provider_url_configured_in_oauth_provider";
    let wrong = f.values.text_or_null(name).is_some_and(|text| !looks_like_url(text));
    f.require(!wrong, name, &format!("{name} is not a valid URL"));
}

fn imports(f: &mut Findings<'_>) {
    for name in ["bulk_migration_parallelism", "bulk_migration_batch_size"] {
        f.at_least(name, 1, &format!("Provided {name} must be >= 1"));
    }
    let name = "webauthn_recover_account_token_lifetime";
    f.at_least(name, 1, &format!("Provided {name} must be > 0"));
}

fn ours(f: &mut Findings<'_>) {
    f.one_of("log_format", "'log_format' must be one of 'text' or 'json'");
    for name in ["max_connections", "request_timeout_seconds"] {
        f.at_least(name, 1, &format!("'{name}' must be >= 1"));
    }
    f.at_least("shutdown_timeout_seconds", 0, "'shutdown_timeout_seconds' must be >= 0");
}

/// The keys in a comma separated text: all white space is dropped, and so is what is empty at the end.
pub(super) fn api_keys(text: &str) -> Vec<String> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    text.trim_end_matches(',').split(',').filter(|key| !key.is_empty() || !text.is_empty()).map(str::to_owned).collect()
}

fn key_characters(key: &str) -> bool {
    key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'=' || b == b'-')
}

/// The host of a connection URI domain, without its port; `None` if it is not one (core-multitenancy.md 1).
pub(super) fn host_of_domain(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (host, port) = text.split_once(':').unwrap_or((&text, "0"));
    let label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (host.split('.').all(label) && port.parse::<u16>().is_ok()).then(|| host.to_owned())
}

/// `scheme://something`, with letters for a scheme and no white space.
fn looks_like_url(text: &str) -> bool {
    let text = text.trim();
    text.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
            && !rest.is_empty()
            && !rest.starts_with('/')
            && !text.contains(char::is_whitespace)
    })
}
