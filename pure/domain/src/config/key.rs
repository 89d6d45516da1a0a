//! What is a setting: its name, kind, default, scope and what the dashboard may show of it (core-server.md 9.3, 9.4, 9.6, 9.7)?
//! Which ones exist is said elsewhere.

/// Where a value may be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Only in the file, the environment or the flags of the program.
    Base,
    /// Per app; the same for all tenants of an app.
    App,
    /// Per tenant.
    Tenant,
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 32 bits.
    Int,
    /// 32 bits, or nothing at all.
    NullableInt,
    /// 64 bits.
    Long,
    /// A floating point number.
    Double,
    /// `true` or `false`.
    Bool,
    /// Any text.
    Text,
    /// One of a few words; compared without regard to case, kept in upper case.
    OneOf(&'static [&'static str]),
}

/// A typed value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Not set.
    Null,
    /// Of the kinds [`Kind::Int`], [`Kind::NullableInt`] and [`Kind::Long`].
    Int(i64),
    /// Of the kind [`Kind::Double`].
    Double(f64),
    /// Of the kind [`Kind::Bool`].
    Bool(bool),
    /// Of the kinds [`Kind::Text`] and [`Kind::OneOf`].
    Text(String),
}

/// What counts when nothing is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Preset {
    /// Nothing.
    Unset,
    /// A whole number.
    Int(i64),
    /// A floating point number.
    Double(f64),
    /// A boolean.
    Bool(bool),
    /// A text.
    Text(&'static str),
    /// The number of processors of the machine, which only the program can know.
    Processors,
}

/// Who the setting is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The Java core has it too.
    Core,
    /// The Java core's PostgreSQL plugin has it too.
    Database,
    /// This server alone has it.
    Ours,
}

/// The environment variable of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// The key in upper case.
    UpperCase,
    /// Another name.
    Named(&'static str),
    /// It has none.
    None,
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// As config.yaml and `coreConfig` write it.
    pub name: &'static str,
    /// Another name for the same setting.
    pub alias: Option<&'static str>,
    /// The environment variable.
    pub variable: Variable,
    /// The type.
    pub kind: Kind,
    /// The default.
    pub preset: Preset,
    /// Where it may be set.
    pub scope: Scope,
    /// Who has it.
    pub owner: Owner,
    /// One sentence for people.
    pub description: &'static str,
    /// The allowed values, for people.
    pub allowed: &'static str,
    /// Only the owner of a shared installation may see and change it (core-server.md 9.6).
    pub protected: bool,
    /// Never printed.
    pub secret: bool,
    /// The dashboard does not list it.
    pub hidden: bool,
    /// The dashboard lets people change it, although it belongs to the database.
    pub editable: bool,
    /// A base value out of range is reported with the path of the file (core-server.md 9.3, last lines).
    pub names_file: bool,
}

impl Key {
    /// The name of the environment variable, if it has one.
    pub fn variable_name(&self) -> Option<String> {
        match self.variable {
            Variable::UpperCase => Some(self.name.to_uppercase()),
            Variable::Named(name) => Some(name.to_owned()),
            Variable::None => None,
        }
    }

    /// The default as a value. `processors` is what [`Preset::Processors`] stands for.
    pub fn default_value(&self, processors: i64) -> Value {
        match self.preset {
            Preset::Unset => Value::Null,
            Preset::Int(value) => Value::Int(value),
            Preset::Double(value) => Value::Double(value),
            Preset::Bool(value) => Value::Bool(value),
            Preset::Text(text) => Value::Text(text.to_owned()),
            Preset::Processors => Value::Int(processors),
        }
    }

    /// May the value be absent?
    pub fn nullable(&self) -> bool {
        matches!(self.preset, Preset::Unset) || matches!(self.kind, Kind::NullableInt)
    }

    /// Is this the key's name, or its other name?
    pub fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.alias == Some(name)
    }
}

/// The start of a row of a list; the methods below say what is unusual about it.
pub(super) const fn row(name: &'static str, kind: Kind, preset: Preset, scope: Scope, description: &'static str) -> Key {
    let allowed = match kind {
        Kind::Int | Kind::NullableInt => "a whole number",
        Kind::Long => "a whole number",
        Kind::Double => "a number",
        Kind::Bool => "true or false",
        Kind::Text => "a text",
        Kind::OneOf(_) => "one of a few words",
    };
    Key {
        name,
        alias: None,
        variable: Variable::UpperCase,
        kind,
        preset,
        scope,
        owner: Owner::Core,
        description,
        allowed,
        protected: false,
        secret: false,
        hidden: false,
        editable: false,
        names_file: false,
    }
}

impl Key {
    pub(super) const fn allowed(self, allowed: &'static str) -> Self {
        Self { allowed, ..self }
    }
    pub(super) const fn variable(self, name: &'static str) -> Self {
        Self { variable: Variable::Named(name), ..self }
    }
    pub(super) const fn no_variable(self) -> Self {
        Self { variable: Variable::None, ..self }
    }
    pub(super) const fn alias(self, alias: &'static str) -> Self {
        Self { alias: Some(alias), ..self }
    }
    pub(super) const fn protected(self) -> Self {
        Self { protected: true, ..self }
    }
    pub(super) const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }
    pub(super) const fn hidden(self) -> Self {
        Self { hidden: true, ..self }
    }
    pub(super) const fn editable(self) -> Self {
        Self { editable: true, ..self }
    }
    pub(super) const fn names_file(self) -> Self {
        Self { names_file: true, ..self }
    }
    pub(super) const fn owner(self, owner: Owner) -> Self {
        Self { owner, ..self }
    }
}
