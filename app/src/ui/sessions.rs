//! The table of somebody's sessions: with which browser, from where, and when last.

use domain::operator::SessionLine;
use uuid::Uuid;

use super::prelude::*;

/// The table. It is labelled by the heading `h-sessions`.
#[component]
pub fn SessionTable<E>(
    /// The sessions.
    sessions: Vec<SessionLine>,
    /// What ends one, by its id, with the words for those who hear the page.
    end: E,
) -> impl IntoView
where
    E: Fn(Uuid, String) -> AnyView,
{
    let rows = sessions
        .into_iter()
        .map(|session| {
            let name = browser(&session.user_agent);
            let ending = format!("End {name}");
            let address = session.address.unwrap_or_else(|| "Unknown".to_owned());
            view! {
                <tr role="row">
                    <td role="cell" class="grow">
                        <span class="block truncate" title=session.user_agent>{name}</span>
                        <span class="md:hidden block text-xs text-muted">{address.clone()}</span>
                    </td>
                    <td role="cell" class="whitespace-nowrap text-muted max-md:hidden">
                        {address.clone()}
                    </td>
                    <td role="cell" class="whitespace-nowrap text-muted max-md:hidden">
                        <RelativeTime at=session.created_at />
                    </td>
                    <td role="cell" class="whitespace-nowrap text-muted">
                        <RelativeTime at=session.last_used_at />
                    </td>
                    <td role="cell" class="whitespace-nowrap text-end">
                        {if session.current {
                            view! { <span class="rc-tag ok">"This one"</span> }.into_any()
                        } else {
                            end(session.id, ending)
                        }}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <table class="rc-table still mt-1" role="table" aria-labelledby="h-sessions">
            <thead role="rowgroup">
                <tr role="row">
                    <Head label="Browser" class="grow" />
                    <Head label="Address" class="max-md:hidden" />
                    <Head label="Signed in" class="max-md:hidden" />
                    <Head label="Last used" />
                    <Head label="" />
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
    .into_any()
}

/// Browser and system out of what a browser calls itself; the whole text where neither is known.
fn browser(agent: &str) -> String {
    // In this order: Edge and Opera also call themselves Chrome, Chrome also Safari.
    let name = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrom", "Chrome"),
        ("Safari/", "Safari"),
    ]
    .into_iter()
    .find(|(part, _)| agent.contains(part))
    .map(|(_, name)| name);
    let system = [
        ("Windows", "Windows"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]
    .into_iter()
    .find(|(part, _)| agent.contains(part))
    .map(|(_, name)| name);
    match (name, system) {
        (Some(name), Some(system)) => format!("{name} on {system}"),
        (Some(name), None) => name.to_owned(),
        _ if agent.is_empty() => "Unknown browser".to_owned(),
        _ => agent.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn browsers_are_told_by_their_own_name() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.0", "curl/8.0"),
            ("", "Unknown browser"),
        ] {
            assert_eq!(browser(agent), name);
        }
    }
}
