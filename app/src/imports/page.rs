//! One import: how it is read, what would come of it, and the buttons that bring it in.

use domain::{
    id::ImportId,
    import::{ApplyRows, Import, ImportCounts, ImportDetail, ImportStatus, RowOutcome},
    permission::Permission,
};
use leptos_router::hooks::use_params_map;

use super::{
    api::{ApplyImport, ChangeImport, DeleteImport, get_import},
    columns::Columns,
    list::state,
    rows::Rows,
};
use crate::{
    session::may,
    ui::{form::Post, prelude::*, progress::ProgressLine},
};

/// The forms of the page.
#[derive(Clone, Copy)]
struct Forms {
    change: Post<ChangeImport>,
    apply: Post<ApplyImport>,
    delete: Post<DeleteImport>,
}

/// The page. It follows the setting of passwords.
#[component]
pub fn ImportPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")?.parse::<ImportId>().ok()));
    let changes = use_changes();
    let detail = Resource::new(
        move || (id.get(), changes.follow()),
        |(id, _)| async move {
            match id {
                Some(id) => get_import(id).await,
                None => Err(AppError::NotFound {
                    what: "import".to_owned(),
                }),
            }
        },
    );
    let busy = RwSignal::new(false);
    follow_while(busy.into(), move || detail.refetch());
    // The rows are read again where there are others, not every second.
    let seen = StoredValue::new(None);
    let version = RwSignal::new(0_u32);
    let forms = Forms {
        change: use_post(),
        apply: use_post(),
        delete: use_post(),
    };
    view! {
        <div class="contents peer">
            <Load
                resource=detail
                whole=true
                children=move |detail: ImportDetail| {
                    let import = &detail.import;
                    busy.set(import.status == ImportStatus::SettingPasswords);
                    let now = (import.plan.clone(), import.status);
                    let before = seen.try_update_value(|seen| seen.replace(now.clone())).flatten();
                    if before.is_some_and(|before| before != now) {
                        version.update(|version| *version += 1);
                    }
                    view! { <Page detail=detail forms=forms /> }
                }
            />
        </div>
        <div class="peer-has-[.rc-refused]:hidden">
            <Rows import=id.into() version=version.into() />
        </div>
    }
    .into_any()
}

#[component]
fn Page(detail: ImportDetail, forms: Forms) -> impl IntoView {
    let ImportDetail {
        import,
        customer_name,
    } = detail;
    let parent = (
        routes::customer_imports(import.customer_id),
        format!("Imports of {customer_name}"),
    );
    let waits = import.status == ImportStatus::Waiting;
    let write = may(Permission::DirectoryWrite);
    let facts = import.clone();
    view! {
        <PageHead
            title=import.name.clone()
            parent=parent
            facts=move || view! { <Facts import=facts /> }.into_any()
        >
            {(waits && write)
                .then(|| {
                    view! {
                        <PostForm post=forms.delete>
                            <input type="hidden" name="id" value=import.id.to_string() />
                            <Submit label="Delete" busy="Deleting" class="btn" icon="trash-2" />
                        </PostForm>
                    }
                })}
        </PageHead>
        {import
            .problem
            .clone()
            .map(|problem| {
                view! {
                    <div class="px-6 max-md:px-4">
                        <div class="rc-note held mb-3" role="status">
                            <Icon name="circle-alert" class="text-warning mt-0.5" />
                            <p>{problem}</p>
                        </div>
                    </div>
                }
            })}
        {import.counts.map(|counts| view! { <Counts counts=counts waits=waits /> })}
        <Passwords import=import.clone() />
        {(waits && write)
            .then(|| {
                view! {
                    <Applying import=import.clone() forms=forms />
                    <Columns import=import post=forms.change />
                }
            })}
    }
    .into_any()
}

