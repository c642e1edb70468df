//! When an integration runs by itself, in the form Tenant Configuration.

use domain::schedule::Weekday;

use super::{sections::Toggle, settings::SettingsForm};
use crate::ui::{
    form::{FieldError, use_field_error},
    prelude::*,
};

/// Every so many minutes, or by cron.
#[component]
pub fn Timing(
    /// What the fields show at first.
    shown: SettingsForm,
    /// The customer's time zone.
    zone: String,
    /// What is saved, in a sentence.
    timing: String,
) -> impl IntoView {
    let label = format!("Cron expression, {zone}");
    let by_cron = shown.timing == "cron";
    let minutes_error = use_field_error("settings[every_minutes]");
    let cron_error = use_field_error("settings[cron]");
    view! {
        <div class="rc-row" role="group" aria-labelledby="f-timing">
            <span id="f-timing">"Schedule"</span>
            <div class="flex flex-col gap-2 pt-0.5">
                <div>
                    <div class="flex items-center gap-2">
                        <input
                            id="f-minutes-on"
                            type="radio"
                            class="radio"
                            name="settings[timing]"
                            value="minutes"
                            checked=!by_cron
                        />
                        <label for="f-minutes-on">"Every"</label>
                        <input
                            name="settings[every_minutes]"
                            class="input w-20! text-end rc-num"
                            inputmode="numeric"
                            autocomplete="off"
                            aria-label="Minutes between two runs"
                            value=shown.every_minutes
                            aria-invalid=move || minutes_error.get().map(|_| "true")
                            aria-describedby=move || minutes_error.get().map(|_| "f-minutes-e")
                        />
                        <span>"minutes"</span>
                    </div>
                    <FieldError id="f-minutes-e" error=minutes_error />
                </div>
                <div>
                    <div class="flex items-center gap-2">
                        <input
                            id="f-cron-on"
                            type="radio"
                            class="radio"
                            name="settings[timing]"
                            value="cron"
                            checked=by_cron
                        />
                        <label for="f-cron-on">"Cron"</label>
                        <input
                            name="settings[cron]"
                            class="input max-w-52 rc-mono"
                            autocomplete="off"
                            spellcheck="false"
                            placeholder="0 6 * * 1-5"
                            aria-label=label
                            value=shown.cron
                            aria-invalid=move || cron_error.get().map(|_| "true")
                            aria-describedby=move || cron_error.get().map(|_| "f-cron-e")
                        />
                        <span class="rc-hint">{zone}</span>
                    </div>
                    <FieldError id="f-cron-e" error=cron_error />
                </div>
                <p class="rc-hint">{timing} "."</p>
            </div>
        </div>
    }
    .into_any()
}

/// The hours within which it runs by itself.
#[component]
pub fn Hours(
    /// What the fields show at first.
    shown: SettingsForm,
) -> impl IntoView {
    let from_error = use_field_error("settings[window_from]");
    let until_error = use_field_error("settings[window_until]");
    let days = Weekday::ALL
        .iter()
        .map(|day| {
            let on = shown.window_days.iter().any(|on| on == day.as_str());
            let short: String = day.title().chars().take(3).collect();
            view! {
                <label class="flex items-center gap-1.5 min-h-6" title=day.title()>
                    <input
                        type="checkbox"
                        class="checkbox"
                        name="settings[window_days][]"
                        value=day.as_str()
                        checked=on
                        aria-label=day.title()
                    />
                    {short}
                </label>
            }
        })
        .collect_view();
    view! {
        <Toggle
            name="settings[windowed]"
            subject="Window"
            label="Run by schedule only between"
            on=shown.windowed
            hint="Full Sync works at any time."
        />
        <div class="rc-row" role="group" aria-label="Window">
            <span></span>
            <div class="flex flex-col gap-2">
                <div class="flex items-center gap-2 flex-wrap">
                    <input
                        name="settings[window_from]"
                        class="input w-20! rc-num"
                        autocomplete="off"
                        placeholder="22:00"
                        aria-label="Window opens at"
                        value=shown.window_from
                        aria-invalid=move || from_error.get().map(|_| "true")
                        aria-describedby=move || from_error.get().map(|_| "f-from-e")
                    />
                    <span>"and"</span>
                    <input
                        name="settings[window_until]"
                        class="input w-20! rc-num"
                        autocomplete="off"
                        placeholder="06:00"
                        aria-label="Window closes at"
                        value=shown.window_until
                        aria-invalid=move || until_error.get().map(|_| "true")
                        aria-describedby=move || until_error.get().map(|_| "f-until-e")
                    />
                </div>
                <FieldError id="f-from-e" error=from_error />
                <FieldError id="f-until-e" error=until_error />
                <div class="flex gap-x-4 gap-y-2 flex-wrap" role="group" aria-label="Days on which the window opens">
                    {days}
                </div>
                <p class="rc-hint">"No day ticked means every day."</p>
            </div>
        </div>
    }
    .into_any()
}
