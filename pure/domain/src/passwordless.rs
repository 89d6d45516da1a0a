//! What is true about logins without a password: how devices, codes and links belong together, and what an attempt does (core-recipes-1.md 2).

pub mod attempt;
pub mod code;
mod contact;

pub use contact::Contact;
