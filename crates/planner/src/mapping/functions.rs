//! The functions of expressions: those that people who look after directories ask for. Each takes
//! nothing for an answer: a text function makes null of null.
//!
//! What they make in one evaluation is limited, one text and all together; patterns are compiled
//! once, of bounded size, and take time in proportion to the text (the `regex` crate never goes
//! back).

use std::{cell::Cell, collections::HashMap, sync::Arc};

use cel::{
    Context, Env, ExecutionError, FunctionContext,
    common::{
        ast::{Expr, IdedExpr, LiteralValue},
        types::{CelBool, CelList, CelMap, CelNull, CelString},
        value::{CowVal, Val},
    },
};
use domain::filter::FilterTest;
use regex::{Regex, RegexBuilder};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{LIST_MAX, TEXT_MAX};
use crate::{
    filter::{fits, value_fits},
    fold::fold,
};

/// Their names, as messages list them.
pub(super) const NAMES: [&str; 20] = [
    "begins_with",
    "coalesce",
    "ends_with",
    "equals",
    "first_non_empty",
    "includes",
    "join",
    "left_of_at",
    "lower",
    "matches",
    "regex_replace",
    "replace",
    "right_of_at",
    "split",
    "strip_diacritics",
    "switch",
    "title_case",
    "trim",
    "upper",
    "is_empty",
];

/// What functions may make in one evaluation, in bytes.
const BYTES_MAX: usize = 256 * 1024;
/// The most memory of a pattern, in bytes: a small multiple of what people write.
const PATTERN_BYTES: usize = 256 * 1024;
/// How deep a pattern may be nested.
const PATTERN_DEPTH: u32 = 24;

thread_local! {
    /// What functions may still make in the evaluation of this thread. An evaluation waits for
    /// nothing, so a thread is at one only.
    static LEFT: Cell<usize> = const { Cell::new(0) };
}

/// Begins an evaluation.
pub(super) fn begin() {
    LEFT.set(BYTES_MAX);
}

/// The patterns that an expression writes out.
#[derive(Debug, Default)]
pub(super) struct Patterns(HashMap<String, Regex>);

impl Patterns {
    /// Takes the pattern of a call, where the function has one.
    pub(super) fn add(&mut self, function: &str, arguments: &[&IdedExpr]) -> Result<(), String> {
        if !matches!(function, "matches" | "regex_replace") {
            return Ok(());
        }
        let Some(Expr::Literal(LiteralValue::String(pattern))) =
            arguments.get(1).map(|argument| &argument.expr)
        else {
            return Err(format!(
                "The pattern of {function} has to be written out, in quotes, after the text."
            ));
        };
        let pattern = pattern.inner();
        let regex = built(pattern)?;
        self.0.insert(pattern.to_owned(), regex);
        Ok(())
    }
}

/// A pattern, or why it can't be read.
pub(crate) fn built(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern)
        .size_limit(PATTERN_BYTES)
        .dfa_size_limit(PATTERN_BYTES)
        .nest_limit(PATTERN_DEPTH)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => format!("The pattern “{pattern}” becomes too large."),
        error => {
            let words = error.to_string();
            let last = words.lines().last().unwrap_or_default();
            let last = last.trim_start_matches("error: ");
            format!("The pattern “{pattern}” can’t be read: {last}.")
        }
    })
}

type Answer<'c, 'v> = Result<CowVal<'c, 'v>, ExecutionError>;
type Boxed = Box<dyn for<'c, 'v> Fn(&mut FunctionContext<'c, 'v>) -> Answer<'c, 'v> + Send + Sync>;

fn boxed<F>(function: F) -> Boxed
where
    F: for<'c, 'v> Fn(&mut FunctionContext<'c, 'v>) -> Answer<'c, 'v> + Send + Sync + 'static,
{
    Box::new(function)
}

