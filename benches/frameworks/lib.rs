//! Nothing: the bench is `main.rs`.
