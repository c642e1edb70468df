//! Changing a template's settings: as text, with what that would do shown before it is saved.

use std::{collections::BTreeMap, fmt::Write as _};

use domain::{
    id::{IntegrationId, PolicyTemplateId, SettingsDraftId},
    settings::template::{FollowerEffect, PolicyTemplate, TemplateEffect, TouchedPeople},
};

use super::{
    api::{
        Becomes, LookAtTemplate, SaveTemplate, effect_of_template, template_text,
        touched_of_follower,
    },
    template::{of_template, use_id},
};
use crate::ui::{file::FileField, form::Post, prelude::*, settings::SettingDifferences};

/// The page.
#[component]
pub fn EditPage() -> impl IntoView {
    let id = use_id();
    let address = use_address();
    let draft = Memo::new(move |_| address.parsed::<SettingsDraftId>("draft"));
    let template = Resource::new(move || id.get(), |id| of_template(id, template_text));
    view! {
        <Load
            resource=template
            whole=true
            children=move |(template, text)| {
                view! {
                    <PageHead
                        title="Change settings"
                        parent=(routes::policy_template(template.id), template.name.clone())
                    />
                    <div class="px-6 pb-8 max-md:px-4 max-w-4xl">
                        {match draft.get() {
                            Some(draft) => {
                                view! { <Compared id=template.id draft=draft /> }.into_any()
                            }
                            None => view! { <Give template=template text=text /> }.into_any(),
                        }}
                    </div>
                }
            }
        />
    }
    .into_any()
}

#[component]
fn Give(template: PolicyTemplate, text: String) -> impl IntoView {
    let post = use_post::<LookAtTemplate>();
    view! {
        <p class="text-muted mb-3">
            "The template as a settings file. A file that was exported from an integration is taken too, \
             without its groups. First it is shown what the change would touch; nothing is saved until \
             you confirm it."
        </p>
        <PostForm post=post class="flex flex-col gap-4">
            <input type="hidden" name="id" value=template.id.to_string() />
            <FileField
                name="content"
                label="Settings"
                hint="TOML or JSON."
                accept=".json,.toml,.txt"
                value=text
            />
            <div class="flex gap-2">
                <Submit label="Show what it changes" busy="Reading" />
                <a class="btn btn-ghost" href=routes::policy_template(template.id)>
                    "Cancel"
                </a>
            </div>
        </PostForm>
    }
    .into_any()
}

#[component]
fn Compared(id: PolicyTemplateId, draft: SettingsDraftId) -> impl IntoView {
    let changes = use_changes();
    let effect = Resource::new(
        move || changes.follow(),
        move |_| effect_of_template(id, draft),
    );
    let post = use_post::<SaveTemplate>();
    view! {
        <Load resource=effect let:effect>
            <Effect id=id draft=draft effect=effect post=post />
        </Load>
    }
    .into_any()
}

#[component]
fn Effect(
    id: PolicyTemplateId,
    draft: SettingsDraftId,
    effect: TemplateEffect,
    post: Post<SaveTemplate>,
) -> impl IntoView {
    let nothing = effect.differences.is_empty();
    let hash = effect.hash.clone();
    view! {
        <WhatItDoes becomes=Becomes::Draft(id, draft) effect=effect />
        <PostForm post=post class="flex gap-2 flex-wrap mt-5">
            <input type="hidden" name="id" value=id.to_string() />
            <input type="hidden" name="draft" value=draft.to_string() />
            <input type="hidden" name="hash" value=hash />
            {(!nothing).then(|| view! { <Submit label="Save for all followers" /> })}
            <a class="btn btn-ghost" href=routes::policy_template_edit(id)>
                "Back to the text"
            </a>
        </PostForm>
    }
    .into_any()
}

/// What changing a template would do: how many it touches, what changes of it, and of each follower.
#[component]
pub(super) fn WhatItDoes(
    /// What the template becomes.
    becomes: Becomes,
    effect: TemplateEffect,
) -> impl IntoView {
    if effect.differences.is_empty() {
        return view! { <p>"Nothing differs from the template as it is."</p> }.into_any();
    }
    let touched = touches(&effect);
    let uncounted: Vec<IntegrationId> = effect
        .followers
        .iter()
        .filter(|one| one.touched == TouchedPeople::Uncounted)
        .map(|one| one.integration_id)
        .collect();
    let followers = effect
        .followers
        .into_iter()
        .map(|one| view! { <OneFollower one=one /> })
        .collect_view();
    view! {
        <p class="font-medium mb-3">{touched}</p>
        {(!uncounted.is_empty())
            .then(|| {
                view! { <CountRest becomes=becomes uncounted=uncounted counted=effect.people /> }
            })}
        <SettingDifferences
            of=effect.differences
            names=BTreeMap::new()
            label="What changes in the template"
        />
        {followers}
    }
    .into_any()
}

/// How many integrations, customers and people a change touches, in sentences.
fn touches(effect: &TemplateEffect) -> String {
    if effect.integrations == 0 {
        return "No integration changes by this.".to_owned();
    }
    let integrations = |number| counted(number, "integration", "integrations");
    let mut said = format!(
        "This changes {} of {}.",
        integrations(effect.integrations),
        counted(effect.customers, "customer", "customers"),
    );
    if effect.need_a_read + effect.uncounted < effect.integrations {
        let people = counted(effect.people, "person", "people");
        _ = write!(said, " A run would treat {people} otherwise than now.");
    }
    if effect.need_a_read > 0 {
        _ = write!(
            said,
            " Of {} nobody can say before the source is read for these settings: a preview tells.",
            integrations(effect.need_a_read)
        );
    }
    if effect.uncounted > 0 {
        _ = write!(
            said,
            " {} with very many people: not counted yet.",
            integrations(effect.uncounted)
        );
    }
    said
}

