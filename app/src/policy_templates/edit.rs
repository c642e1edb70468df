//! Changing a template's settings: as text, with what that would do shown before it is saved.

use std::collections::BTreeMap;

use domain::{
    id::{PolicyTemplateId, SettingsDraftId},
    settings::template::{FollowerEffect, PolicyTemplate, TemplateEffect},
};

use super::{
    api::{LookAtTemplate, SaveTemplate, effect_of_template, template_text},
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
        <WhatItDoes effect=effect />
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
pub(super) fn WhatItDoes(effect: TemplateEffect) -> impl IntoView {
    if effect.differences.is_empty() {
        return view! { <p>"Nothing differs from the template as it is."</p> }.into_any();
    }
    let touched = touches(&effect);
    let followers = effect
        .followers
        .into_iter()
        .map(|one| view! { <OneFollower one=one /> })
        .collect_view();
    view! {
        <p class="font-medium mb-3">{touched}</p>
        <SettingDifferences
            of=effect.differences
            names=BTreeMap::new()
            label="What changes in the template"
        />
        {followers}
    }
    .into_any()
}

/// How many integrations, customers and people a change touches, in a sentence.
fn touches(effect: &TemplateEffect) -> String {
    if effect.integrations == 0 {
        return "No integration changes by this.".to_owned();
    }
    format!(
        "This changes {} of {}, with {}.",
        counted(effect.integrations, "integration", "integrations"),
        counted(effect.customers, "customer", "customers"),
        counted(effect.people, "active user", "active users"),
    )
}

#[component]
fn OneFollower(one: FollowerEffect) -> impl IntoView {
    let title = format!("{} ({})", one.integration_name, one.customer_name);
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

    #[test]
    fn what_a_change_touches_is_one_sentence() {
        let mut effect = TemplateEffect {
            differences: Vec::new(),
            integrations: 12,
            customers: 1,
            people: 4_200,
            followers: Vec::new(),
            hash: String::new(),
        };
        assert_eq!(
            touches(&effect),
            "This changes 12 integrations of 1 customer, with 4,200 active users."
        );
        effect.integrations = 0;
        assert_eq!(touches(&effect), "No integration changes by this.");
    }
}
