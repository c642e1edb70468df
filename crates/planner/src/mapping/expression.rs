//! Expressions in CEL, as far as they are let in. The crate that evaluates them counts no steps, so
//! what is accepted is limited instead: the length and the depth before anything is parsed, then the
//! names, the functions and the loops. What is left ends after a time that its length limits.

use std::{collections::BTreeSet, fmt, sync::Arc};

use cel::{
    Context, Env, ExecutionError, ParseErrors, Program,
    common::{
        ast::{Expr, IdedExpr, LiteralValue},
        types::{CelBool, CelDouble, CelInt, CelList, CelNull, CelString, CelUInt},
        value::Val,
    },
    objects::Value as CelValue,
};
use domain::{
    mapping::{RULE_BYTES_MAX, is_source, sources, unknown},
    policy::ObjectType,
};
use serde_json::Value;

use super::{LIST_MAX, functions, variables::Variables};

/// How deep an expression may be: brackets around a place and operators before it.
pub const DEPTH_MAX: usize = 32;
/// Bytes of stack that reading the deepest expression has, whatever its thread has.
const PARSING_STACK: usize = 16 * 1024 * 1024;
/// Bytes of stack below which evaluating one gets a stack of its own.
const STACK_LEFT: usize = 512 * 1024;
/// Bytes of that.
const EVALUATING_STACK: usize = 4 * 1024 * 1024;
/// The most values in a list that is written out.
const WRITTEN_LIST_MAX: usize = 64;

/// The standard functions that may be called, besides those in [`functions`].
pub(super) const STANDARD: [&str; 9] = [
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "string",
    "int",
    "double",
    "bool",
    "@not_strictly_false",
];

/// An expression that was let in.
pub struct Expression {
    program: Program,
    context: Context<'static, 'static>,
    uses: BTreeSet<String>,
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expression")
            .field("uses", &self.uses)
            .finish_non_exhaustive()
    }
}

impl Expression {
    /// Reads an expression over the attributes of a type, or says why it isn't let in.
    pub fn new(object_type: ObjectType, text: &str) -> Result<Self, String> {
        if text.len() > RULE_BYTES_MAX {
            return Err(format!(
                "It is longer than {RULE_BYTES_MAX} bytes, which is the most."
            ));
        }
        if depth(text) > DEPTH_MAX {
            return Err(format!(
                "It is nested more than {DEPTH_MAX} deep, counting brackets and the operators before a place."
            ));
        }
        let env = Arc::new(Env::stdlib());
        // The parser goes a dozen calls deep for each level, which a worker's thread has no room for.
        let program = stacker::grow(PARSING_STACK, || env.compile(text))
            .map_err(|errors| unread(text, &errors))?;
        let mut looked = Looked {
            object_type,
            uses: BTreeSet::new(),
            loops: 0,
            bound: Vec::new(),
            patterns: functions::Patterns::default(),
        };
        looked.look(program.expression(), 0)?;
        let context = functions::context(env, looked.patterns)?;
        Ok(Self {
            program,
            context,
            uses: looked.uses,
        })
    }

    /// The attributes that it reads.
    pub fn uses(&self) -> impl Iterator<Item = &str> {
        self.uses.iter().map(String::as_str)
    }

    /// Its tree.
    pub(crate) fn tree(&self) -> &IdedExpr {
        self.program.expression()
    }

    /// What it makes of an object, or why it fails for it.
    pub(crate) fn evaluate(&self, variables: Variables<'_>) -> Result<Value, String> {
        functions::begin();
        // Borrowed, so that what the object's values live for is enough.
        let root: &Context<'_, '_> = &self.context;
        let mut context = root.new_inner_scope();
        context.set_variable_resolver(&variables);
        let evaluate = || CelValue::resolve_val(self.program.expression(), &context);
        let made = stacker::maybe_grow(STACK_LEFT, EVALUATING_STACK, evaluate)
            .map_err(|error| failed(&error))?;
        json(made.as_ref())
    }
}

/// How deep a text is nested, from its characters alone: at each place the brackets around it, and
/// the operators before it in each of them. Whatever an expression's tree is, it isn't deeper.
pub fn depth(text: &str) -> usize {
    // Operators so far, one count for each open bracket.
    let mut open = vec![0_usize];
    let mut deepest = 0;
    let mut rest = text.chars().peekable();
    // The letters just before a place: of r"…" they say that a backslash is a backslash.
    let mut word = String::new();
    while let Some(c) = rest.next() {
        if c.is_alphanumeric() || c == '_' {
            word.push(c.to_ascii_lowercase());
            continue;
        }
        let raw = matches!(word.as_str(), "r" | "br" | "rb");
        word.clear();
        match c {
            '"' | '\'' => skip_string(c, raw, &mut rest),
            '/' if rest.peek() == Some(&'/') => {
                rest.by_ref().find(|c| *c == '\n');
            }
            '(' | '[' | '{' => open.push(0),
            ')' | ']' | '}' if open.len() > 1 => {
                open.pop();
            }
            ',' => {
                if let Some(operators) = open.last_mut() {
                    *operators = 0;
                }
            }
            '!' | '-' | '+' | '*' | '/' | '%' | '?' | '<' | '>' | '=' | '&' | '|' | '.' => {
                // Of "==", "&&" and the like the second sign is no operator of its own.
                if matches!(c, '=' | '&' | '|' | '<' | '>') && rest.peek() == Some(&c) {
                    rest.next();
                }
                if matches!(c, '!' | '<' | '>') && rest.peek() == Some(&'=') {
                    rest.next();
                }
                if let Some(operators) = open.last_mut() {
                    *operators += 1;
                }
            }
            _ => {}
        }
        let here = open.len() - 1 + open.iter().sum::<usize>();
        deepest = deepest.max(here);
    }
    deepest
}

