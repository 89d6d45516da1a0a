//! Logging in with an e-mail address and a password: what the core is asked, and what it answers (core-users.md 3).

use supertokens_domain::accounts::Group;
use supertokens_domain::emailpassword::import::{Named, named};
use supertokens_domain::secret::Secret;

use super::user_shape;
use crate::input::contacts::WIDTH;
use crate::input::{BadInput, Input};
use crate::operation::{Answer, Body, Operation, status};
use crate::version::Rules;

/// A password that shall be somebody's. It is taken as it is, but it is something.
fn chosen(password: String) -> Result<Secret<String>, BadInput> {
    if password.is_empty() { Err(BadInput::rule("Password cannot be an empty string")) } else { Ok(Secret::new(password)) }
}

/// POST /recipe/signup
#[derive(Debug)]
pub struct SignUp {
    /// Normalised.
    pub email: String,
    /// Not empty.
    pub password: Secret<String>,
}

impl Operation for SignUp {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/signup";
    type Answer = SignedUp;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let email = body.email("email")?;
        Ok(Self { email, password: chosen(body.token("password")?)? })
    }
}

/// What answers [`SignUp`].
#[derive(Debug)]
pub enum SignedUp {
    /// There is a new user.
    Ok {
        /// Who.
        user: Group,
        /// The internal id of the login method.
        recipe_user_id: String,
    },
    /// Somebody in this tenant logs in with this address and a password already.
    EmailTaken,
}

impl Answer for SignedUp {
    fn write(self, rules: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok { user, recipe_user_id } => user_shape::with_login(status("OK"), &user, &recipe_user_id, rules),
            Self::EmailTaken => status("EMAIL_ALREADY_EXISTS_ERROR"),
        })
    }
}

/// POST /recipe/signin
#[derive(Debug)]
pub struct SignIn {
    /// Normalised.
    pub email: String,
    /// May be empty, if there ever was an empty one.
    pub password: Secret<String>,
}

impl Operation for SignIn {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/signin";
    type Answer = SignedIn;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let email = body.email("email")?;
        Ok(Self { email, password: Secret::new(body.token("password")?) })
    }
}

/// What answers [`SignIn`].
#[derive(Debug)]
pub enum SignedIn {
    /// The password is right.
    Ok {
        /// Whose it is, with all login methods.
        user: Group,
        /// The internal id of the login method that it belongs to.
        recipe_user_id: String,
    },
    /// It is not, or nobody here has this address.
    WrongCredentials,
}

impl Answer for SignedIn {
    fn write(self, rules: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok { user, recipe_user_id } => user_shape::with_login(status("OK"), &user, &recipe_user_id, rules),
            Self::WrongCredentials => status("WRONG_CREDENTIALS_ERROR"),
        })
    }
}

/// GET /recipe/user of this recipe, and of all that are not named
#[derive(Debug, Clone, PartialEq)]
pub enum GetUser {
    /// One login method, by its id or the one that is shown instead.
    ById(String),
    /// The whole user, by an address, normalised.
    ByEmail(String),
}

impl Operation for GetUser {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/user";
    type Answer = FoundUser;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        match (input.query.get("userId"), input.query.optional_email("email")) {
            (Some(_), Some(_)) => Err(BadInput::rule("Please provide only one of userId or email")),
            (Some(id), None) => Ok(Self::ById(id.to_owned())),
            (None, Some(email)) => Ok(Self::ByEmail(email)),
            (None, None) => Err(BadInput::rule("Please provide one of userId or email")),
        }
    }
}

/// What answers [`GetUser`].
#[derive(Debug)]
pub enum FoundUser {
    /// Somebody.
    Ok(Group),
    /// No login method of this recipe has this id.
    UnknownId,
    /// Nobody in this tenant logs in with this address and a password.
    UnknownEmail,
}

impl Answer for FoundUser {
    fn write(self, rules: &Rules) -> Body {
        let unknown = match &self {
            Self::Ok(user) => match user_shape::user(user, rules) {
                Some(user) => return Body::Json(status("OK").with("user", user)),
                None => "UNKNOWN_EMAIL_ERROR",
            },
            Self::UnknownId => "UNKNOWN_USER_ID_ERROR",
            Self::UnknownEmail => "UNKNOWN_EMAIL_ERROR",
        };
        Body::Json(status(unknown))
    }
}

