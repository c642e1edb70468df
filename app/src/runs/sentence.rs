//! What a run did, in one or two sentences: the first thing its page says.

use domain::{
    number::listed,
    policy::ObjectType,
    run::{CountLine, LineStatus, Reason, Run, RunMode, RunObject, RunStatus},
};

use crate::ui::{duration, number::counted};

/// A part of the sentence; what counts stands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The words.
    pub text: String,
    /// Whether they stand out.
    pub strong: bool,
}

fn plain(text: impl Into<String>) -> Part {
    Part {
        text: text.into(),
        strong: false,
    }
}

fn strong(text: impl Into<String>) -> Part {
    Part {
        text: text.into(),
        strong: true,
    }
}

/// "Full sync", "Delta sync", "Preview", "Single sync", "Import".
pub const fn kind(mode: RunMode) -> &'static str {
    match mode {
        RunMode::Full => "Full sync",
        RunMode::Delta => "Delta sync",
        RunMode::Preview => "Preview",
        RunMode::Object => "Single sync",
        RunMode::Import => "Import",
    }
}

/// The one object that a run is for: by name, or by id where nothing is kept of it.
pub fn who(object: &RunObject) -> String {
    let name = object.display_name.clone();
    name.unwrap_or_else(|| object.external_id.to_string())
}

/// What became of the one object that a run was for, where nothing of it changed.
fn found(run: &Run, object: &RunObject) -> String {
    if run.counts.iter().any(|line| line.held > 0) {
        return " What it was to change waits for a decision in an earlier run.".to_owned();
    }
    match (object.reason, &object.display_name) {
        (Some(Reason::Gone), None) => {
            " Entra ID doesn’t have it, and nothing is kept of it here.".to_owned()
        }
        (Some(Reason::OutOfScope), None) => {
            " It is in no selected group, so nothing of it is kept.".to_owned()
        }
        (Some(reason), _) => format!(" It stays out: {}.", lower(reason.title())),
        (None, _) => " There was nothing to change.".to_owned(),
    }
}

