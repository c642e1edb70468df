//! The server as a whole: the real router on both databases, a clock that stands, a simulator in
//! the same process. One program, so that it is linked once; a file a noun, as in `src/api`.

mod api_rules;
mod backups;
mod command_line;
mod credential_profiles;
mod customers;
mod description;
mod integrations;
mod pages;
mod permissions;
mod runs;
mod secrets;
mod support;
mod users;
