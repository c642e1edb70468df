//! Looks over the text of views for what compiles and yet is not what was meant.

use std::{fs, io, path::Path};

use crate::{error::Error, project::Project};

/// Whether no attribute of a view ends early.
///
/// The macro `view!` reads a value without braces up to the first `>` (rstml 0.13, which
/// `leptos_macro` 0.8 uses): of `disabled=count >= most` the element's tag ends behind `count`, and
/// the rest becomes its first child. That compiles, and breaks the page when it is shown.
pub fn whole_attributes(project: &Project) -> Result<(), Error> {
    let views = project.root.join("app/src");
    let mut found = Vec::new();
    collect(&views, &mut found).map_err(|error| {
        Error::found(
            format!("{} cannot be read: {error}", views.display()),
            "look whether the folder is whole, and yours to read",
        )
    })?;
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::found(
        format!("values of attributes end early: {}", found.join(", ")),
        "put the value into braces: name={ a >= b }",
    ))
}

fn collect(folder: &Path, found: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)?;
            let lines = text.lines().enumerate();
            found.extend(
                lines
                    .filter(|(_, line)| ends_early(line))
                    .map(|(index, _)| format!("{}:{}", path.display(), index + 1)),
            );
        }
    }
    Ok(())
}

/// Whether the line is an attribute whose value, outside braces and quotes, compares with `>`.
fn ends_early(line: &str) -> bool {
    let Some((name, value)) = line.trim_start().split_once('=') else {
        return false;
    };
    let named = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-:".contains(&byte));
    // What stands in braces is read as one.
    let outside = value.split('{').next().unwrap_or_default();
    named
        && !outside.starts_with(['"', '=', '>', ' '])
        && (outside.contains(" > ") || outside.contains(" >= "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_outside_braces_is_found() {
        assert!(ends_early("    disabled=count >= most"));
        assert!(ends_early("    prop:checked=count > most"));
        for whole in [
            "    disabled={ count >= most }",
            "    disabled=move || { count >= most }",
            "    title=\"a >= b\"",
            "    when=move || shown.get()",
            "    let more = count >= most;",
            "    more = count >= most;",
            "    fold(|all, one| all >= one)",
            "    children=move |one| -> View { one }",
        ] {
            assert!(!ends_early(whole), "{whole}");
        }
    }
}
