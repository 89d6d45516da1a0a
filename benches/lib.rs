//! Benches only; see `sdk/main.rs`.
