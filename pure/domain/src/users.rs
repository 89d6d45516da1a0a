//! What is true about users whatever the recipe: how an e-mail address and a phone number are kept, and how a list of them is paged (core-users.md 3, 4).

pub mod email;
pub mod page;
pub mod phone;