/// A title in the middle of a sentence.
fn lower(title: &str) -> String {
    let mut chars = title.chars();
    let first = chars.next().map(|first| first.to_lowercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

/// The noun of a type, for one and for many.
const fn nouns(object_type: ObjectType) -> (&'static str, &'static str) {
    match object_type {
        ObjectType::User => ("user", "users"),
        ObjectType::Group => ("group", "groups"),
        ObjectType::Contact => ("contact", "contacts"),
        ObjectType::Device => ("device", "devices"),
        ObjectType::Membership => ("membership", "memberships"),
    }
}

/// A number of objects of a type, in words: "42 users".
pub(super) fn of(number: i64, object_type: ObjectType) -> String {
    let (one, many) = nouns(object_type);
    counted(number, one, many)
}

/// Lines of objects proper. Memberships go with their groups and would be counted twice.
fn objects(run: &Run) -> impl Iterator<Item = &CountLine> {
    run.counts
        .iter()
        .filter(|line| line.object_type != ObjectType::Membership)
}

/// Whether it went on after it had ended or waited: an applied preview, a held run that was decided.
fn went_on(run: &Run) -> bool {
    let decided =
        |line: &CountLine| matches!(line.status, LineStatus::Approved | LineStatus::Rejected);
    run.replaced_by.is_some()
        || run.counts.iter().any(decided)
        || (run.preview.is_some() && run.mode != RunMode::Preview)
}

/// What a run did, or why it did nothing.
pub fn sentence(run: &Run) -> Vec<Part> {
    match run.status {
        RunStatus::Queued => vec![plain(
            "It waits for a worker. Nothing was read and nothing was changed yet.",
        )],
        RunStatus::Running => vec![plain(match run.mode {
            RunMode::Preview => "It reads and compares. Nothing will be changed.",
            _ if went_on(run) => "It applies. What is applied stays, also if it is cancelled.",
            RunMode::Full | RunMode::Delta | RunMode::Object | RunMode::Import => {
                "It reads, compares and then applies. What is applied stays, also if it is cancelled."
            }
        })],
        RunStatus::NothingToDo => {
            let mut parts = read(run);
            parts.push(match (run.mode, &run.object) {
                (_, Some(object)) => plain(found(run, object)),
                (RunMode::Preview, _) => {
                    plain(" Everything is as it should be: a run would change nothing.")
                }
                _ => plain(" Everything was as it should be."),
            });
            parts
        }
        RunStatus::Cancelled if run.replaced_by.is_some() => {
            let mut parts = read(run);
            parts.extend(applied(run));
            parts.push(plain(
                " What it held was looked at again by a newer run, which takes its place.",
            ));
            parts
        }
        RunStatus::Cancelled if changed_nothing(run) => {
            vec![plain("It was cancelled. Nothing was changed.")]
        }
        RunStatus::Failed if changed_nothing(run) => {
            vec![strong("Nothing was changed."), plain(cause(run))]
        }
        status => {
            let mut parts = read(run);
            parts.extend(applied(run));
            if status == RunStatus::Cancelled {
                parts.push(plain(" Then it was cancelled; what was applied stays."));
            }
            parts.extend(not_applied(run));
            if run.mode == RunMode::Preview {
                parts.push(plain(" Nothing was changed."));
            }
            parts
        }
    }
}

/// Whether the directory is as it was before the run.
fn changed_nothing(run: &Run) -> bool {
    run.mode == RunMode::Preview || objects(run).all(|line| line.changed() == 0)
}

fn cause(run: &Run) -> String {
    run.error.as_ref().map_or_else(String::new, |error| {
        format!(" {}.", error.title.trim_end_matches('.'))
    })
}

/// "Read 4,812 users and 186 groups in 2 m 37 s."
fn read(run: &Run) -> Vec<Part> {
    let seen: Vec<String> = objects(run)
        .filter(|line| line.total > 0)
        .map(|line| of(line.total, line.object_type))
        .collect();
    // The time in which a run waited for somebody is not time in which it worked.
    let took = run
        .started_at
        .filter(|_| !went_on(run))
        .zip(run.ended_at)
        .map(|(from, to)| format!(" in {}", duration::words((to - from).num_milliseconds())));
    let took = took.unwrap_or_default();
    if let Some(object) = &run.object {
        return vec![
            plain("Asked about "),
            strong(who(object)),
            plain(format!("{took}.")),
        ];
    }
    if seen.is_empty() {
        let what = match run.mode {
            RunMode::Delta => "Asked what changed",
            RunMode::Full => "Read the tenant",
            RunMode::Preview | RunMode::Object => "Looked at the tenant",
            RunMode::Import => "Read the rows",
        };
        return vec![plain(format!("{what}{took}."))];
    }
    let looked = match run.mode {
        RunMode::Delta | RunMode::Preview | RunMode::Object => "Looked at ",
        RunMode::Full | RunMode::Import => "Read ",
    };
    vec![
        plain(looked),
        strong(listed(&seen)),
        plain(format!("{took}.")),
    ]
}

/// "Applied 114 changes."
fn applied(run: &Run) -> Vec<Part> {
    let changes: i64 = objects(run).map(CountLine::changed).sum();
    let verb = match run.mode {
        RunMode::Preview => " A run would make ",
        RunMode::Full | RunMode::Delta | RunMode::Object | RunMode::Import => " Applied ",
    };
    let text = match (changes, run.mode) {
        (0, RunMode::Preview) => "no changes".to_owned(),
        (n, _) => counted(n, "change", "changes"),
    };
    vec![plain(verb), strong(text), plain(".")]
}

/// "42 users are held: nothing was done to them. 2 users failed."
fn not_applied(run: &Run) -> Vec<Part> {
    let mut parts = Vec::new();
    for line in run.counts.iter().filter(|line| line.held > 0) {
        if line.status == LineStatus::Rejected {
            let stay = if line.held == 1 { "stays" } else { "stay" };
            parts.push(plain(format!(
                " {} {stay} as before: that was rejected.",
                of(line.held, line.object_type)
            )));
            continue;
        }
        let verb = match (run.mode, line.held) {
            (RunMode::Preview, _) => "would be",
            (_, 1) => "is",
            _ => "are",
        };
        parts.push(plain(" "));
        parts.push(strong(format!(
            "{} {verb} held",
            of(line.held, line.object_type)
        )));
        parts.push(plain(match run.mode {
            RunMode::Preview => ", to wait for a decision.",
            RunMode::Full | RunMode::Delta | RunMode::Object | RunMode::Import => {
                ": nothing was done to them."
            }
        }));
    }
    for line in run.counts.iter().filter(|line| line.failed > 0) {
        let verb = match run.mode {
            RunMode::Preview => "would fail",
            RunMode::Import => "could not be imported",
            RunMode::Full | RunMode::Delta | RunMode::Object => "failed",
        };
        parts.push(plain(format!(
            " {} {verb}.",
            of(line.failed, line.object_type)
        )));
    }
    parts
}

#[cfg(test)]
mod tests {
    use domain::{
        id::{ExternalId, IntegrationId, RunId},
        run::{RunError, RunTrigger},
    };
    use uuid::Uuid;

    use super::*;

    fn run(status: RunStatus, mode: RunMode, counts: Vec<CountLine>) -> Run {
        let at = |seconds| chrono::DateTime::from_timestamp(seconds, 0);
        Run {
            id: RunId(Uuid::nil()),
            integration_id: Some(IntegrationId(Uuid::nil())),
            mode,
            trigger: RunTrigger::Operator,
            status,
            started_at: at(1_000),
            ended_at: at(1_157),
            error: None,
            requests: 0,
            resource_units: 0,
            counts,
            replaced_by: None,
            preview: None,
            object: None,
        }
    }

    fn line(object_type: ObjectType, total: i64) -> CountLine {
        CountLine {
            total,
            ..CountLine::new(object_type, LineStatus::Succeeded)
        }
    }

    fn said(run: &Run) -> String {
        sentence(run).into_iter().map(|part| part.text).collect()
    }

    #[test]
    fn a_run_says_what_it_read_and_did() {
        let user = CountLine {
            created: 38,
            updated: 61,
            disabled: 5,
            enabled: 3,
            held: 42,
            failed: 2,
            ..line(ObjectType::User, 4_812)
        };
        let group = CountLine {
            created: 4,
            updated: 3,
            ..line(ObjectType::Group, 186)
        };
        let membership = CountLine {
            created: 112,
            ..line(ObjectType::Membership, 9_114)
        };
        let held = run(
            RunStatus::Held,
            RunMode::Full,
            vec![user, group, membership],
        );
        assert_eq!(
            said(&held),
            "Read 4,812 users and 186 groups in 2 m 37 s. Applied 114 changes. 42 users are held: \
             nothing was done to them. 2 users failed."
        );
    }

    #[test]
    fn contacts_and_devices_are_said_by_their_names() {
        let contact = CountLine {
            created: 1,
            ..line(ObjectType::Contact, 1)
        };
        let device = CountLine {
            disabled: 2,
            held: 1,
            failed: 1,
            ..line(ObjectType::Device, 30)
        };
        let counts = vec![
            line(ObjectType::User, 12),
            line(ObjectType::Group, 3),
            contact,
            device,
        ];
        assert_eq!(
            said(&run(RunStatus::Held, RunMode::Full, counts)),
            "Read 12 users, 3 groups, 1 contact and 30 devices in 2 m 37 s. Applied 3 changes. \
             1 device is held: nothing was done to them. 1 device failed."
        );
    }

    #[test]
    fn what_was_rejected_is_no_longer_said_to_wait() {
        let user = CountLine {
            held: 42,
            status: LineStatus::Rejected,
            ..line(ObjectType::User, 42)
        };
        assert_eq!(
            said(&run(RunStatus::Succeeded, RunMode::Delta, vec![user])),
            "Looked at 42 users. Applied 0 changes. 42 users stay as before: that was rejected."
        );
    }

    #[test]
    fn memberships_that_are_held_are_said_too() {
        let membership = CountLine {
            held: 800,
            ..line(ObjectType::Membership, 9_000)
        };
        assert_eq!(
            said(&run(RunStatus::Held, RunMode::Delta, vec![membership])),
            "Asked what changed in 2 m 37 s. Applied 0 changes. 800 memberships are held: nothing \
             was done to them."
        );
    }

    #[test]
    fn a_run_that_was_replaced_says_what_it_did_and_where_to_look() {
        let user = CountLine {
            updated: 1,
            held: 12,
            ..line(ObjectType::User, 13)
        };
        let mut replaced = run(RunStatus::Cancelled, RunMode::Delta, vec![user]);
        replaced.replaced_by = Some(RunId(Uuid::max()));
        assert_eq!(
            said(&replaced),
            "Looked at 13 users. Applied 1 change. What it held was looked at again by a newer run, \
             which takes its place."
        );
    }

    #[test]
    fn a_run_that_changed_nothing_says_so() {
        assert_eq!(
            said(&run(RunStatus::Cancelled, RunMode::Full, Vec::new())),
            "It was cancelled. Nothing was changed."
        );
        let mut failed = run(RunStatus::Failed, RunMode::Delta, Vec::new());
        failed.error = Some(RunError {
            code: "AADSTS7000222".to_owned(),
            title: "The client secret has expired".to_owned(),
            detail: String::new(),
            fix: String::new(),
        });
        assert_eq!(
            said(&failed),
            "Nothing was changed. The client secret has expired."
        );
        assert_eq!(
            said(&run(RunStatus::NothingToDo, RunMode::Delta, Vec::new())),
            "Asked what changed in 2 m 37 s. Everything was as it should be."
        );
    }

    #[test]
    fn a_preview_speaks_of_what_would_be() {
        let user = CountLine {
            created: 1,
            held: 1,
            failed: 2,
            ..line(ObjectType::User, 10)
        };
        let preview = |status| said(&run(status, RunMode::Preview, vec![user]));
        assert_eq!(
            preview(RunStatus::Succeeded),
            "Looked at 10 users in 2 m 37 s. A run would make 1 change. 1 user would be held, to \
             wait for a decision. 2 users would fail. Nothing was changed."
        );
        assert_eq!(
            preview(RunStatus::NothingToDo),
            "Looked at 10 users in 2 m 37 s. Everything is as it should be: a run would change \
             nothing."
        );
        assert_eq!(
            preview(RunStatus::Cancelled),
            "It was cancelled. Nothing was changed."
        );
    }

    #[test]
    fn a_run_of_one_says_whom_it_was_for_and_what_was_found() {
        let alone = |status, name: Option<&str>, reason| Run {
            object: Some(RunObject {
                object_type: ObjectType::User,
                external_id: ExternalId(Uuid::nil()),
                display_name: name.map(str::to_owned),
                reason,
            }),
            ..run(status, RunMode::Object, vec![line(ObjectType::User, 1)])
        };
        let nothing = RunStatus::NothingToDo;
        assert_eq!(
            said(&alone(nothing, Some("Ada"), Some(Reason::Guest))),
            "Asked about Ada in 2 m 37 s. It stays out: guests are not kept."
        );
        assert_eq!(
            said(&alone(nothing, Some("Ada"), None)),
            "Asked about Ada in 2 m 37 s. There was nothing to change."
        );
        assert_eq!(
            said(&alone(nothing, None, Some(Reason::OutOfScope))),
            "Asked about 00000000-0000-0000-0000-000000000000 in 2 m 37 s. It is in no selected \
             group, so nothing of it is kept."
        );
        let mut waits = alone(nothing, Some("Ada"), Some(Reason::SoftDeleted));
        waits.counts[0].held = 1;
        assert_eq!(
            said(&waits),
            "Asked about Ada in 2 m 37 s. What it was to change waits for a decision in an earlier \
             run."
        );
        assert_eq!(
            said(&alone(RunStatus::Succeeded, Some("Ada"), None)),
            "Asked about Ada in 2 m 37 s. Applied 0 changes."
        );
    }
}