/// The context of an expression: all functions, no variables.
pub(super) fn context(
    env: Arc<Env>,
    patterns: Patterns,
) -> Result<Context<'static, 'static>, String> {
    let patterns = Arc::new(patterns.0);
    let replacing = Arc::clone(&patterns);
    let functions: [(&str, Boxed); NAMES.len()] = [
        ("coalesce", boxed(coalesce)),
        ("first_non_empty", boxed(first_non_empty)),
        ("is_empty", boxed(is_empty)),
        (
            "begins_with",
            boxed(|cx| compare(cx, FilterTest::BeginsWith)),
        ),
        ("ends_with", boxed(|cx| compare(cx, FilterTest::EndsWith))),
        ("equals", boxed(|cx| compare(cx, FilterTest::Equals))),
        ("includes", boxed(|cx| compare(cx, FilterTest::Includes))),
        ("join", boxed(join)),
        ("left_of_at", boxed(|cx| text(cx, left_of_at))),
        (
            "lower",
            boxed(|cx| text(cx, |text| Some(text.to_lowercase()))),
        ),
        ("matches", boxed(move |cx| matches(cx, &patterns))),
        (
            "regex_replace",
            boxed(move |cx| regex_replace(cx, &replacing)),
        ),
        ("replace", boxed(replace)),
        ("right_of_at", boxed(|cx| text(cx, right_of_at))),
        ("split", boxed(split)),
        (
            "strip_diacritics",
            boxed(|cx| text(cx, |text| Some(strip_diacritics(text)))),
        ),
        ("switch", boxed(switch)),
        (
            "title_case",
            boxed(|cx| text(cx, |text| Some(title_case(text)))),
        ),
        (
            "trim",
            boxed(|cx| text(cx, |text| Some(text.trim().to_owned()))),
        ),
        (
            "upper",
            boxed(|cx| text(cx, |text| Some(text.to_uppercase()))),
        ),
    ];
    let mut context = Context::with_env(env);
    for (name, function) in functions {
        context
            .add_function(name, function)
            .map_err(|error| error.to_string())?;
    }
    Ok(context)
}

/// All arguments: a function can be called on its first one, too.
fn arguments<'c, 'v>(cx: &mut FunctionContext<'c, 'v>) -> Vec<CowVal<'c, 'v>> {
    let mut all = Vec::with_capacity(cx.args.len() + 1);
    all.extend(cx.this.take());
    all.append(&mut cx.args);
    all
}

/// So many arguments.
fn exactly<'c, 'v, const N: usize>(
    cx: &mut FunctionContext<'c, 'v>,
) -> Result<[CowVal<'c, 'v>; N], ExecutionError> {
    let all = arguments(cx);
    let number = all.len();
    all.try_into().map_err(|_| {
        let noun = if N == 1 { "argument" } else { "arguments" };
        cx.error(format!("takes {N} {noun}, not {number}"))
    })
}

const fn null<'c, 'v>() -> CowVal<'c, 'v> {
    CowVal::Borrowed(&CelNull)
}

/// An argument that has to be a text; none for null.
fn as_text<'a>(
    cx: &FunctionContext<'_, '_>,
    value: &'a CowVal<'_, '_>,
) -> Result<Option<&'a str>, ExecutionError> {
    let value: &(dyn Val + '_) = value.as_ref();
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        return Ok(Some(text.inner()));
    }
    if value.downcast_ref::<CelNull>().is_some() {
        return Ok(None);
    }
    Err(cx.error(format!(
        "takes a text, not {}",
        super::expression::type_words(value.get_type().name())
    )))
}

/// A text that was made, if it may still be.
fn made<'c, 'v>(cx: &FunctionContext<'_, '_>, text: String) -> Answer<'c, 'v> {
    spend(cx, text.len())?;
    Ok(CowVal::owned(CelString::from(text)))
}

fn spend(cx: &FunctionContext<'_, '_>, bytes: usize) -> Result<(), ExecutionError> {
    if bytes > TEXT_MAX {
        return Err(cx.error(format!("makes a text of more than {TEXT_MAX} bytes")));
    }
    // Even what makes nothing takes its time.
    match LEFT.get().checked_sub(bytes + 16) {
        Some(left) => {
            LEFT.set(left);
            Ok(())
        }
        None => Err(cx.error("makes too much for one object")),
    }
}

/// A function from one text to one text.
fn text<'c, 'v>(
    cx: &mut FunctionContext<'c, 'v>,
    make: impl Fn(&str) -> Option<String>,
) -> Answer<'c, 'v> {
    let [value] = exactly(cx)?;
    let Some(given) = as_text(cx, &value)? else {
        return Ok(null());
    };
    // Lowering and the like make a text three times as long at most.
    spend(cx, given.len())?;
    match make(given) {
        Some(text) => made(cx, text),
        None => Ok(null()),
    }
}

fn left_of_at(text: &str) -> Option<String> {
    text.rsplit_once('@').map(|(left, _)| left.to_owned())
}

fn right_of_at(text: &str) -> Option<String> {
    text.rsplit_once('@').map(|(_, right)| right.to_owned())
}

/// Letters without their marks, and those that are no letter with a mark but are written so in
/// passports (ICAO Doc 9303, part 3, section 6).
fn strip_diacritics(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    for c in text.nfd().filter(|c| !is_combining_mark(*c)) {
        match c {
            'ß' => bare.push_str("ss"),
            'ẞ' => bare.push_str("SS"),
            'æ' => bare.push_str("ae"),
            'Æ' => bare.push_str("AE"),
            'œ' => bare.push_str("oe"),
            'Œ' => bare.push_str("OE"),
            'þ' => bare.push_str("th"),
            'Þ' => bare.push_str("TH"),
            'ø' => bare.push('o'),
            'Ø' => bare.push('O'),
            'ł' => bare.push('l'),
            'Ł' => bare.push('L'),
            'đ' | 'ð' => bare.push('d'),
            'Đ' | 'Ð' => bare.push('D'),
            'ı' => bare.push('i'),
            c => bare.push(c),
        }
    }
    bare.nfc().collect()
}

