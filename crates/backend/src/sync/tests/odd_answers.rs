//! Answers that no directory should give: each has an outcome with a name, for the run or for the
//! one object, and nothing is lost by it.

use std::collections::BTreeMap;

use domain::run::{Run, RunMode, RunStatus};
use simulator::GroupKind;
use uuid::Uuid;

use super::{
    sync_test,
    world::{World, tenant},
};
use crate::fetch_one;

/// What stands in the answers for the one whose name becomes odd.
const NAME: &str = "\"displayName\":\"Ada Odd\"";

/// Somebody with both names, so that the policy takes them in.
fn ada(w: &World) -> Uuid {
    let names = [("givenName", "Ada"), ("surname", "Odd")];
    let names = names.map(|(name, value)| (name.to_owned(), value.into()));
    let address = "ada@odd.example";
    w.control
        .create_user("Ada Odd", address, &BTreeMap::from(names))
        .unwrap()
}

async fn full(w: &World) -> Run {
    w.execute("UPDATE integration SET full_scan_next = TRUE")
        .await;
    w.run(RunMode::Full).await
}

sync_test!(
    an_answer_that_can_t_be_read_ends_the_run_and_changes_nothing,
    tenant(801, 20),
    |w| {
        let id = ada(&w);
        w.run(RunMode::Full).await;
        let before = w.actual().await;
        w.control.random_changes(20, 1);
        let guid = format!("\"id\":\"{id}\"");
        for (what, from, to) in [
            ("malformed", "\"value\":[", "\"value\":[,"),
            ("a number in place of a name", NAME, "\"displayName\":7"),
            ("an id that is none", guid.as_str(), "\"id\":\"not-a-guid\""),
            ("no list", "\"value\":[", "\"values\":["),
        ] {
            w.control.rewrite("/users/", from, to);
            let run = full(&w).await;
            assert_eq!(run.status, RunStatus::Failed, "{what}");
            let error = run.error.expect("it says why");
            assert_eq!(error.code, "bad_answer", "{what}");
            assert!(!error.title.is_empty() && !error.fix.is_empty(), "{what}");
            assert_eq!(w.actual().await, before, "{what}");
            w.control.clear_faults();
        }
        assert_eq!(full(&w).await.status, RunStatus::Succeeded);
        w.assert_equal("after answers that couldn’t be read").await;
    }
);

/// Text that no page of an index could hold, and that doesn't compress.
fn long() -> String {
    (0_u128..2_048)
        .map(|number| {
            Uuid::from_u128(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834))
        })
        .map(|id| id.simple().to_string())
        .collect()
}

sync_test!(names_that_nobody_has_are_kept, tenant(802, 20), |w| {
    let id = ada(&w);
    let long = long();
    assert_eq!(long.len(), 65_536);
    for (to, kept) in [
        (long.as_str(), long.as_str()),
        ("a\\u0000b", "a\u{fffd}b"),
        ("\\u0007\\u001b[31mred\\u007f", "\u{7}\u{1b}[31mred\u{7f}"),
        ("\\ud83d", "\u{fffd}"),
        ("\u{202e}Adnan 👩🏽‍🚀 \\\"q\\\"", "\u{202e}Adnan 👩🏽‍🚀 \"q\""),
    ] {
        w.control
            .rewrite("/users/", NAME, &format!("\"displayName\":\"{to}\""));
        let run = full(&w).await;
        assert_eq!(run.status, RunStatus::Succeeded, "{:?}", run.error);
        w.control.clear_faults();
        let mut tx = w.t.db.read().await.unwrap();
        let (name,) = fetch_one!(
            &mut tx,
            (String,),
            "SELECT display_name FROM directory_user WHERE external_id = $1",
            id
        )
        .unwrap();
        assert_eq!(name, kept);
    }
    full(&w).await;
    w.assert_equal("after odd names").await;
});

sync_test!(
    a_member_of_an_unknown_type_is_left_out_alone,
    tenant(803, 20),
    |w| {
        let group = w
            .control
            .create_group("Odd Ones", GroupKind::Security, &BTreeMap::new())
            .unwrap();
        let id = ada(&w);
        w.control.add_members(group, &[id]).unwrap();
        let members = "SELECT COUNT(*) FROM directory_membership e
               JOIN directory_user d ON d.id = e.member_id WHERE d.display_name = 'Ada Odd'";
        let user = format!("\"@odata.type\":\"#microsoft.graph.user\",\"id\":\"{id}\"");
        let toaster = format!("\"@odata.type\":\"#microsoft.graph.toaster\",\"id\":\"{id}\"");
        w.control.rewrite("/groups/", &user, &toaster);
        assert_eq!(w.run(RunMode::Full).await.status, RunStatus::Succeeded);
        assert_eq!(w.count(members).await, 0);
        w.control.clear_faults();
        full(&w).await;
        assert_eq!(w.count(members).await, 1);
        w.assert_equal("after a type that nobody knows").await;
    }
);

sync_test!(a_clock_that_goes_back_loses_nothing, tenant(804, 20), |w| {
    w.run(RunMode::Full).await;
    for hours in [-30, 31, -2] {
        w.t.clock.advance(chrono::Duration::hours(hours));
        w.control.random_changes(15, hours.unsigned_abs());
        let run = w.run(RunMode::Delta).await;
        assert!(
            matches!(run.status, RunStatus::Succeeded | RunStatus::NothingToDo),
            "{run:#?}"
        );
        w.assert_equal("after the clock was set").await;
    }
});