/// Counts the people of the followers that have too many for one answer, one follower after the other.
#[component]
fn CountRest(
    becomes: Becomes,
    uncounted: Vec<IntegrationId>,
    /// The people of the others.
    counted: i64,
) -> impl IntoView {
    let number = |of: usize| i64::try_from(of).unwrap_or(i64::MAX);
    let total = number(uncounted.len());
    let progress = RwSignal::new(None::<Progress>);
    let start = move |_| {
        let uncounted = uncounted.clone();
        progress.set(Some(Progress {
            people: counted,
            ..Progress::default()
        }));
        leptos::task::spawn_local(async move {
            for one in uncounted {
                let answer = touched_of_follower(becomes, one).await;
                let goes_on = progress.try_update(|progress| {
                    if let Some(progress) = progress {
                        progress.take(&answer);
                    }
                });
                // Somebody left the page.
                if goes_on.is_none() {
                    return;
                }
            }
        });
    };
    let said = move || progress.get().map(|progress| progress.words(total));
    let began = Memo::new(move |_| progress.with(Option::is_some));
    view! {
        <div class="mb-3 flex items-center gap-3 flex-wrap">
            <button type="button" class="btn plain:hidden" hidden=began on:click=start>
                <Icon name="users" />
                "Count the rest"
            </button>
            <p class="rc-hint hidden plain:block">
                "Counting them needs the browser code. A preview of each integration tells too."
            </p>
            <p role="status">{said}</p>
        </div>
    }
    .into_any()
}

/// How far the counting is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Progress {
    /// Followers that answered.
    looked_at: i64,
    /// Of these, those whose source has to be read.
    need_a_read: i64,
    /// Of these, those that couldn’t be asked.
    failed: i64,
    /// The people who were counted, with those of the other followers.
    people: i64,
}

impl Progress {
    fn take(&mut self, answer: &AppResult<Option<i64>>) {
        self.looked_at += 1;
        match answer {
            Ok(Some(people)) => self.people += people,
            Ok(None) => self.need_a_read += 1,
            Err(_) => self.failed += 1,
        }
    }

    fn words(&self, total: i64) -> String {
        let mut said = format!(
            "{} of {}: a run would treat {} otherwise than now.",
            grouped(self.looked_at),
            counted(total, "integration", "integrations"),
            counted(self.people, "person", "people"),
        );
        if self.need_a_read > 0 {
            let number = grouped(self.need_a_read);
            _ = write!(said, " Of {number} the source has to be read before.");
        }
        if self.failed > 0 {
            let number = grouped(self.failed);
            _ = write!(said, " {number} couldn’t be counted; try again.");
        }
        said
    }
}

#[component]
fn OneFollower(one: FollowerEffect) -> impl IntoView {
    let title = format!("{} ({})", one.integration_name, one.customer_name);
    let people = (!one.changes.is_empty()).then(|| match (one.touched, one.people) {
        (TouchedPeople::NeedsRead, _) => {
            "Its source has to be read before anybody can say whom this touches. A preview does."
                .to_owned()
        }
        (_, Some(people)) => format!(
            "A run would treat {} otherwise than now.",
            counted(people, "person", "people")
        ),
        (_, None) => "Whom it touches isn’t counted yet.".to_owned(),
    });
    let kept = (!one.kept.is_empty()).then(|| {
        view! {
            <p class="mt-2 text-muted">"It keeps, since it deviates there or it is its own:"</p>
            <SettingDifferences
                of=one.kept
                names=BTreeMap::new()
                label=format!("What {} keeps", one.integration_name)
                before="Template"
                after="Kept"
            />
        }
    });
    view! {
        <section class="mt-5">
            <h2 class="text-base mb-1">
                <a class="rc-link" href=routes::integration_template(one.integration_id)>
                    <bdi>{title.clone()}</bdi>
                </a>
            </h2>
            {people.map(|people| view! { <p class="text-muted mb-1">{people}</p> })}
            {(!one.changes.is_empty())
                .then(|| {
                    view! {
                        <SettingDifferences of=one.changes names=BTreeMap::new() label=title />
                    }
                })}
            {kept}
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect() -> TemplateEffect {
        TemplateEffect {
            differences: Vec::new(),
            integrations: 12,
            customers: 1,
            people: 4_200,
            need_a_read: 0,
            uncounted: 0,
            followers: Vec::new(),
            hash: String::new(),
        }
    }

    #[test]
    fn what_a_change_touches_is_said_in_sentences() {
        assert_eq!(
            touches(&effect()),
            "This changes 12 integrations of 1 customer. A run would treat 4,200 people otherwise than now."
        );
        let some = TemplateEffect {
            need_a_read: 1,
            uncounted: 2,
            people: 1,
            ..effect()
        };
        assert_eq!(
            touches(&some),
            "This changes 12 integrations of 1 customer. A run would treat 1 person otherwise than now. Of 1 integration nobody can say before the source is read for these settings: a preview tells. 2 integrations with very many people: not counted yet."
        );
        let none = TemplateEffect {
            need_a_read: 12,
            people: 0,
            ..effect()
        };
        assert!(
            !touches(&none).contains("would treat"),
            "nobody was counted"
        );
        let nothing = TemplateEffect {
            integrations: 0,
            ..effect()
        };
        assert_eq!(touches(&nothing), "No integration changes by this.");
    }

    #[test]
    fn counting_says_how_far_it_is() {
        let mut progress = Progress {
            people: 10,
            ..Progress::default()
        };
        progress.take(&Ok(Some(5)));
        progress.take(&Ok(None));
        assert_eq!(
            progress.words(3),
            "2 of 3 integrations: a run would treat 15 people otherwise than now. Of 1 the source has to be read before."
        );
    }
}
