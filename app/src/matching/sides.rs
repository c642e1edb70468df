//! The two sides of a match.

use domain::matching::{Identifiers, MatchCandidate, MatchStrength};

use crate::ui::prelude::*;

/// How a strength looks.
pub(super) fn strength_mark(strength: MatchStrength) -> Mark {
    let (icon, tone) = match strength {
        MatchStrength::Exact => ("check-check", "ok"),
        MatchStrength::Likely => ("circle-help", "held"),
        MatchStrength::New => ("user-plus", ""),
    };
    Mark {
        icon,
        word: strength.title(),
        tone,
    }
}

/// Who somebody is, in a few lines.
#[component]
pub(super) fn Who(
    /// What tells it.
    of: Identifiers,
    /// Other addresses to sign in with.
    #[prop(optional)]
    aliases: Vec<String>,
) -> impl IntoView {
    let names = match (&of.given_name, &of.surname) {
        (None, None) => None,
        (given, surname) => {
            let both = [given.as_deref(), surname.as_deref()];
            Some(both.into_iter().flatten().collect::<Vec<_>>().join(" "))
        }
    };
    let names = names.filter(|names| *names != of.display_name);
    let aliases = (!aliases.is_empty()).then(|| aliases.join(", "));
    let lines = [
        ("User name", of.user_principal_name),
        ("Names", names),
        ("Mail", of.mail),
        ("Employee id", of.employee_id),
        ("Aliases", aliases),
    ]
    .into_iter()
    .filter_map(|(label, value)| {
        let value = value?;
        Some(view! {
            <div class="flex gap-1 min-w-0">
                <dt class="text-faint flex-none">{label}</dt>
                <dd class="min-w-0 wrap-anywhere">
                    <bdi>{value}</bdi>
                </dd>
            </div>
        })
    })
    .collect_view();
    view! { <dl class="text-sm">{lines}</dl> }.into_any()
}

/// What both have in common, and what speaks against it.
#[component]
pub(super) fn InCommon(
    /// Who is here.
    of: MatchCandidate,
) -> impl IntoView {
    let same: Vec<&str> = of.keys.iter().map(|key| key.title()).collect();
    let doubts: Vec<&str> = of.doubts.iter().map(|doubt| doubt.title()).collect();
    view! {
        {(!same.is_empty())
            .then(|| {
                view! {
                    <p>
                        <span class="text-faint">"The same: "</span>
                        {same.join(", ")}
                    </p>
                }
            })}
        {(!doubts.is_empty())
            .then(|| {
                view! {
                    <p>
                        <span class="text-faint">"To consider: "</span>
                        {doubts.join(", ")}
                    </p>
                }
            })}
    }
    .into_any()
}

/// Where somebody here comes from, and whether they are in use.
pub(super) fn standing(of: &MatchCandidate) -> String {
    let from = match &of.integration_name {
        Some(integration) => format!("from {integration}"),
        None => of.source_type.to_string(),
    };
    format!("{}, {from}", of.status.title())
}
