//! CSV that can be opened in a spreadsheet without running anything (RFC 4180).

use bytes::Bytes;
use csv_async::{AsyncWriterBuilder, Terminator};

use crate::{Error, Result};

/// Rows as CSV, each cell made safe.
pub(crate) async fn rows<R: IntoIterator<Item = String>>(
    rows: impl IntoIterator<Item = R>,
) -> Result<Bytes> {
    let failed = |error: String| Error::Internal(format!("CSV can’t be written: {error}"));
    let mut writer = AsyncWriterBuilder::new()
        .terminator(Terminator::CRLF)
        .create_writer(Vec::new());
    for row in rows {
        writer
            .write_record(row.into_iter().map(safe))
            .await
            .map_err(|error| failed(error.to_string()))?;
    }
    let bytes = writer
        .into_inner()
        .await
        .map_err(|error| failed(error.to_string()))?;
    Ok(bytes.into())
}

/// A cell that no spreadsheet takes for a formula: what begins like one (also after blanks, and in
/// the full-width forms that Excel takes for the same) gets a quote mark in front. Control
/// characters become blanks; line breaks inside stay.
fn safe(cell: String) -> String {
    let first = cell.trim_start_matches(' ').chars().next();
    let begins_like_a_formula = first.is_some_and(|c| {
        matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠') || c.is_control()
    });
    let clean = if cell.chars().any(char::is_control) {
        cell.chars()
            .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
            .collect()
    } else {
        cell
    };
    if begins_like_a_formula {
        format!("'{clean}")
    } else {
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn cells_that_try_something_stay_text() {
        let row = |cell: &str| [cell.to_owned(), "plain".to_owned()];
        let cells = [
            "=cmd|' /C calc'!A0",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "  =1",
            "＝1",
            "a\u{7}b",
            "say \"hi\", twice",
            "two\nlines",
            "",
            "Zoë – 王",
        ];
        let text = rows(cells.map(row)).await.unwrap();
        insta::assert_snapshot!(String::from_utf8(text.to_vec()).unwrap().replace("\r\n", "¶\n"), @r#"
        '=cmd|' /C calc'!A0,plain¶
        '+1,plain¶
        '-1,plain¶
        '@SUM(A1),plain¶
        ' =1,plain¶
        ' =1,plain¶
        '  =1,plain¶
        '＝1,plain¶
        a b,plain¶
        "say ""hi"", twice",plain¶
        "two
        lines",plain¶
        ,plain¶
        Zoë – 王,plain¶
        "#);
    }
}
