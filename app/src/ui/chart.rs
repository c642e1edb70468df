//! Small charts: SVG with attributes only, linear from zero, with their numbers beside them.

use leptos::prelude::*;

/// One bar of [`Bars`]: what is good or neutral below, what failed on its foot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// The whole.
    pub total: i64,
    /// Of that, failed.
    pub failed: i64,
}

/// Bars side by side, the last one (today) in a darker tone.
#[component]
pub fn Bars(
    /// From the oldest to the newest.
    bars: Vec<Bar>,
    /// The same in words.
    #[prop(into)]
    label: String,
) -> impl IntoView {
    const HEIGHT: i64 = 400;
    let count = i64::try_from(bars.len()).unwrap_or(1).max(1);
    let most = bars.iter().map(|bar| bar.total).max().unwrap_or(0).max(1);
    let rects = bars
        .into_iter()
        .zip(0_i64..)
        .map(|(bar, i)| {
            let x = percent(i * 10_000 / count);
            let width = percent(7_200 / count);
            let whole = scaled(bar.total, most, HEIGHT);
            let failed = scaled(bar.failed, most, HEIGHT);
            let tone = if i + 1 == count {
                "m-behind"
            } else {
                "m-quiet"
            };
            view! {
                <rect
                    x=x.clone()
                    width=width.clone()
                    y=tenths(HEIGHT - whole)
                    height=tenths(whole - failed)
                    class=tone
                ></rect>
                {(failed > 0)
                    .then(|| {
                        view! {
                            <rect
                                x=x
                                width=width
                                y=tenths(HEIGHT - failed)
                                height=tenths(failed)
                                class="m-fail"
                            ></rect>
                        }
                    })}
            }
        })
        .collect_view();
    view! {
        <svg class="w-full block" height="40" role="img" aria-label=label>
            <rect y="39.5" width="100%" height="0.5" class="m-track"></rect>
            {rects}
        </svg>
    }
}

/// One bar in parts, each wide as its share; parts of nothing don't show.
#[component]
pub fn Shares(
    /// Numbers with the class of their colour, in order.
    parts: Vec<(i64, &'static str)>,
) -> impl IntoView {
    let total: i64 = parts.iter().map(|(n, _)| n).sum();
    let mut x = 0;
    let rects = parts
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, class)| {
            let width = n * 10_000 / total.max(1);
            let at = x;
            x += width;
            // A gap of a quarter percent keeps neighbours of one colour apart.
            let shown = (width - 25).max(25);
            view! { <rect x=percent(at) width=percent(shown) height="8" class=class></rect> }
        })
        .collect_view();
    view! {
        <svg class="w-full h-2 block" aria-hidden="true">
            {(total == 0).then(|| view! { <rect width="100%" height="8" class="m-track"></rect> })}
            {rects}
        </svg>
    }
}

/// `value` of `most` on a scale of `height` tenths; something is never drawn as nothing.
fn scaled(value: i64, most: i64, height: i64) -> i64 {
    if value <= 0 {
        0
    } else {
        (value.saturating_mul(height) / most).clamp(10, height)
    }
}

fn percent(hundredths: i64) -> String {
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

fn tenths(value: i64) -> String {
    format!("{}.{}", value / 10, value % 10)
}

#[cfg(test)]
mod tests {
    use super::scaled;

    #[test]
    fn a_bar_is_linear_and_something_always_shows() {
        assert_eq!(scaled(0, 100, 400), 0);
        assert_eq!(scaled(50, 100, 400), 200);
        assert_eq!(scaled(100, 100, 400), 400);
        assert_eq!(scaled(1, 1_000_000, 400), 10);
    }
}
