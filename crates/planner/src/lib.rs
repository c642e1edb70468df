//! Decides what a sync does: pure functions, the same for preview, apply and "Why?".

mod text;

pub use text::fold;
