//! The lines of the table.

use std::time::Duration;

use domain::number::grouped;

use crate::{
    many,
    measure::Synced as Run,
    table::{Column, Size, Sizes, Synced, in_proportion, number},
    whole::Then,
};

/// A line: what is measured, its aim, and its value of one database.
pub struct Row {
    /// What is measured.
    pub what: String,
    /// The aim, in words.
    pub aim: &'static str,
    /// The value; none where its part failed.
    pub value: Value,
}

/// From what was measured on one database to a line's text.
type Value = Box<dyn Fn(&Column) -> Option<String>>;

fn row(
    what: impl Into<String>,
    aim: &'static str,
    value: impl Fn(&Column) -> Option<String> + 'static,
) -> Row {
    Row {
        what: what.into(),
        aim,
        value: Box::new(value),
    }
}

/// All lines.
pub fn all(sizes: &Sizes) -> Vec<Row> {
    let mut rows = full(sizes);
    rows.extend(beside_other(sizes.second, |column| column.second.as_ref()));
    rows.extend(beside_other(sizes.main, |column| column.main.as_ref()));
    rows.extend(after());
    rows.extend(many_integrations(sizes));
    rows.extend(growth(sizes));
    rows
}

/// The first full sync and its floor.
fn full(sizes: &Sizes) -> Vec<Row> {
    let main =
        |value: fn(&Synced) -> Option<String>| move |column: &Column| value(column.main.as_ref()?);
    vec![
        row(
            format!("**full sync, {}**", sizes.main.words()),
            "",
            main(|m| Some(seconds(m.figures.full.took))),
        ),
        row(
            "– floor: the same pages downloaded, the same rows loaded",
            "",
            main(|m| {
                let load = m.figures.then.as_ref()?.load;
                Some(format!("{} + {}", seconds(m.download), seconds(load)))
            }),
        ),
        row(
            "– time over the floor",
            "2.0 on SQLite, 2.5 on PostgreSQL",
            main(|m| {
                let floor = m.download + m.figures.then.as_ref()?.load;
                Some(ratio(m.figures.full.took, floor))
            }),
        ),
        row(
            "– reading, merging, planning, applying and ending",
            "",
            main(|m| Some(phases(&m.figures.full))),
        ),
        row(
            "– requests, resource units",
            "",
            main(|m| Some(spent(&m.figures.full))),
        ),
        row(
            "– peak memory over that of the idle process",
            "120 MB",
            main(|m| Some(megabytes(over_idle(m)))),
        ),
    ]
}

/// What the nearest open product took for a tenant of this many users, which only read and stored
/// nothing. Given figures, not measured here.
struct Other {
    users: usize,
    seconds: f64,
    requests: u32,
    units: u32,
    megabytes: f64,
}

const OTHERS: [Other; 2] = [
    Other {
        users: 20_000,
        seconds: 13.9,
        requests: 1_874,
        units: 4_997,
        megabytes: 546.0,
    },
    Other {
        users: 100_000,
        seconds: 114.9,
        requests: 9_442,
        units: 25_213,
        megabytes: 959.0,
    },
];

/// One size beside the other product; nothing for sizes of which no figures are given.
fn beside_other(size: Size, of: impl Fn(&Column) -> Option<&Synced> + Copy + 'static) -> Vec<Row> {
    let Some(other) = OTHERS.iter().find(|other| other.users == size.users) else {
        return Vec::new();
    };
    let part = |ours: f64, given: f64| Some(format!("{:.3}", ours / given));
    vec![
        row(
            format!(
                "**beside the nearest open product, which stores nothing** (given figures), {}: time over its {} s",
                size.words(),
                other.seconds
            ),
            "0.1",
            move |column| part(of(column)?.figures.full.took.as_secs_f64(), other.seconds),
        ),
        row(
            format!("– requests over its {}", grouped(other.requests.into())),
            "0.2",
            move |column| {
                part(
                    float(of(column)?.figures.full.requests)?,
                    other.requests.into(),
                )
            },
        ),
        row(
            format!("– resource units over its {}", grouped(other.units.into())),
            "",
            move |column| {
                part(
                    float(of(column)?.figures.full.resource_units)?,
                    other.units.into(),
                )
            },
        ),
        row(
            format!("– peak memory, all of it, over its {} MB", other.megabytes),
            "0.125",
            move |column| {
                part(
                    f64::from(u32::try_from(of(column)?.figures.peak_kb).ok()?) / 1024.0,
                    other.megabytes,
                )
            },
        ),
    ]
}

