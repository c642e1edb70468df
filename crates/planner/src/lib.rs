//! Who is in a directory, and what a sync changes to get there.
//!
//! Everything in here is a pure function: no clock, no I/O, no async. Preview, apply, "Why?" and
//! the tests ask the same functions and get the same answer. The modules are read in the order in
//! which a run goes through them:
//!
//! - [`read`]: an object as its source gave it, brought into one form.
//! - [`mapping`]: the policy's rules make of it what the directory gets.
//! - [`filter`]: whether what the source says of it lets it in.
//! - [`merge`]: what a round said about an object or an edge more than once becomes one statement.
//! - [`matching`]: whether somebody new is somebody who is here already.
//! - [`mod@derive`]: the policy decides what should be of one object.
//! - [`diff`]: what should be and what is become at most one action an object.
//! - [`user_names`]: of several to whom a rule gives one user name, one keeps it.
//! - [`decision`]: what was rejected stays undone.
//! - [`kept_here`]: what an operator keeps of a person lies over what the source says.
//! - [`protection`]: who is protected isn't touched.
//! - [`guard`]: too many disables and deletes are held, and what falls with them.
//! - [`count`]: one line of counts an object type, that adds up.
//! - [`import`]: what the rows of a file would do, by the same difference.
//! - [`why`]: how all of that came to its answer about one object, in words.
//!
//! [`mod@fold`] and [`hash`] are what both databases must agree on: how text is searched and sorted,
//! and when two contents are the same.

pub mod count;
pub mod decision;
pub mod derive;
pub mod diff;
pub mod filter;
pub mod fold;
pub mod guard;
pub mod hash;
pub mod import;
pub mod kept_here;
pub mod mapping;
pub mod matching;
pub mod merge;
pub mod protection;
pub mod read;
pub mod user_names;
pub mod why;

pub use fold::{fold, key};
