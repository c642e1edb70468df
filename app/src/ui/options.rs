//! A list of options under a field: the way through it by keys.

use leptos::prelude::*;

/// Where an arrow key leads from an option, around the ends; none for other keys.
pub fn arrow(key: &str, at: usize, count: usize) -> Option<usize> {
    match key {
        "ArrowDown" if count > 0 => Some((at + 1) % count),
        "ArrowUp" if count > 0 => Some((at + count - 1) % count),
        _ => None,
    }
}

/// The keys that work in a list of options, for those who see it.
#[component]
pub fn OptionKeys(
    /// What Enter does.
    enter: &'static str,
) -> impl IntoView {
    view! {
        <p
            class="flex items-center gap-3 px-2 pt-1.5 pb-0.5 border-t border-line text-xs text-muted"
            aria-hidden="true"
        >
            <span class="ms-auto flex items-center gap-1">
                <kbd class="kbd">"↑"</kbd>
                <kbd class="kbd">"↓"</kbd>
                " move"
            </span>
            <span class="flex items-center gap-1">
                <kbd class="kbd">"Enter"</kbd>
                {format!(" {enter}")}
            </span>
            <span class="flex items-center gap-1">
                <kbd class="kbd">"Esc"</kbd>
                " close"
            </span>
        </p>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::arrow;

    #[test]
    fn arrows_go_around_the_ends() {
        assert_eq!(arrow("ArrowDown", 2, 3), Some(0));
        assert_eq!(arrow("ArrowUp", 0, 3), Some(2));
        assert_eq!(arrow("ArrowUp", 2, 3), Some(1));
        assert_eq!(arrow("ArrowDown", 0, 0), None);
        assert_eq!(arrow("Enter", 0, 3), None);
    }
}