/// What comes after the first full sync.
fn after() -> Vec<Row> {
    let then = |value: fn(&Synced, &Then) -> String| {
        move |column: &Column| {
            let main = column.main.as_ref()?;
            Some(value(main, main.figures.then.as_ref()?))
        }
    };
    vec![
        row(
            "**second full sync, nothing changed**",
            "",
            then(|_, t| seconds(t.again.took)),
        ),
        row(
            "– time over the download alone",
            "2.0",
            then(|m, t| ratio(t.again.took, m.download)),
        ),
        row(
            "**delta, nothing changed**: requests for each object type",
            "1",
            then(|_, t| format!("{:.2}", t.quiet_requests / TYPES)),
        ),
        row(
            "– the run, less its answers alone",
            "5 ms",
            then(|_, t| beyond(t.quiet, t.quiet_answers)),
        ),
        row(
            "**delta, 1 % changed**: changes applied",
            "",
            then(|_, t| grouped(t.changed.changed)),
        ),
        row(
            "– the run, less its download alone",
            "200 ms",
            then(|_, t| beyond(t.changed.took, t.changed_download)),
        ),
    ]
}

/// Object types that the bench reads: users and groups.
const TYPES: f64 = 2.0;

/// Many integrations at once.
fn many_integrations(sizes: &Sizes) -> Vec<Row> {
    let many = |value: fn(&many::Figures) -> String| {
        move |column: &Column| column.many.as_ref().map(value)
    };
    let a_run = |value: fn(&many::Figures) -> i64| {
        move |column: &Column| {
            let m = column.many.as_ref()?;
            Some(format!("{:.2}", float(value(m))? / f64::from(m.runs)))
        }
    };
    vec![
        row(
            format!(
                "**{} integrations, nothing changed, all due at once, answers after 200 ms**: runs per second",
                number(sizes.integrations)
            ),
            "",
            many(|m| format!("{:.0} of {:.0} possible", m.per_second(), m.possible())),
        ),
        row(
            "– of the possible",
            "80 %, at least",
            many(|m| format!("{:.0} %", 100.0 * m.per_second() / m.possible())),
        ),
        row(
            "– processor time for 1,000 runs",
            "5 s",
            many(|m| format!("{:.2} s", 1_000.0 * m.cpu_s / f64::from(m.runs))),
        ),
        row("– write transactions a run", "2", a_run(|m| m.writes)),
        row("– requests a run", "2", a_run(|m| m.requests)),
    ]
}

/// Three sizes, each ten times the one before.
fn growth(sizes: &Sizes) -> Vec<Row> {
    let mut rows: Vec<Row> = sizes
        .growth
        .into_iter()
        .enumerate()
        .map(|(place, users)| {
            let value = move |column: &Column| {
                let m = column.growth[place].as_ref()?;
                let took = m.figures.full.took;
                Some(format!(
                    "{:.1} µs in {}, of these {:.1} µs download; {}",
                    1e6 * an_object(took, users)?,
                    seconds(took),
                    1e6 * an_object(m.download, users)?,
                    megabytes(over_idle(m))
                ))
            };
            let users = number(users);
            row(
                format!(
                    "**growth**, {users} users: time for each user and group; memory over idle"
                ),
                "",
                value,
            )
        })
        .collect();
    let [least, _, most] = sizes.growth;
    rows.push(row(
        format!(
            "– time for each at {} over that at {}",
            number(most),
            number(least)
        ),
        "1.6",
        move |column| {
            let time = |place: usize, users: usize| {
                let m = column.growth[place].as_ref()?;
                an_object(m.figures.full.took, users)
            };
            Some(format!("{:.2}", time(2, most)? / time(0, least)?))
        },
    ));
    rows
}

/// Seconds for each user and group.
fn an_object(took: Duration, users: usize) -> Option<f64> {
    let size = in_proportion(users);
    let objects = u32::try_from(size.users + size.groups).ok()?;
    Some(took.as_secs_f64() / f64::from(objects))
}

fn over_idle(m: &Synced) -> u64 {
    m.figures.peak_kb.saturating_sub(m.figures.idle_kb)
}

fn spent(run: &Run) -> String {
    format!("{}, {}", grouped(run.requests), grouped(run.resource_units))
}

fn phases(run: &Run) -> String {
    let of = |names: &[&str]| {
        let took = names.iter().filter_map(|name| run.phases.get(*name));
        format!("{:.2}", took.sum::<Duration>().as_secs_f64())
    };
    format!(
        "{} + {} + {} + {} s",
        of(&["waiting", "reading"]),
        of(&["merging"]),
        of(&["planning"]),
        of(&["applying", "done"])
    )
}

fn seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}

fn ratio(took: Duration, over: Duration) -> String {
    format!("{:.1}", took.as_secs_f64() / over.as_secs_f64())
}

/// What a run takes beyond what it waits for, and the two.
fn beyond(took: Duration, answers: Duration) -> String {
    let millis = |time: Duration| 1e3 * time.as_secs_f64();
    let digits = usize::from(took < Duration::from_millis(100));
    format!(
        "{:.digits$} ms ({:.digits$} − {:.digits$})",
        millis(took) - millis(answers),
        millis(took),
        millis(answers)
    )
}

fn megabytes(kb: u64) -> String {
    format!("{} MB", kb / 1024)
}

fn float(number: i64) -> Option<f64> {
    Some(f64::from(i32::try_from(number).ok()?))
}