#[component]
fn Facts(import: Import) -> impl IntoView {
    let mark = state(&import);
    let waits = import.status == ImportStatus::Waiting;
    view! {
        <Status of=mark />
        <span>
            <bdi>{import.made_by}</bdi>
            ", "
            <RelativeTime at=import.created_at />
        </span>
        {import.encoding.map(|encoding| view! { <span>{encoding}</span> })}
        {waits
            .then(|| {
                view! {
                    <span>
                        "Goes "
                        <RelativeTime at=import.expires_at plain=true />
                        " unless it is imported"
                    </span>
                }
            })}
        {import
            .run_id
            .map(|run| {
                view! {
                    <a class="rc-link" href=routes::run(run)>
                        "See the run"
                    </a>
                }
            })}
    }
    .into_any()
}

/// How many rows come to what; each leads to those rows.
#[component]
fn Counts(counts: ImportCounts, waits: bool) -> impl IntoView {
    let address = use_address();
    let figures = RowOutcome::ALL
        .iter()
        .map(|outcome| {
            let words = match (outcome, waits) {
                (RowOutcome::Create, true) => "to create",
                (RowOutcome::Create, false) => "created",
                (RowOutcome::Update, true) => "to update",
                (RowOutcome::Update, false) => "updated",
                (RowOutcome::Unchanged, _) => "unchanged",
                (RowOutcome::Error, _) => "with errors",
            };
            let href = address.with(&[("outcome", Some(outcome.as_str()))]);
            view! {
                <li>
                    <a href=href class="group flex items-baseline gap-2">
                        <span class="text-lg font-semibold rc-num group-hover:underline">
                            {grouped(counts.of(*outcome))}
                        </span>
                        <span class="text-muted">{words}</span>
                    </a>
                </li>
            }
        })
        .collect_view();
    view! {
        <ul class="flex flex-wrap gap-x-10 gap-y-3 px-6 py-4 border-y border-line max-md:px-4">
            {figures}
        </ul>
    }
    .into_any()
}

/// How far the passwords are.
#[component]
fn Passwords(import: Import) -> impl IntoView {
    let progress = import.passwords?;
    let done = progress.set + progress.refused;
    let percent = u8::try_from(done * 100 / progress.total.max(1)).ok();
    let says = format!(
        "{} of {} passwords set{}.",
        grouped(progress.set),
        grouped(progress.total),
        match progress.refused {
            0 => String::new(),
            refused => format!(", {} not: see their rows", grouped(refused)),
        }
    );
    let open = import.status == ImportStatus::SettingPasswords;
    Some(view! {
        <div class="px-6 py-3 max-md:px-4">
            <p role="status">
                {says} {open.then_some(" The file goes once they are all set.")}
            </p>
            {open.then(|| view! { <ProgressLine percent=percent label="Setting passwords" /> })}
        </div>
    })
}

/// The buttons that bring it in.
#[component]
fn Applying(import: Import, forms: Forms) -> impl IntoView {
    let (counts, plan) = (import.counts?, import.plan.clone()?);
    let good = counts.total() - counts.error;
    let all = counts.error == 0;
    let says = match (good, counts.error) {
        (0, _) => "No row can be imported. Correct the file, and look at it again.".to_owned(),
        (_, 0) => "Exactly this is imported, or nothing.".to_owned(),
        (_, errors) => format!(
            "{}. Correct the file and look at it again, or import the others.",
            counted(errors, "row has errors", "rows have errors")
        ),
    };
    let (rows, label) = if all {
        (ApplyRows::All, "Import all")
    } else {
        (ApplyRows::Good, "Import the good ones")
    };
    Some(view! {
        <section aria-labelledby="h-apply" class="px-6 py-4 max-md:px-4">
            <h2 id="h-apply" class="sr-only">"Import"</h2>
            <p class="mb-3">{says}</p>
            {(good > 0)
                .then(|| {
                    view! {
                        <PostForm post=forms.apply>
                            <input type="hidden" name="id" value=import.id.to_string() />
                            <input type="hidden" name="plan" value=plan />
                            <input type="hidden" name="rows" value=rows.as_str() />
                            <Submit label=label busy="Importing" />
                        </PostForm>
                    }
                })}
        </section>
    })
}