/// Each word with one capital, also behind a hyphen or an apostrophe.
fn title_case(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    let mut begins = true;
    for c in text.chars() {
        if begins {
            made.extend(c.to_uppercase());
        } else {
            made.extend(c.to_lowercase());
        }
        begins = c.is_whitespace() || matches!(c, '-' | '\'' | '’' | '.' | '/');
    }
    made
}

fn replace<'c, 'v>(cx: &mut FunctionContext<'c, 'v>) -> Answer<'c, 'v> {
    let [value, from, to] = exactly(cx)?;
    let Some(given) = as_text(cx, &value)? else {
        return Ok(null());
    };
    let (Some(from), Some(to)) = (as_text(cx, &from)?, as_text(cx, &to)?) else {
        return Err(cx.error("needs a text to look for and one to put in its place"));
    };
    if from.is_empty() {
        return Err(cx.error("needs something to look for"));
    }
    let found = given.matches(from).count();
    // Looked at before it is made: it could be of any length.
    let length = given.len() - found * from.len() + found * to.len();
    spend(cx, length)?;
    made(cx, given.replace(from, to))
}

fn pattern<'p>(
    cx: &FunctionContext<'_, '_>,
    patterns: &'p HashMap<String, Regex>,
    value: &CowVal<'_, '_>,
) -> Result<&'p Regex, ExecutionError> {
    let found = as_text(cx, value)?.and_then(|text| patterns.get(text));
    found.ok_or_else(|| cx.error("needs a pattern that is written out"))
}