/// PUT /recipe/user of this recipe
#[derive(Debug)]
pub struct ChangeUser {
    /// Of a login method; internal or external.
    pub id: String,
    /// The new address, normalised.
    pub email: Option<String>,
    /// The new password, not empty.
    pub password: Option<Secret<String>>,
}

impl Operation for ChangeUser {
    const METHOD: &'static str = "PUT";
    const PATH: &'static str = "/recipe/user";
    type Answer = Changed;

    fn read(input: &Input<'_>, rules: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let id = body.string(user_shape::id_field(rules))?;
        let email = body.optional_email("email")?;
        let password = body.optional_token("password")?;
        if email.is_none() && password.is_none() {
            return Err(BadInput::rule("You have to provide either email or password."));
        }
        Ok(Self { id, email, password: password.map(chosen).transpose()? })
    }
}

/// What answers [`ChangeUser`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is done.
    Ok,
    /// No login method of this recipe has this id.
    UnknownUser,
    /// Somebody else in one of its tenants logs in with this address and a password.
    EmailTaken,
    /// Another user owns the address in one of its tenants.
    EmailNotAllowed,
}

impl Answer for Changed {
    fn write(self, _: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok => status("OK"),
            Self::UnknownUser => status("UNKNOWN_USER_ID_ERROR"),
            Self::EmailTaken => status("EMAIL_ALREADY_EXISTS_ERROR"),
            Self::EmailNotAllowed => {
                status("EMAIL_CHANGE_NOT_ALLOWED_ERROR").with("reason", "New email is associated with another primary user ID")
            }
        })
    }
}

/// POST /recipe/user/password/reset/token
#[derive(Debug)]
pub struct MakeResetToken {
    /// Of a login method; internal or external.
    pub user_id: String,
    /// For whom the token is.
    pub addressee: Addressee,
}

/// For which address a reset token is made.
#[derive(Debug)]
pub enum Addressee {
    /// One that the caller names, as it is, whatever the user's login methods. What is wrong with it is said only where there is such a
    /// user.
    Named(Result<String, BadInput>),
    /// The address of a user who has this login method and no other.
    TheUsersOwn,
}

impl Operation for MakeResetToken {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/user/password/reset/token";
    type Answer = ResetToken;

    fn read(input: &Input<'_>, rules: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let user_id = body.string("userId")?;
        let named = || body.fitting("email", WIDTH);
        Ok(Self { user_id, addressee: if rules.names_addressee { Addressee::Named(named()) } else { Addressee::TheUsersOwn } })
    }
}

/// What answers [`MakeResetToken`].
#[derive(Debug)]
pub enum ResetToken {
    /// The token.
    Ok(Secret<String>),
    /// Nobody has this id.
    UnknownUser,
}

impl Answer for ResetToken {
    fn write(self, _: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok(token) => status("OK").with("token", token.expose().as_str()),
            Self::UnknownUser => status("UNKNOWN_USER_ID_ERROR"),
        })
    }
}

/// POST /recipe/user/password/reset
#[derive(Debug)]
pub struct ResetPassword {
    /// As it was mailed.
    pub token: Secret<String>,
    /// Not empty.
    pub new_password: Secret<String>,
}

impl Operation for ResetPassword {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/user/password/reset";
    type Answer = PasswordReset;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let method = body.token("method")?;
        let token = Secret::new(body.token("token")?);
        let new_password = body.token("newPassword")?;
        if method != "token" {
            return Err(BadInput::rule("Unsupported method for password reset"));
        }
        Ok(Self { token, new_password: chosen(new_password)? })
    }
}

/// What answers [`ResetPassword`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordReset {
    /// The password is another one now.
    Ok {
        /// Whose; the external id, if there is one.
        user_id: String,
    },
    /// There is no such token, or not any more.
    InvalidToken,
}

const INVALID_TOKEN: &str = "RESET_PASSWORD_INVALID_TOKEN_ERROR";

impl Answer for PasswordReset {
    fn write(self, rules: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok { user_id } => status("OK").with_some("userId", rules.reset_names_user.then_some(user_id)),
            Self::InvalidToken => status(INVALID_TOKEN),
        })
    }
}

/// POST /recipe/user/password/reset/token/consume
#[derive(Debug)]
pub struct ConsumeResetToken {
    /// As it was mailed.
    pub token: Secret<String>,
}

