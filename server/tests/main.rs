//! The server as a whole: the real router on both databases, a clock that stands, a simulator in
//! the same process. One program, so that it is linked once; a file a noun, as in `src/api`.

#[cfg(test)]
mod api_rules;
#[cfg(test)]
mod api_tokens;
#[cfg(test)]
mod audit_events;
#[cfg(test)]
mod backups;
#[cfg(test)]
mod bulk_changes;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod consent_links;
#[cfg(test)]
mod contacts;
#[cfg(test)]
mod countdowns;
#[cfg(test)]
mod credential_profiles;
#[cfg(test)]
mod customers;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod description;
#[cfg(test)]
mod enrolments;
#[cfg(test)]
mod filters;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod integrations;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod made_here;
#[cfg(test)]
mod mapping;
#[cfg(test)]
mod matches;
#[cfg(test)]
mod notification_recipients;
#[cfg(test)]
mod oidc;
#[cfg(test)]
mod operators;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod pauses;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod previews;
#[cfg(test)]
mod protected_rules;
#[cfg(test)]
mod protections;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod saved_views;
#[cfg(test)]
mod second_factor;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod support;
#[cfg(test)]
mod sync_object;
#[cfg(test)]
mod time_limits;
#[cfg(test)]
mod users;
#[cfg(test)]
mod why;
