//! What may one log in with, and how do the three generations of settings change that? (core-multitenancy.md 3)
//!
//! The oldest callers switch recipes on and off; the newest list factors; those between do both, and all three look at the same
//! tenant. Reading settings from a request body is here too, because which sentence a caller gets depends on the generation.

use super::{Tenant, TenantShape};
use crate::json::{Json, JsonObject};

/// The factors that belong to a recipe, in the order in which they are shown.
pub const KNOWN_FACTORS: [&str; 6] = ["emailpassword", "thirdparty", "otp-email", "otp-phone", "link-email", "link-phone"];

/// Characters that the tables hold for a factor.
const LONGEST_FACTOR: usize = 128;

/// Far more than anyone can log in with. The Java server has no limit.
const MOST_FACTORS: usize = 256;

const FIRST: &str = "firstFactors";
const REQUIRED: &str = "requiredSecondaryFactors";

/// The recipes that can be switched on and off for a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Recipe {
    /// Email and password.
    EmailPassword,
    /// Third-party providers.
    ThirdParty,
    /// Codes and links by email and phone.
    Passwordless,
}

impl Recipe {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::EmailPassword, Self::ThirdParty, Self::Passwordless];

    /// The recipe that a factor belongs to; factors such as `totp` belong to none.
    pub fn of_factor(factor: &str) -> Option<Self> {
        match factor {
            "emailpassword" => Some(Self::EmailPassword),
            "thirdparty" => Some(Self::ThirdParty),
            "otp-email" | "otp-phone" | "link-email" | "link-phone" => Some(Self::Passwordless),
            _ => None,
        }
    }

    /// The factors of this recipe.
    pub fn factors(self) -> impl Iterator<Item = &'static str> {
        KNOWN_FACTORS.into_iter().filter(move |factor| Self::of_factor(factor) == Some(self))
    }

    /// Its name in sentences.
    pub fn word(self) -> &'static str {
        match self {
            Self::EmailPassword => "emailPassword",
            Self::ThirdParty => "thirdParty",
            Self::Passwordless => "passwordless",
        }
    }

    /// The member of a request body that switches it.
    pub fn flag(self) -> &'static str {
        match self {
            Self::EmailPassword => "emailPasswordEnabled",
            Self::ThirdParty => "thirdPartyEnabled",
            Self::Passwordless => "passwordlessEnabled",
        }
    }
}

/// One value for each recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PerRecipe<T> {
    /// For email and password.
    pub email_password: T,
    /// For third-party providers.
    pub third_party: T,
    /// For codes and links.
    pub passwordless: T,
}

impl<T: Copy> PerRecipe<T> {
    /// The same value for each.
    pub fn all(value: T) -> Self {
        Self { email_password: value, third_party: value, passwordless: value }
    }

    /// The value for one.
    pub fn get(&self, recipe: Recipe) -> T {
        match recipe {
            Recipe::EmailPassword => self.email_password,
            Recipe::ThirdParty => self.third_party,
            Recipe::Passwordless => self.passwordless,
        }
    }

    /// Changes the value for one.
    pub fn set(&mut self, recipe: Recipe, value: T) {
        match recipe {
            Recipe::EmailPassword => self.email_password = value,
            Recipe::ThirdParty => self.third_party = value,
            Recipe::Passwordless => self.passwordless = value,
        }
    }
}

/// Who asks whether a recipe is enabled (core-multitenancy.md 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EnabledView {
    /// CDI 4.0 and older: switched on, and one of its factors allowed.
    UpTo4,
    /// CDI 5.0: switched on, and any factor allowed.
    V5,
    /// CDI 5.1 and newer: always.
    From51,
}

impl EnabledView {
    /// Is a recipe enabled that is switched on or not, where one may log in with anything or with these factors only?
    pub fn enables(self, recipe: Recipe, is_on: bool, first_factors: Option<&[String]>) -> bool {
        match (self, first_factors) {
            (Self::From51, _) => true,
            (_, None) => is_on,
            (Self::UpTo4, Some(factors)) => is_on && factors.iter().any(|factor| Recipe::of_factor(factor) == Some(recipe)),
            (Self::V5, Some(factors)) => is_on && !factors.is_empty(),
        }
    }
}