impl Operation for ConsumeResetToken {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/user/password/reset/token/consume";
    type Answer = ResetTokenConsumed;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { token: Secret::new(input.body()?.token("token")?) })
    }
}

/// What answers [`ConsumeResetToken`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResetTokenConsumed {
    /// It was good, and is not any more.
    Ok {
        /// Whose it was; the external id, if there is one.
        user_id: String,
        /// The address it was made for, as it was named.
        email: String,
    },
    /// There is no such token, or not any more.
    InvalidToken,
}

impl Answer for ResetTokenConsumed {
    fn write(self, _: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok { user_id, email } => status("OK").with("userId", user_id).with("email", email),
            Self::InvalidToken => status(INVALID_TOKEN),
        })
    }
}

/// POST /recipe/user/passwordhash/import
#[derive(Debug)]
pub struct ImportHash {
    /// Normalised.
    pub email: String,
    /// The hash, and the format that the caller named.
    pub hash: Named,
}

impl Operation for ImportHash {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/user/passwordhash/import";
    type Answer = HashImported;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let email = body.email("email")?;
        let hash = body.token("passwordHash")?;
        let algorithm = body.optional_token("hashingAlgorithm")?;
        let hash = named(&hash, algorithm.as_deref()).map_err(|refused| BadInput::rule(refused.to_string()))?;
        Ok(Self { email, hash })
    }
}

/// What answers [`ImportHash`].
#[derive(Debug)]
pub struct HashImported {
    /// Whose hash it is now.
    pub user: Group,
    /// The internal id of the login method.
    pub recipe_user_id: String,
    /// There was such a user, whose hash was another one.
    pub existed: bool,
}

impl Answer for HashImported {
    fn write(self, rules: &Rules) -> Body {
        let answer = user_shape::with_user(status("OK"), &self.user, &self.recipe_user_id, rules);
        Body::Json(answer.with("didUserAlreadyExist", self.existed))
    }
}

#[cfg(test)]
mod tests {
    use supertokens_domain::accounts::{Login, LoginMethod};
    use supertokens_domain::ids::TenantId;

    use super::*;
    use crate::input::Charset;
    use crate::version::CdiVersion;

    fn rules(major: u16, minor: u16) -> Rules {
        CdiVersion { major, minor }.rules()
    }

    /// What is wrong with a body, or nothing.
    fn wrong<O: Operation>(body: &str, rules: &Rules) -> String {
        O::read(&Input::new("", body.as_bytes(), Charset::Utf8), rules).err().map(|bad| bad.to_string()).unwrap_or_default()
    }

    fn read<O: Operation>(body: &str, rules: &Rules) -> O {
        O::read(&Input::new("", body.as_bytes(), Charset::Utf8), rules).unwrap()
    }

    fn field(name: &str) -> String {
        format!("Field name '{name}' is invalid in JSON input")
    }

