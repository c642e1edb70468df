//! Rows and cells of a text with separated values (RFC 4180), as Excel writes it: with commas,
//! semicolons or tabs between.

use csv_core::{ReadRecordResult, ReaderBuilder};
use domain::import::{COLUMNS_MAX, ROWS_MAX};

/// Cells of a row that are kept: more than a header may have, so that one sees that there are too
/// many.
const CELLS_KEPT: usize = COLUMNS_MAX + 1;

/// Appended to a text: the last row is this, unless a quotation mark before it isn't closed.
const END: &str = "\n\u{1}end\u{1}\n";
/// The row it makes.
const END_ROW: &str = "\u{1}end\u{1}";

/// A table. Its cells stand in one text, one behind the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    headers: Vec<String>,
    text: String,
    /// Where each cell ends.
    ends: Vec<usize>,
    rows: Vec<Stored>,
}

/// A row: its number, and its cells among all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stored {
    number: u32,
    /// Where its first cell begins in the text.
    begins: usize,
    first: usize,
    cells: usize,
    /// Whether it had cells that aren't kept.
    more: bool,
}

/// One row of a table.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// As a spreadsheet counts: the header is 1.
    pub number: u32,
    table: &'a Table,
    stored: Stored,
}

impl<'a> Row<'a> {
    /// A cell, without blanks around; empty where the row is shorter.
    pub fn cell(&self, at: usize) -> &'a str {
        self.as_given(at).trim()
    }

    /// A cell with the blanks around it.
    pub fn as_given(&self, at: usize) -> &'a str {
        self.table.cell(&self.stored, at)
    }

    /// Whether it has more in it than there are columns.
    pub fn is_too_long(&self) -> bool {
        self.stored.more
            || (self.table.headers.len()..self.stored.cells).any(|at| !self.cell(at).is_empty())
    }
}

impl Table {
    /// Reads a table whose first row is its header. What is no such table is refused in words.
    pub fn read(text: &str) -> Result<Self, String> {
        let (text, named) = named_delimiter(text);
        let delimiter = named.unwrap_or_else(|| delimiter(text));
        let mut table = Self {
            headers: Vec::new(),
            text: String::new(),
            ends: Vec::new(),
            rows: Vec::new(),
        };
        table.fill(text, delimiter)?;
        table.take_header()?;
        Ok(table)
    }

    /// How many rows it has, without the header.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What stands above its columns.
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// Its rows, in order, without those that are blank.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|stored| Row {
            number: stored.number,
            table: self,
            stored: *stored,
        })
    }

    /// The first value of a column.
    pub fn example(&self, at: usize) -> Option<&str> {
        self.rows()
            .map(|row| row.cell(at))
            .find(|cell| !cell.is_empty())
    }

    fn cell(&self, row: &Stored, at: usize) -> &str {
        if at >= row.cells {
            return "";
        }
        let from = match at {
            0 => row.begins,
            at => self.ends[row.first + at - 1],
        };
        &self.text[from..self.ends[row.first + at]]
    }

    fn fill(&mut self, text: &str, delimiter: u8) -> Result<(), String> {
        let whole = [text, END].concat();
        let mut input = whole.as_bytes();
        let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
        // What is read is never longer than what it is read from.
        let mut output = vec![0; whole.len() + 1];
        let mut ends = [0_usize; CELLS_KEPT];
        let (mut number, mut written) = (0_u32, 0_usize);
        let (mut first, mut begins, mut more) = (0_usize, 0_usize, false);
        loop {
            let (result, read, wrote, ended) =
                reader.read_record(input, &mut output[written..], &mut ends);
            input = &input[read..];
            written += wrote;
            let room = CELLS_KEPT.saturating_sub(self.ends.len() - first);
            more |= ended > room;
            self.ends
                .extend(ends[..ended.min(room)].iter().map(|end| begins + end));
            match result {
                ReadRecordResult::Record => {
                    number += 1;
                    self.rows.push(Stored {
                        number,
                        begins,
                        first,
                        cells: self.ends.len() - first,
                        more,
                    });
                    (first, begins, more) = (self.ends.len(), written, false);
                }
                ReadRecordResult::InputEmpty | ReadRecordResult::OutputEndsFull => {}
                ReadRecordResult::OutputFull | ReadRecordResult::End => break,
            }
        }
        output.truncate(written);
        self.text = String::from_utf8(output)
            .map_err(|_| "The file can’t be read as a table. Save it again as CSV.".to_owned())?;
        self.take_end()
    }

    /// Takes away the end that was appended. Where it isn't there, a quotation mark swallowed it.
    fn take_end(&mut self) -> Result<(), String> {
        let last = self.rows.pop();
        let is_end = last.is_some_and(|last| last.cells == 1 && self.cell(&last, 0) == END_ROW);
        if is_end {
            return Ok(());
        }
        let number = last.map_or(1, |last| last.number);
        Err(format!(
            "In row {number} a quotation mark opens a cell, and none closes it: everything after it would be one cell. Close it, or take it away."
        ))
    }

    /// Makes the first row the header, and takes blank rows away.
    fn take_header(&mut self) -> Result<(), String> {
        let blank = |table: &Self, row: &Stored| {
            (0..row.cells).all(|at| table.cell(row, at).trim().is_empty())
        };
        let mut rows = std::mem::take(&mut self.rows);
        rows.retain(|row| !blank(self, row));
        if rows.is_empty() {
            return Err("The file is empty.".to_owned());
        }
        let header = rows.remove(0);
        if header.more || header.cells > COLUMNS_MAX {
            return Err(format!(
                "The file has more than {COLUMNS_MAX} columns. Take away those that are not imported."
            ));
        }
        let cells: Vec<&str> = (0..header.cells)
            .map(|at| self.cell(&header, at).trim())
            .collect();
        if let Some(cell) = cells.iter().find(|cell| cell.contains('@')) {
            return Err(format!(
                "The first row holds “{}”, and has to hold the names of the columns. Put a row such as “User name, Given name, Surname” above it.",
                shortened(cell)
            ));
        }
        self.headers = cells
            .iter()
            .enumerate()
            .map(|(at, cell)| {
                if cell.is_empty() {
                    format!("Column {}", at + 1)
                } else {
                    shortened(cell)
                }
            })
            .collect();
        if rows.is_empty() {
            return Err("The file has a header, and no rows below it.".to_owned());
        }
        if rows.len() > ROWS_MAX {
            return Err(too_many());
        }
        self.rows = rows;
        Ok(())
    }
}

