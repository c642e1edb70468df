//! The functions of expressions, as an editor offers them. What they do is `planner::mapping`'s, whose
//! tests hold its list against this one.

/// A function of expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How it is called: what it takes, and what it is called on.
    pub signature: &'static str,
}

impl Function {
    /// Whether it is called on a value, behind a dot.
    pub fn is_called_on_a_value(&self) -> bool {
        !self.signature.starts_with(self.name)
    }
}

const fn function(name: &'static str, signature: &'static str) -> Function {
    Function { name, signature }
}

/// All of them, by name.
pub const FUNCTIONS: [Function; 33] = [
    function("all", "list.all(x, test)"),
    function("begins_with", "begins_with(value, text)"),
    function("bool", "bool(value)"),
    function("coalesce", "coalesce(value, value, …)"),
    function("contains", "text.contains(part)"),
    function("double", "double(value)"),
    function("endsWith", "text.endsWith(part)"),
    function("ends_with", "ends_with(value, text)"),
    function("equals", "equals(value, text)"),
    function("exists", "list.exists(x, test)"),
    function("exists_one", "list.exists_one(x, test)"),
    function("filter", "list.filter(x, test)"),
    function("first_non_empty", "first_non_empty(list)"),
    function("includes", "includes(value, text)"),
    function("int", "int(value)"),
    function("is_empty", "is_empty(value)"),
    function("join", "join(list, separator)"),
    function("left_of_at", "left_of_at(address)"),
    function("lower", "lower(text)"),
    function("map", "list.map(x, value)"),
    function("matches", "matches(value, \"pattern\")"),
    function("regex_replace", "regex_replace(text, \"pattern\", text)"),
    function("replace", "replace(text, part, text)"),
    function("right_of_at", "right_of_at(address)"),
    function("size", "size(value)"),
    function("split", "split(text, separator)"),
    function("startsWith", "text.startsWith(part)"),
    function("string", "string(value)"),
    function("strip_diacritics", "strip_diacritics(text)"),
    function("switch", "switch(value, case, result, …, otherwise)"),
    function("title_case", "title_case(text)"),
    function("trim", "trim(text)"),
    function("upper", "upper(text)"),
];