/// Goes past the end of a string that began with `quote`, or of one in three quotes. What no
/// string can be is for the parser to refuse: it then ends with the line, or the text.
fn skip_string(quote: char, raw: bool, rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    let mut quotes = 1;
    while quotes < 3 && rest.peek() == Some(&quote) {
        rest.next();
        quotes += 1;
    }
    if quotes == 2 {
        return;
    }
    let mut seen = 0;
    while let Some(c) = rest.next() {
        if quotes == 1 && c == '\n' {
            return;
        }
        if c == '\\' && !raw {
            rest.next();
            seen = 0;
        } else if c == quote {
            seen += 1;
            if seen == quotes {
                return;
            }
        } else {
            seen = 0;
        }
    }
}

/// What an expression's tree holds.
struct Looked {
    object_type: ObjectType,
    uses: BTreeSet<String>,
    loops: usize,
    /// The names that loops give.
    bound: Vec<String>,
    patterns: functions::Patterns,
}

impl Looked {
    fn look(&mut self, at: &IdedExpr, depth: usize) -> Result<(), String> {
        // Loops are several nodes deep. What was counted before parsing keeps far below this.
        if depth > 4 * DEPTH_MAX {
            return Err("It is nested too deep.".to_owned());
        }
        let below = depth + 1;
        match &at.expr {
            Expr::Ident(name) => self.name(name),
            Expr::Literal(LiteralValue::Bytes(_)) => {
                Err("Bytes can’t be used here; write a text.".to_owned())
            }
            Expr::Literal(_) => Ok(()),
            Expr::Select(select) => self.look(&select.operand, below),
            Expr::List(list) => {
                if list.elements.len() > WRITTEN_LIST_MAX {
                    return Err(format!("A list holds at most {WRITTEN_LIST_MAX} values."));
                }
                let mut items = list.elements.iter();
                items.try_for_each(|item| self.look(item, below))
            }
            Expr::Call(call) => {
                function(&call.func_name)?;
                let arguments: Vec<&IdedExpr> = call
                    .target
                    .as_deref()
                    .into_iter()
                    .chain(&call.args)
                    .collect();
                self.patterns.add(&call.func_name, &arguments)?;
                let mut arguments = arguments.into_iter();
                arguments.try_for_each(|argument| self.look(argument, below))
            }
            Expr::Comprehension(looped) => {
                self.loops += 1;
                if self.loops > 1 {
                    return Err("Only one of all, exists, exists_one, filter and map can be used in an expression.".to_owned());
                }
                match &looped.iter_range.expr {
                    Expr::Ident(name) => self.name(name)?,
                    _ => {
                        return Err("all, exists, exists_one, filter and map can go over an attribute of the object only, such as proxyAddresses.".to_owned());
                    }
                }
                self.bound.push(looped.iter_var.clone());
                self.bound.extend(looped.iter_var2.clone());
                self.bound.push(looped.accu_var.clone());
                for part in [
                    &looped.accu_init,
                    &looped.loop_cond,
                    &looped.loop_step,
                    &looped.result,
                ] {
                    self.look(part, below)?;
                }
                self.bound.clear();
                Ok(())
            }
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                Err("{…} can’t be used here.".to_owned())
            }
        }
    }

    fn name(&mut self, name: &str) -> Result<(), String> {
        if self.bound.iter().any(|bound| bound == name) {
            return Ok(());
        }
        if is_source(self.object_type, name) {
            self.uses.insert(name.to_owned());
            return Ok(());
        }
        Err(unknown(self.object_type, name, sources(self.object_type)))
    }
}

/// Refuses what may not be called.
fn function(name: &str) -> Result<(), String> {
    let is_operator = !name.starts_with(|c: char| c.is_ascii_alphabetic());
    if (is_operator && name != "_?._" && name != "_[?_]")
        || STANDARD.contains(&name)
        || functions::NAMES.contains(&name)
    {
        return Ok(());
    }
    Err(format!(
        "There is no function {name} here. There are {}.",
        functions::NAMES.join(", ")
    ))
}