fn too_many() -> String {
    format!(
        "The file has more than {} rows. Split it, and import one part after the other.",
        domain::number::grouped(i64::try_from(ROWS_MAX).unwrap_or(i64::MAX))
    )
}

/// A text short enough to be shown, without what can't be.
pub(super) fn shortened(text: &str) -> String {
    const CHARS: usize = 100;
    let mut short: String = text
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .take(CHARS)
        .collect();
    if text.chars().nth(CHARS).is_some() {
        short.push('…');
    }
    short
}

/// Excel's own way to say what stands between cells: a first line `sep=;`.
fn named_delimiter(text: &str) -> (&str, Option<u8>) {
    let named = || {
        let (line, rest) = text.split_once('\n')?;
        let delimiter = line.trim_end_matches('\r').strip_prefix("sep=")?;
        match delimiter.as_bytes() {
            [one] => Some((rest, Some(*one))),
            _ => None,
        }
    };
    named().unwrap_or((text, None))
}

/// What stands between the cells of the first row that isn't blank: whichever there is most of,
/// outside of quotation marks.
fn delimiter(text: &str) -> u8 {
    let line = text.lines().find(|line| !line.trim().is_empty());
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in line.unwrap_or_default().bytes() {
        quoted ^= byte == b'"';
        if !quoted && let Some((_, count)) = counts.iter_mut().find(|(one, _)| *one == byte) {
            *count += 1;
        }
    }
    let mut best = counts[0];
    for one in &counts[1..] {
        if one.1 > best.1 {
            best = *one;
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells(text: &str) -> Vec<(u32, Vec<String>)> {
        let table = Table::read(text).unwrap();
        let width = table.headers().len();
        table
            .rows()
            .map(|row| {
                (
                    row.number,
                    (0..width).map(|at| row.cell(at).to_owned()).collect(),
                )
            })
            .collect()
    }

    #[test]
    fn tables_of_every_kind_are_read() {
        let expected = vec![
            (2, vec!["a, b".to_owned(), "x".to_owned()]),
            (4, vec!["c\nd".to_owned(), String::new()]),
        ];
        for text in [
            "n,m\n\"a, b\",x\n,\n\"c\nd\"\n",
            "n;m\r\n\"a, b\";x\r\n;\r\n\"c\nd\";\r\n",
            "n\tm\n\"a, b\"\t x \n\t\n\"c\nd\"",
            "sep=;\nn;m\n\"a, b\";x\n;\n\"c\nd\";",
        ] {
            assert_eq!(cells(text), expected, "{text:?}");
        }
    }

    #[test]
    fn headers_are_named_where_they_have_no_name() {
        let table = Table::read("a,,a\0\n1,2,3").unwrap();
        assert_eq!(table.headers(), ["a", "Column 2", "a\u{fffd}"]);
        assert_eq!(table.example(1), Some("2"));
    }

    #[test]
    fn a_row_with_more_than_the_header_is_seen() {
        let table = Table::read("a,b\n1,2,,\n1,2,3\n").unwrap();
        let long: Vec<bool> = table.rows().map(|row| row.is_too_long()).collect();
        assert_eq!(long, [false, true]);
        let many = format!("a,b\n{}\n", ",".repeat(5_000));
        // All blank: no row at all.
        assert!(Table::read(&many).is_err());
        let many = format!("a,b\n1{}\n2,2\n", ",".repeat(5_000));
        let table = Table::read(&many).unwrap();
        let rows: Vec<_> = table
            .rows()
            .map(|row| (row.cell(0), row.is_too_long()))
            .collect();
        assert_eq!(rows, [("1", true), ("2", false)]);
    }

    #[test]
    fn what_is_no_table_is_refused_with_what_to_do() {
        for (text, word) in [
            ("\n \n", "empty"),
            ("name,mail\n", "no rows"),
            ("ada@x.example,Ada\n", "names of the columns"),
            ("a,b\n1,\"2\n3,4\n", "row 2 a quotation mark"),
            (&format!("{}\n1", "a,".repeat(COLUMNS_MAX)), "columns"),
            (
                &format!("a\n{}", "1\n".repeat(ROWS_MAX + 1)),
                "more than 100,000 rows",
            ),
        ] {
            let error = Table::read(text).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        assert_eq!(
            Table::read(&format!("a\n{}", "1\n".repeat(ROWS_MAX)))
                .unwrap()
                .len(),
            ROWS_MAX
        );
    }

    proptest! {
        #[test]
        fn whatever_is_given_nothing_breaks(text in r#"[a-c@,;"\n\r\t\u{0}\u{1}🏢 ]{0,200}"#) {
            if let Ok(table) = Table::read(&text) {
                for row in table.rows() {
                    for at in 0..table.headers().len() {
                        row.cell(at);
                    }
                    row.is_too_long();
                }
            }
        }
    }
}