    #[test]
    fn what_is_wrong_is_said_in_order() {
        let new = rules(5, 4);
        let long = format!(r#"{{"email":"{}","password":""}}"#, "x".repeat(257));
        for (body, expected) in [
            ("[]", "Invalid Json Input".to_owned()),
            (r#"{"password":1}"#, field("email")),
            (r#"{"email":null,"password":1}"#, field("email")),
            (r#"{"email":"a\u0000b","password":1}"#, field("email")),
            (&long, field("email")),
            (r#"{"email":"a"}"#, field("password")),
            (r#"{"email":"a","password":null}"#, field("password")),
        ] {
            assert_eq!((wrong::<SignUp>(body, &new), wrong::<SignIn>(body, &new)), (expected.clone(), expected), "{body}");
        }
        let empty = r#"{"email":"","password":""}"#;
        assert_eq!([wrong::<SignUp>(empty, &new), wrong::<SignIn>(empty, &new)], ["Password cannot be an empty string", ""]);
        for (body, expected) in [
            ("{}", field("method")),
            (r#"{"method":"x"}"#, field("token")),
            (r#"{"method":"x","token":"t"}"#, field("newPassword")),
            (r#"{"method":"x","token":"t","newPassword":""}"#, "Unsupported method for password reset".to_owned()),
            (r#"{"method":"token","token":"t","newPassword":""}"#, "Password cannot be an empty string".to_owned()),
            (r#"{"method":"token","token":"a\u0000b","newPassword":"p\u0000"}"#, String::new()),
        ] {
            assert_eq!(wrong::<ResetPassword>(body, &new), expected, "{body}");
        }
        for (body, expected) in [
            ("{}", field("email")),
            (r#"{"email":"a","hashingAlgorithm":1}"#, field("passwordHash")),
            (r#"{"email":"a","passwordHash":"","hashingAlgorithm":1}"#, field("hashingAlgorithm")),
            (r#"{"email":"a","passwordHash":" ","hashingAlgorithm":""}"#, "Password hash cannot be an empty string".to_owned()),
            (
                r#"{"email":"a","passwordHash":"x","hashingAlgorithm":" "}"#,
                "Hashing Algorithm cannot be an empty string".to_owned(),
            ),
            (r#"{"email":"a","passwordHash":"x","hashingAlgorithm":"md5"}"#, "Unsupported password hashing algorithm".to_owned()),
            (r#"{"email":"a","passwordHash":"x","hashingAlgorithm":" bCrypt "}"#, String::new()),
        ] {
            assert_eq!(wrong::<ImportHash>(body, &new), expected, "{body}");
        }
    }

    #[test]
    fn a_change_names_the_login_method_as_the_version_does() {
        for (version, body, expected) in [
            (rules(3, 1), r#"{"recipeUserId":"u","password":"p"}"#, field("userId")),
            (rules(4, 0), r#"{"userId":"u","password":"p"}"#, field("recipeUserId")),
            (rules(3, 1), r#"{"userId":"u","password":"p"}"#, String::new()),
            (rules(4, 0), r#"{"recipeUserId":"u","email":"e"}"#, String::new()),
            (rules(4, 0), r#"{"recipeUserId":"u","email":null,"password":"p"}"#, field("email")),
            (rules(4, 0), r#"{"recipeUserId":"u","email":"e","password":null}"#, field("password")),
            (rules(4, 0), r#"{"recipeUserId":"u"}"#, "You have to provide either email or password.".to_owned()),
            (rules(4, 0), r#"{"recipeUserId":"u","email":"e","password":""}"#, "Password cannot be an empty string".to_owned()),
        ] {
            assert_eq!(wrong::<ChangeUser>(body, &version), expected, "{body}");
        }
        let change: ChangeUser = read(r#"{"recipeUserId":"u","email":" E@X "}"#, &rules(5, 4));
        assert_eq!((change.email.as_deref(), change.password.is_none()), (Some("e@x"), true));
    }

    #[test]
    fn a_reset_token_is_for_an_address_as_it_is_named_from_4_on() {
        let made = |version: &Rules, body: &str| read::<MakeResetToken>(body, version).addressee;
        assert!(matches!(made(&rules(3, 1), r#"{"userId":"u","email":1}"#), Addressee::TheUsersOwn));
        let named = made(&rules(4, 0), r#"{"userId":"u","email":" A@x "}"#);
        assert!(matches!(named, Addressee::Named(Ok(email)) if email == " A@x "));
        for late in [
            r#"{"userId":"u"}"#,
            r#"{"userId":"u","email":"a\u0000"}"#,
            &format!(r#"{{"userId":"u","email":"{}"}}"#, "x".repeat(257)),
        ] {
            let Addressee::Named(Err(bad)) = made(&rules(4, 0), late) else { panic!("{late}") };
            assert_eq!(bad.to_string(), field("email"));
        }
        assert_eq!(wrong::<MakeResetToken>(r#"{"userId":null}"#, &rules(4, 0)), field("userId"));
    }

    #[test]
    fn one_user_is_asked_for_by_one_thing() {
        let asked =
            |query: &str| GetUser::read(&Input::new(query, b"", Charset::Utf8), &rules(5, 4)).map_err(|bad| bad.to_string());
        assert_eq!(asked("userId=+u&other=1"), Ok(GetUser::ById(" u".to_owned())));
        assert_eq!(asked("email=%20A@x"), Ok(GetUser::ByEmail("a@x".to_owned())));
        assert_eq!(asked("email=&userId="), Err("Please provide only one of userId or email".to_owned()));
        assert_eq!(asked(""), Err("Please provide one of userId or email".to_owned()));
    }

    fn said(answer: impl Answer, version: &Rules) -> String {
        let Body::Json(json) = answer.write(version) else { panic!("no JSON") };
        json.to_text()
    }

    #[test]
    fn answers_have_the_shapes_of_their_versions() {
        let login = Login::EmailPassword { email: "a@x".to_owned() };
        let user = || Group::alone(LoginMethod::new("u", login.clone(), TenantId::default(), 7));
        let old = r#"{"status":"OK","user":{"id":"u","timeJoined":7,"email":"a@x"}"#;
        let recipe_user_id = || "u".to_owned();
        let up = || SignedUp::Ok { user: user(), recipe_user_id: recipe_user_id() };
        let into = || SignedIn::Ok { user: user(), recipe_user_id: recipe_user_id() };
        let import = |existed| HashImported { user: user(), recipe_user_id: recipe_user_id(), existed };
        assert_eq!([said(up(), &rules(2, 9)), said(into(), &rules(2, 9))], [format!("{old}}}"), format!("{old}}}")]);
        assert_eq!(said(import(true), &rules(2, 16)), format!(r#"{old},"didUserAlreadyExist":true}}"#));
        for version in [rules(4, 0), rules(5, 6)] {
            assert!(
                said(up(), &version).ends_with(r#"]},"recipeUserId":"u"}"#) && said(up(), &version) == said(into(), &version)
            );
            assert!(said(import(false), &version).ends_with(r#"]},"didUserAlreadyExist":false}"#));
            assert!(said(FoundUser::Ok(user()), &version).ends_with(r#""email":"a@x"}]}}"#));
        }
        let reset = || PasswordReset::Ok { user_id: "u".to_owned() };
        assert_eq!(
            [said(reset(), &rules(2, 11)), said(reset(), &rules(2, 12))],
            [r#"{"status":"OK"}"#, r#"{"status":"OK","userId":"u"}"#]
        );
        let consumed = ResetTokenConsumed::Ok { user_id: "u".to_owned(), email: "A@x".to_owned() };
        let version = rules(5, 4);
        assert_eq!(said(consumed, &version), r#"{"status":"OK","userId":"u","email":"A@x"}"#);
        assert_eq!(said(ResetToken::Ok(Secret::new("t".to_owned())), &version), r#"{"status":"OK","token":"t"}"#);
        let not_allowed =
            r#"{"status":"EMAIL_CHANGE_NOT_ALLOWED_ERROR","reason":"New email is associated with another primary user ID"}"#;
        assert_eq!(said(Changed::EmailNotAllowed, &version), not_allowed);
        for (text, status) in [
            (said(SignedUp::EmailTaken, &version), "EMAIL_ALREADY_EXISTS_ERROR"),
            (said(Changed::EmailTaken, &version), "EMAIL_ALREADY_EXISTS_ERROR"),
            (said(SignedIn::WrongCredentials, &version), "WRONG_CREDENTIALS_ERROR"),
            (said(FoundUser::UnknownId, &version), "UNKNOWN_USER_ID_ERROR"),
            (said(FoundUser::UnknownEmail, &version), "UNKNOWN_EMAIL_ERROR"),
            (said(Changed::UnknownUser, &version), "UNKNOWN_USER_ID_ERROR"),
            (said(Changed::Ok, &version), "OK"),
            (said(ResetToken::UnknownUser, &version), "UNKNOWN_USER_ID_ERROR"),
            (said(PasswordReset::InvalidToken, &version), "RESET_PASSWORD_INVALID_TOKEN_ERROR"),
            (said(ResetTokenConsumed::InvalidToken, &version), "RESET_PASSWORD_INVALID_TOKEN_ERROR"),
        ] {
            assert_eq!(text, format!(r#"{{"status":"{status}"}}"#));
        }
    }

    #[test]
    fn no_password_prints() {
        let version = rules(5, 4);
        let up: SignUp = read(r#"{"email":"a","password":"hunter2"}"#, &version);
        let into: SignIn = read(r#"{"email":"a","password":"hunter2"}"#, &version);
        let change: ChangeUser = read(r#"{"recipeUserId":"u","password":"hunter2"}"#, &version);
        let reset: ResetPassword = read(r#"{"method":"token","token":"hunter2","newPassword":"hunter2"}"#, &version);
        let import: ImportHash = read(r#"{"email":"a","passwordHash":"hunter2"}"#, &version);
        assert!(!format!("{up:?}{into:?}{change:?}{reset:?}{import:?}").contains("hunter2"));
    }
}
