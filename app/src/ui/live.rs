//! Pages that follow what happens: read again after a change, and every second while a run goes.

use leptos::{ev, prelude::*};

/// Tells every list on the page that something was changed. Held in context.
#[derive(Clone, Copy)]
pub struct Changes(RwSignal<u32>);

/// Gives the page its [`Changes`].
pub fn provide_changes() {
    provide_context(Changes(RwSignal::new(0)));
}

impl Changes {
    /// Something was changed: what follows [`Changes::follow`] is read again.
    pub fn notify(self) {
        self.0.update(|count| *count = count.wrapping_add(1));
    }

    /// A number that is another one after each change; part of a resource's source.
    pub fn follow(self) -> u32 {
        self.0.get()
    }
}

/// The page's [`Changes`].
pub fn use_changes() -> Changes {
    expect_context()
}

/// Calls `refresh` every five seconds while the page can be seen: what others and the worker
/// start shows by itself.
pub fn follow_idle(refresh: impl Fn() + Clone + Send + Sync + 'static) {
    Effect::new(move |_| {
        let tick = {
            let refresh = refresh.clone();
            move || {
                if !document().hidden() {
                    refresh();
                }
            }
        };
        if let Ok(timer) = set_interval_with_handle(tick, std::time::Duration::from_secs(5)) {
            on_cleanup(move || timer.clear());
        }
    });
}

/// Calls `refresh` every second while `busy` is true and the page can be seen; at once when it
/// comes into sight again.
pub fn follow_while(busy: Signal<bool>, refresh: impl Fn() + Clone + Send + Sync + 'static) {
    Effect::new(move |_| {
        if !busy.get() {
            return;
        }
        let tick = {
            let refresh = refresh.clone();
            move || {
                if !document().hidden() {
                    refresh();
                }
            }
        };
        let seen = window_event_listener(ev::visibilitychange, {
            let tick = tick.clone();
            move |_| tick()
        });
        if let Ok(timer) = set_interval_with_handle(tick, std::time::Duration::from_secs(1)) {
            on_cleanup(move || {
                timer.clear();
                seen.remove();
            });
        }
    });
}