fn matches<'c, 'v>(
    cx: &mut FunctionContext<'c, 'v>,
    patterns: &HashMap<String, Regex>,
) -> Answer<'c, 'v> {
    let [value, written] = exactly(cx)?;
    let regex = pattern(cx, patterns, &written)?;
    let value: &(dyn Val + '_) = value.as_ref();
    let found = if value.downcast_ref::<CelNull>().is_some() {
        spend(cx, 0)?;
        regex.is_match("")
    } else {
        any_text(cx, value, &mut |text| regex.is_match(text))?
    };
    Ok(CowVal::owned(CelBool::from(found)))
}

/// Whether one of a value's texts compares so with a text that is given: case, accents and white space
/// around make no difference.
fn compare<'c, 'v>(cx: &mut FunctionContext<'c, 'v>, test: FilterTest) -> Answer<'c, 'v> {
    let [value, wanted] = exactly(cx)?;
    let Some(wanted) = as_text(cx, &wanted)? else {
        return Err(cx.error("needs a text to compare with"));
    };
    spend(cx, wanted.len())?;
    let wanted = fold(wanted);
    let found = any_text(cx, value.as_ref(), &mut |text| {
        fits(test, &fold(text), &wanted)
    })?;
    Ok(CowVal::owned(CelBool::from(found)))
}

/// Whether one of the texts of a value fits: itself, or what a list or a record holds.
fn any_text(
    cx: &FunctionContext<'_, '_>,
    value: &(dyn Val + '_),
    fits: &mut dyn FnMut(&str) -> bool,
) -> Result<bool, ExecutionError> {
    if let Some(list) = value.downcast_ref::<CelList<'_>>() {
        for item in list.inner() {
            if any_text(cx, item.as_ref(), fits)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    if let Some(map) = value.downcast_ref::<CelMap<'_>>() {
        for item in map.inner().values() {
            if any_text(cx, item.as_ref(), fits)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        spend(cx, text.inner().len())?;
        return Ok(fits(text.inner()));
    }
    let one = super::expression::one(value).unwrap_or_default();
    spend(cx, 0)?;
    Ok(value_fits(&one, fits))
}

fn regex_replace<'c, 'v>(
    cx: &mut FunctionContext<'c, 'v>,
    patterns: &HashMap<String, Regex>,
) -> Answer<'c, 'v> {
    let [value, written, to] = exactly(cx)?;
    let Some(given) = as_text(cx, &value)? else {
        return Ok(null());
    };
    let regex = pattern(cx, patterns, &written)?;
    let Some(to) = as_text(cx, &to)? else {
        return Err(cx.error("needs a text to put in place of what is found"));
    };
    spend(cx, given.len())?;
    let mut replaced = String::with_capacity(given.len());
    let mut end = 0;
    for found in regex.captures_iter(given) {
        let Some(whole) = found.get(0) else { continue };
        replaced.push_str(given.get(end..whole.start()).unwrap_or_default());
        found.expand(to, &mut replaced);
        end = whole.end();
        if replaced.len() > TEXT_MAX {
            break;
        }
    }
    replaced.push_str(given.get(end..).unwrap_or_default());
    made(cx, replaced)
}

fn split<'c, 'v>(cx: &mut FunctionContext<'c, 'v>) -> Answer<'c, 'v> {
    let [value, at] = exactly(cx)?;
    let Some(given) = as_text(cx, &value)? else {
        return Ok(null());
    };
    let at = as_text(cx, &at)?.unwrap_or_default();
    if at.is_empty() {
        return Err(cx.error("needs a text to split at"));
    }
    spend(cx, given.len())?;
    let parts: Vec<&str> = given.split(at).take(LIST_MAX + 1).collect();
    if parts.len() > LIST_MAX {
        return Err(cx.error(format!("makes a list of more than {LIST_MAX} texts")));
    }
    let parts: Vec<Box<dyn Val + 'v>> = parts
        .into_iter()
        .map(|part| Box::new(CelString::from(part.to_owned())) as Box<dyn Val + 'v>)
        .collect();
    Ok(CowVal::owned(CelList::from(parts)))
}

fn join<'c, 'v>(cx: &mut FunctionContext<'c, 'v>) -> Answer<'c, 'v> {
    let [value, between] = exactly(cx)?;
    let between = as_text(cx, &between)?.unwrap_or_default();
    let value: &(dyn Val + '_) = value.as_ref();
    if value.downcast_ref::<CelNull>().is_some() {
        return Ok(null());
    }
    let Some(list) = value.downcast_ref::<CelList<'_>>() else {
        return Err(cx.error("takes a list of texts"));
    };
    let mut joined = String::new();
    for item in list.inner() {
        if is_blank(item.as_ref()) {
            continue;
        }
        let Some(text) = item.downcast_ref::<CelString<'_>>() else {
            return Err(cx.error("takes a list of texts"));
        };
        if !joined.is_empty() {
            joined.push_str(between);
        }
        joined.push_str(text.inner());
        if joined.len() > TEXT_MAX {
            break;
        }
    }
    made(cx, joined)
}

/// Null, a blank text, a list of nothing else.
fn is_blank(value: &(dyn Val + '_)) -> bool {
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        return text.inner().trim().is_empty();
    }
    if let Some(list) = value.downcast_ref::<CelList<'_>>() {
        return list.inner().iter().all(|item| is_blank(item.as_ref()));
    }
    value.downcast_ref::<CelNull>().is_some()
}

fn is_empty<'c, 'v>(cx: &mut FunctionContext<'c, 'v>) -> Answer<'c, 'v> {
    let [value] = exactly(cx)?;
    spend(cx, 0)?;
    Ok(CowVal::owned(CelBool::from(is_blank(value.as_ref()))))
}

fn coalesce<'c, 'v>(cx: &mut FunctionContext<'c, 'v>) -> Answer<'c, 'v> {
    spend(cx, 0)?;
    let mut filled = arguments(cx)
        .into_iter()
        .filter(|value| !is_blank(value.as_ref()));
    Ok(filled.next().unwrap_or(null()))
}

fn first_non_empty<'c, 'v>(cx: &mut FunctionContext<'c, 'v>) -> Answer<'c, 'v> {
    let [value] = exactly(cx)?;
    spend(cx, 0)?;
    let value: &(dyn Val + '_) = value.as_ref();
    if value.downcast_ref::<CelNull>().is_some() {
        return Ok(null());
    }
    let Some(list) = value.downcast_ref::<CelList<'_>>() else {
        return Err(cx.error("takes a list"));
    };
    let filled = list.inner().iter().find(|item| !is_blank(item.as_ref()));
    match filled {
        None => Ok(null()),
        Some(item) => match item.downcast_ref::<CelString<'_>>() {
            Some(text) => made(cx, text.inner().to_owned()),
            None => Err(cx.error("takes a list of texts")),
        },
    }
}

fn switch<'c, 'v>(cx: &mut FunctionContext<'c, 'v>) -> Answer<'c, 'v> {
    spend(cx, 0)?;
    let mut all = arguments(cx).into_iter();
    let Some(value) = all.next() else {
        return Err(cx.error("needs a value, then cases with their results"));
    };
    while let Some(case) = all.next() {
        let Some(result) = all.next() else {
            // The last one, alone, is for all others.
            return Ok(case);
        };
        if value.as_ref().equals(case.as_ref()) {
            return Ok(result);
        }
    }
    Ok(null())
}
