//! The engine against the simulator: whatever happened in the tenant, the directory is what its
//! control API says is in it.

mod administrators;
mod any_policy;
mod batches;
mod contacts_and_devices;
mod crashing;
mod deciding;
mod endings;
mod enrolling;
mod equality;
mod filtering;
mod guarding;
mod keeping_here;
mod leaving;
mod mailboxes;
mod mapping;
mod matching;
mod meanwhile;
mod name_held;
mod names_by_rule;
mod odd_answers;
mod previewing;
mod protecting;
mod protecting_by_rule;
mod removing;
mod resuming;
mod second_full;
mod simulation;
mod single;
mod standing;
mod telling;
mod why;
mod world;

/// Runs one test on both databases with a tenant of its own:
/// `sync_test!(name, config, |w| { … })`, with `w: World`.
macro_rules! sync_test {
    ($name:ident, $config:expr, |$w:ident| $body:block) => {
        mod $name {
            use super::*;

            async fn check($w: World) $body

            #[tokio::test]
            async fn sqlite() {
                if let Some(w) = World::new($crate::testing::Kind::Sqlite, $config).await {
                    check(w).await;
                }
            }

            #[tokio::test]
            async fn postgres() {
                if let Some(w) = World::new($crate::testing::Kind::Postgres, $config).await {
                    check(w).await;
                }
            }
        }
    };
}
use sync_test;