impl Tenant {
    /// Is the recipe enabled, seen by this kind of caller?
    pub fn is_enabled(&self, recipe: Recipe, view: EnabledView) -> bool {
        view.enables(recipe, self.recipes.get(recipe), self.first_factors.as_deref())
    }

    /// The first factors as `/v2` has them: a tenant without a list whose recipes are partly off is shown as if it had one.
    pub fn first_factors_or_derived(&self) -> Option<Vec<String>> {
        match &self.first_factors {
            Some(factors) => Some(factors.clone()),
            None if Recipe::ALL.iter().all(|recipe| self.recipes.get(*recipe)) => None,
            None => Some(factors_of(self.recipes)),
        }
    }
}

/// Why settings are refused. Displays as upstream's sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FactorError {
    /// Not of the type it should be.
    #[error("Field name '{0}' is invalid in JSON input")]
    Field(&'static str),
    /// A recipe flag, sent to `/v2`.
    #[error("{0} is not a valid input for this API")]
    NotForThisApi(&'static str),
    /// The same factor twice.
    #[error("{0} input should not contain duplicate values")]
    Duplicate(&'static str),
    /// An empty list where it cannot be told from no list.
    #[error("{0} cannot be empty. Set null instead to remove all {1}.")]
    Empty(&'static str, &'static str),
    /// A factor is listed and its recipe switched off in one request.
    #[error("Invalid core config: {list} should not contain '{factor}' because {recipe} is disabled for the tenant.")]
    Disabled {
        /// Which list.
        list: &'static str,
        /// The factor.
        factor: String,
        /// The recipe's name.
        recipe: &'static str,
    },
    /// A recipe is switched on and every factor taken away in one request. The Java server fails with a 500 here.
    #[error("Invalid core config: {0} cannot be enabled because no first factor is left for the tenant.")]
    NothingLeft(&'static str),
    /// A character that factor names do not have.
    #[error("{0} should contain only 0-9,a-z,A-Z,_,.,- characters")]
    Characters(&'static str),
    /// Longer than its column. The Java server fails with a 500 here.
    #[error("{0} should not contain names longer than {LONGEST_FACTOR} characters")]
    TooLong(&'static str),
    /// More than anyone needs.
    #[error("{0} should not contain more than {MOST_FACTORS} values")]
    TooMany(&'static str),
}

/// A list in a request, where null and absence differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// Not in the body: leave it as it is.
    Absent,
    /// Null: take the list away.
    Null,
    /// These.
    List(Vec<String>),
}

impl Given {
    fn is_present(&self) -> bool {
        *self != Self::Absent
    }

    fn replace(self, stored: &mut Option<Vec<String>>) {
        match self {
            Self::Absent => {}
            Self::Null => *stored = None,
            Self::List(factors) => *stored = Some(factors),
        }
    }

    fn factors(&self) -> &[String] {
        match self {
            Self::List(factors) => factors,
            _ => &[],
        }
    }
}

/// The part of a PUT's body that says what one may log in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settings {
    /// Flags only.
    V1UpTo4(PerRecipe<Option<bool>>),
    /// Flags and lists.
    V1From5 {
        /// Recipes to switch.
        flags: PerRecipe<Option<bool>>,
        /// First factors.
        first: Given,
        /// Required secondary factors.
        required: Given,
    },
    /// Lists only.
    V2 {
        /// First factors.
        first: Given,
        /// Required secondary factors.
        required: Given,
    },
}

impl Settings {
    /// Reads them from a body, as this generation has them.
    pub fn parse(body: &JsonObject, shape: TenantShape) -> Result<Self, FactorError> {
        let settings = Self::read(body, shape)?;
        match &settings {
            Self::V1UpTo4(_) => {}
            Self::V1From5 { first, required, .. } | Self::V2 { first, required } => {
                check_names(FIRST, first.factors())?;
                check_names(REQUIRED, required.factors())?;
            }
        }
        Ok(settings)
    }

    fn read(body: &JsonObject, shape: TenantShape) -> Result<Self, FactorError> {
        match shape {
            TenantShape::V1UpTo4 => Ok(Self::V1UpTo4(parse_flags(body)?)),
            TenantShape::V1From5 => {
                let flags = parse_flags(body)?;
                let (first, required) = (parse_list(body, FIRST)?, parse_list(body, REQUIRED)?);
                refuse_empty(&first, FIRST, "first factors")?;
                refuse_empty(&required, REQUIRED, "required secondary factors")?;
                refuse_disabled(&first, FIRST, flags)?;
                refuse_disabled(&required, REQUIRED, flags)?;
                Ok(Self::V1From5 { flags, first, required })
            }
            TenantShape::V2 => {
                // Quirk: two of the three sentences name the recipe, not the member.
                for (recipe, name) in Recipe::ALL.into_iter().zip(["emailPasswordEnabled", "thirdParty", "passwordless"]) {
                    if body.contains(recipe.flag()) {
                        return Err(FactorError::NotForThisApi(name));
                    }
                }
                Ok(Self::V2 { first: parse_list(body, FIRST)?, required: parse_list(body, REQUIRED)? })
            }
        }
    }

    /// Changes the tenant. On an error the tenant may be half changed and must be thrown away.
    pub fn apply(self, tenant: &mut Tenant) -> Result<(), FactorError> {
        match self {
            Self::V1UpTo4(flags) => apply_flags(tenant, flags),
            Self::V1From5 { flags, first, required } => apply_both(tenant, flags, first, required)?,
            Self::V2 { first, required } => apply_lists(tenant, first, required),
        }
        if tenant.required_secondary_factors.as_ref().is_some_and(Vec::is_empty) {
            tenant.required_secondary_factors = None;
        }
        Ok(())
    }
}

/// CDI up to 4.0 (3.3): switching off is taking the recipe's factors off the list; the booleans never go back to false.
fn apply_flags(tenant: &mut Tenant, flags: PerRecipe<Option<bool>>) {
    for recipe in Recipe::ALL {
        if flags.get(recipe) == Some(true) && !tenant.is_enabled(recipe, EnabledView::UpTo4) {
            tenant.recipes.set(recipe, true);
            if let Some(factors) = &mut tenant.first_factors {
                add(factors, recipe);
            }
        }
    }
    let off = |tenant: &Tenant, recipe| !tenant.recipes.get(recipe) || flags.get(recipe) == Some(false);
    if tenant.first_factors.is_none() && Recipe::ALL.iter().any(|recipe| off(tenant, *recipe)) {
        tenant.first_factors = Some(factors_of(PerRecipe::all(true)));
    }
    for recipe in Recipe::ALL {
        if off(tenant, recipe) {
            take(&mut tenant.first_factors, recipe);
        }
    }
}

/// CDI 5.0 and newer on the paths without `/v2` (3.4).
fn apply_both(tenant: &mut Tenant, flags: PerRecipe<Option<bool>>, first: Given, required: Given) -> Result<(), FactorError> {
    let switched_on = |recipe| flags.get(recipe) == Some(true);
    if Recipe::ALL.into_iter().any(switched_on) && tenant.first_factors.as_ref().is_some_and(Vec::is_empty) {
        tenant.recipes = PerRecipe::all(false);
        tenant.first_factors = None;
    }
    for recipe in Recipe::ALL {
        if let Some(flag) = flags.get(recipe) {
            tenant.recipes.set(recipe, flag);
        }
        if flags.get(recipe) == Some(false) {
            if !first.is_present() {
                take(&mut tenant.first_factors, recipe);
            }
            if !required.is_present() {
                take(&mut tenant.required_secondary_factors, recipe);
            }
        }
    }
    let first_given = first.is_present();
    enable_listed(tenant, first.factors());
    first.replace(&mut tenant.first_factors);

    let before = tenant.recipes;
    enable_listed(tenant, required.factors());
    if tenant.recipes != before && !first_given && tenant.first_factors.is_none() {
        // What has just been enabled is for the second step only.
        tenant.first_factors = Some(factors_of(before));
    }
    required.replace(&mut tenant.required_secondary_factors);

    for list in [tenant.first_factors.clone(), tenant.required_secondary_factors.clone()].into_iter().flatten() {
        enable_listed(tenant, &list);
    }
    match Recipe::ALL.into_iter().find(|recipe| switched_on(*recipe) && !tenant.is_enabled(*recipe, EnabledView::V5)) {
        Some(recipe) => Err(FactorError::NothingLeft(recipe.word())),
        None => Ok(()),
    }
}

/// The paths with `/v2` (3.5): the booleans are all on, the lists say everything.
fn apply_lists(tenant: &mut Tenant, first: Given, required: Given) {
    if !first.is_present() && !required.is_present() {
        return;
    }
    tenant.first_factors = tenant.first_factors_or_derived();
    tenant.recipes = PerRecipe::all(true);
    first.replace(&mut tenant.first_factors);
    required.replace(&mut tenant.required_secondary_factors);
}

fn factors_of(recipes: PerRecipe<bool>) -> Vec<String> {
    let wanted = |factor: &&str| Recipe::of_factor(factor).is_some_and(|recipe| recipes.get(recipe));
    KNOWN_FACTORS.into_iter().filter(wanted).map(str::to_owned).collect()
}

fn add(factors: &mut Vec<String>, recipe: Recipe) {
    for factor in recipe.factors() {
        if !factors.iter().any(|f| f == factor) {
            factors.push(factor.to_owned());
        }
    }
}

fn take(factors: &mut Option<Vec<String>>, recipe: Recipe) {
    if let Some(factors) = factors {
        factors.retain(|factor| Recipe::of_factor(factor) != Some(recipe));
    }
}

fn enable_listed(tenant: &mut Tenant, factors: &[String]) {
    for recipe in factors.iter().filter_map(|factor| Recipe::of_factor(factor)) {
        tenant.recipes.set(recipe, true);
    }
}

fn check_names(list: &'static str, factors: &[String]) -> Result<(), FactorError> {
    for factor in factors {
        // Quirk: parentheses pass, although the sentence does not list them.
        if factor.is_empty() || !factor.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-()".contains(&b)) {
            return Err(FactorError::Characters(list));
        }
        if factor.len() > LONGEST_FACTOR {
            return Err(FactorError::TooLong(list));
        }
    }
    Ok(())
}

fn parse_flags(body: &JsonObject) -> Result<PerRecipe<Option<bool>>, FactorError> {
    let mut flags = PerRecipe::all(None);
    for recipe in Recipe::ALL {
        let Some(given) = body.get(recipe.flag()) else { continue };
        flags.set(recipe, Some(boolean(given).ok_or(FactorError::Field(recipe.flag()))?));
    }
    Ok(flags)
}

// Quirk: a number is read as false, an array of one element as its element (core-server.md 8.1).
fn boolean(json: &Json) -> Option<bool> {
    match json {
        Json::Bool(flag) => Some(*flag),
        Json::Number(_) => Some(false),
        Json::Array(items) => match items.as_slice() {
            [item] => boolean(item),
            _ => None,
        },
        _ => None,
    }
}

fn parse_list(body: &JsonObject, name: &'static str) -> Result<Given, FactorError> {
    let items = match body.get(name) {
        None => return Ok(Given::Absent),
        Some(Json::Null) => return Ok(Given::Null),
        Some(Json::Array(items)) => items,
        Some(_) => return Err(FactorError::Field(name)),
    };
    if items.len() > MOST_FACTORS {
        return Err(FactorError::TooMany(name));
    }
    let mut factors: Vec<String> = Vec::with_capacity(items.len());
    for item in items {
        factors.push(item.as_str().ok_or(FactorError::Field(name))?.to_owned());
    }
    let mut sorted: Vec<&String> = factors.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() < factors.len() { Err(FactorError::Duplicate(name)) } else { Ok(Given::List(factors)) }
}

fn refuse_empty(given: &Given, name: &'static str, what: &'static str) -> Result<(), FactorError> {
    if *given == Given::List(Vec::new()) { Err(FactorError::Empty(name, what)) } else { Ok(()) }
}

fn refuse_disabled(given: &Given, list: &'static str, flags: PerRecipe<Option<bool>>) -> Result<(), FactorError> {
    for factor in given.factors() {
        if let Some(recipe) = Recipe::of_factor(factor).filter(|recipe| flags.get(*recipe) == Some(false)) {
            return Err(FactorError::Disabled { list, factor: factor.clone(), recipe: recipe.word() });
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "factors_tests.rs"]
mod tests;