/// What a parser says, in words: where, and what it met there.
fn unread(text: &str, errors: &ParseErrors) -> String {
    let Some(error) = errors.errors.first() else {
        return "It can’t be read.".to_owned();
    };
    let (line, column) = error.pos;
    let says = error.msg.trim_start_matches("Syntax error: ");
    let says = says.split(" expecting ").next().unwrap_or(says);
    let says = if says.contains("Recursion limit") {
        "it is nested too deep".to_owned()
    } else if text.trim().is_empty() || says.contains("'<EOF>'") {
        match says.strip_prefix("missing ") {
            Some(missing) => format!("{} is missing", missing.trim_end_matches(" at '<EOF>'")),
            None => "it ends too early".to_owned(),
        }
    } else if let Some(strange) = says.strip_prefix("token recognition error at: ") {
        format!("{strange} can’t be read; is a quote missing?")
    } else {
        says.replace("extraneous input", "unexpected")
            .replace("mismatched input", "unexpected")
            .replace("no viable alternative at input", "unexpected")
    };
    let place = match line {
        line if line <= 1 => format!("At character {}", column.max(1)),
        line => format!("At line {line}, character {}", column.max(1)),
    };
    format!("{place}: {says}.")
}

/// Why an expression fails for an object, in words.
fn failed(error: &ExecutionError) -> String {
    let types = |types: &[String]| {
        let named: Vec<&str> = types.iter().map(|name| type_words(name)).collect();
        named.join(" and ")
    };
    match error {
        ExecutionError::FunctionError { function, message } => format!("{function} {message}."),
        ExecutionError::NoSuchOverload(overload) => {
            let function = overload.function().replace(['_', '@'], "");
            format!(
                "“{function}” can’t be used with {}.",
                types(overload.argument_types())
            )
        }
        ExecutionError::UnsupportedBinaryOperator(operator, left, right) => {
            let operator = match *operator {
                "add" => "+",
                "sub" => "-",
                "mul" => "*",
                "div" => "/",
                "rem" => "%",
                other => other,
            };
            format!(
                "“{operator}” can’t be used with {} and {}.",
                type_words(&left.type_of().to_string()),
                type_words(&right.type_of().to_string())
            )
        }
        ExecutionError::ValuesNotComparable(left, right) => format!(
            "{} and {} can’t be compared.",
            type_words(&left.type_of().to_string()),
            type_words(&right.type_of().to_string())
        ),
        ExecutionError::NoSuchKey(key) => format!("There is no “{key}” in the value."),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "It divides by zero.".to_owned()
        }
        ExecutionError::Overflow(..) => "A number becomes too large.".to_owned(),
        ExecutionError::IndexOutOfBounds(_) => "The list isn’t that long.".to_owned(),
        ExecutionError::UnexpectedType { got, want } => format!(
            "{} is needed where there is {}.",
            type_words(want),
            type_words(got)
        ),
        // Values of other errors may be of any length.
        other => {
            let mut words = other.to_string();
            words.truncate(words.floor_char_boundary(200));
            words
        }
    }
}

/// A type's name in words.
pub(super) fn type_words(name: &str) -> &str {
    match name {
        "null" | "null_type" => "nothing",
        "string" => "a text",
        "int" | "uint" | "float" | "double" => "a number",
        "bool" => "true or false",
        "list" => "a list",
        "map" => "a record",
        other => other,
    }
}

/// A result as an attribute can have it.
fn json(value: &dyn Val) -> Result<Value, String> {
    if let Some(list) = value.downcast_ref::<CelList<'_>>() {
        if list.inner().len() > LIST_MAX {
            return Err(format!(
                "The result is a list of more than {LIST_MAX} texts."
            ));
        }
        let mut texts = Vec::new();
        for item in list.inner() {
            match one(item.as_ref()) {
                Some(Value::Null) => {}
                Some(Value::String(text)) if text.trim().is_empty() => {}
                Some(text @ Value::String(_)) => texts.push(text),
                _ => return Err("The result is a list of something else than texts.".to_owned()),
            }
        }
        return Ok(Value::Array(texts));
    }
    one(value).ok_or_else(|| {
        let kind = value.get_type().name().to_owned();
        format!(
            "The result is {}; it has to be a text, a list of texts, a number, true, false or null.",
            type_words(&kind)
        )
    })
}

pub(super) fn one(value: &dyn Val) -> Option<Value> {
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        Some(Value::String(text.inner().to_owned()))
    } else if value.downcast_ref::<CelNull>().is_some() {
        Some(Value::Null)
    } else if let Some(is) = value.downcast_ref::<CelBool>() {
        Some(Value::Bool(*is.inner()))
    } else if let Some(number) = value.downcast_ref::<CelInt>() {
        Some(Value::from(*number.inner()))
    } else if let Some(number) = value.downcast_ref::<CelUInt>() {
        Some(Value::from(*number.inner()))
    } else {
        let number = value.downcast_ref::<CelDouble>()?;
        serde_json::Number::from_f64(*number.inner()).map(Value::Number)
    }
}
