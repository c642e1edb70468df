//! Times: relative to now, the exact one on hover and focus, in the reader's zone once the
//! browser code runs and in UTC before.

use domain::{DateTime, number::grouped};
use leptos::prelude::*;

/// What time it is, as the page knows it: the server's clock when the page was made, the
/// browser's from then on. Held in context by [`provide_now`].
#[derive(Clone, Copy)]
struct Now {
    /// Milliseconds since 1970.
    at: RwSignal<i64>,
    /// Whether the browser code runs, so that the reader's zone is known.
    zone: RwSignal<bool>,
}

/// Starts the clock of the page at the server's time.
pub fn provide_now(server: DateTime) {
    let now = Now {
        at: RwSignal::new(server.timestamp_millis()),
        zone: RwSignal::new(false),
    };
    Effect::new(move |_| {
        // A page's own clock may be off by hours; the server's moment plus what passed here isn't.
        let began = browser_millis();
        now.zone.set(true);
        let tick = set_interval_with_handle(
            move || {
                now.at
                    .set(server.timestamp_millis() + browser_millis() - began);
            },
            std::time::Duration::from_secs(10),
        );
        if let Ok(tick) = tick {
            on_cleanup(move || tick.clear());
        }
    });
    provide_context(now);
}

fn now() -> Now {
    use_context().unwrap_or_else(|| Now {
        at: RwSignal::new(0),
        zone: RwSignal::new(false),
    })
}

/// The page's time in milliseconds since 1970, following the clock.
pub fn now_millis() -> i64 {
    now().at.get()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "milliseconds since 1970 fit"
)]
fn browser_millis() -> i64 {
    js_sys::Date::now() as i64
}

/// The distance from `now` to `then` in words; both in milliseconds.
pub fn relative(then: i64, now: i64) -> String {
    let seconds = (now - then) / 1000;
    let amount = match seconds.unsigned_abs() {
        0..=4 => return "just now".to_owned(),
        s @ 5..=59 => format!("{s} s"),
        s @ 60..=5399 => format!("{} min", s / 60),
        s @ 5400..=129_599 => format!("{} h", (s + 1800) / 3600),
        s => format!(
            "{} days",
            grouped(i64::try_from((s + 43_200) / 86_400).unwrap_or(i64::MAX))
        ),
    };
    if seconds >= 0 {
        format!("{amount} ago")
    } else {
        format!("in {amount}")
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// "12 March 2026, 09:30:11 UTC".
pub fn exact_utc(at: DateTime) -> String {
    use chrono::{Datelike as _, Timelike as _};
    format!(
        "{} {} {}, {:02}:{:02}:{:02} UTC",
        at.day(),
        MONTHS[at.month0() as usize],
        at.year(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// "12 March 2026", in UTC.
pub fn day_utc(at: DateTime) -> String {
    use chrono::Datelike as _;
    format!(
        "{} {} {}",
        at.day(),
        MONTHS[at.month0() as usize],
        at.year()
    )
}

/// A moment as the reader's browser knows it.
fn local(at: DateTime) -> js_sys::Date {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit")]
    let millis = at.timestamp_millis() as f64;
    js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(millis))
}

/// "10:30:11", in the zone of the reader's browser.
fn clock_local(at: DateTime) -> String {
    let date = local(at);
    format!(
        "{:02}:{:02}:{:02}",
        date.get_hours(),
        date.get_minutes(),
        date.get_seconds()
    )
}

/// "12 March 2026, 10:30:11 UTC+1", in the zone of the reader's browser.
fn exact_local(at: DateTime) -> String {
    let date = local(at);
    #[expect(clippy::cast_possible_truncation, reason = "minutes of a day")]
    let offset = -(date.get_timezone_offset() as i64);
    let zone = match (offset / 60, offset.abs() % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{hours:+}"),
        (hours, minutes) => format!("UTC{hours:+}:{minutes:02}"),
    };
    format!(
        "{} {} {}, {:02}:{:02}:{:02} {zone}",
        date.get_date(),
        MONTHS[date.get_month() as usize % 12],
        date.get_full_year(),
        date.get_hours(),
        date.get_minutes(),
        date.get_seconds(),
    )
}

/// The exact time, in the reader's zone where that is known.
pub fn exact(at: DateTime) -> Signal<String> {
    let now = now();
    Signal::derive(move || {
        if now.zone.get() {
            exact_local(at)
        } else {
            exact_utc(at)
        }
    })
}

/// "3 min ago", with the exact time on hover and, since it can be reached by keyboard, on focus.
#[component]
pub fn RelativeTime(
    /// The moment.
    at: DateTime,
    /// Inside a link, which takes the focus itself.
    #[prop(optional)]
    plain: bool,
) -> impl IntoView {
    let then = at.timestamp_millis();
    let now = now();
    let title = exact(at);
    view! {
        <time
            class="rc-time"
            datetime=at.to_rfc3339()
            title=move || title.get()
            data-exact=move || title.get()
            tabindex=(!plain).then_some("0")
        >
            {move || relative(then, now.at.get())}
        </time>
    }
}

/// The exact time, for columns such as Start Time.
#[component]
pub fn ExactTime(
    /// The moment.
    at: DateTime,
) -> impl IntoView {
    let text = exact(at);
    view! { <time class="rc-num" datetime=at.to_rfc3339()>{move || text.get()}</time> }
}

/// The time of day, "09:42:53", beside a day that stands elsewhere; the whole of it on hover.
#[component]
pub fn ClockTime(
    /// The moment.
    at: DateTime,
) -> impl IntoView {
    let now = now();
    let title = exact(at);
    let text = move || {
        if now.zone.get() {
            clock_local(at)
        } else {
            at.format("%H:%M:%S").to_string()
        }
    };
    view! {
        <time class="rc-num" datetime=at.to_rfc3339() title=move || title.get()>
            {text}
        </time>
    }
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn distances_are_told_in_the_unit_that_fits() {
        let now = 1_000_000_000_000;
        for (seconds, text) in [
            (0, "just now"),
            (30, "30 s ago"),
            (-30, "in 30 s"),
            (60, "1 min ago"),
            (5399, "89 min ago"),
            (5400, "2 h ago"),
            (129_599, "36 h ago"),
            (129_600, "2 days ago"),
            (-9 * 86_400, "in 9 days"),
        ] {
            assert_eq!(relative(now - seconds * 1000, now), text, "{seconds}");
        }
    }
}
