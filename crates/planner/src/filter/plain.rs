//! Expressions that have the shape of a rule in plain form are read back into it.

use cel::common::ast::{Expr, IdedExpr, LiteralValue};
use domain::{
    filter::{Condition, FilterOperator, FilterRule, FilterRules, FilterTest, Filters},
    policy::ObjectType,
};

use crate::mapping::expression::Expression;

const AND: &str = "_&&_";
const OR: &str = "_||_";
const NOT: &str = "!_";

/// The rule in plain form that an expression writes out; none where it says more than that.
pub fn plain(object_type: ObjectType, text: &str) -> Option<FilterRule> {
    let read = Expression::new(object_type, text).ok()?;
    let tree = read.tree();
    let rule = match &tree.expr {
        Expr::Call(call) if call.func_name == OR => FilterRule::Any(joined(tree, OR)?),
        _ => FilterRule::All(joined(tree, AND)?),
    };
    stands(object_type, rule)
}

/// The conditions that one operator joins, in the order in which they are written.
fn joined(at: &IdedExpr, operator: &str) -> Option<Vec<Condition>> {
    match &at.expr {
        Expr::Call(call) if call.func_name == operator => {
            let mut all = Vec::new();
            for side in call.target.as_deref().into_iter().chain(&call.args) {
                all.extend(joined(side, operator)?);
            }
            Some(all)
        }
        _ => Some(vec![condition(at)?]),
    }
}

fn condition(at: &IdedExpr) -> Option<Condition> {
    let Expr::Call(call) = &at.expr else {
        return None;
    };
    if call.func_name == NOT {
        let inside = call.args.first()?;
        return asked(inside, true);
    }
    asked(at, false)
}

/// One of the functions that conditions have, over an attribute and a text that is written out.
fn asked(at: &IdedExpr, negated: bool) -> Option<Condition> {
    let Expr::Call(call) = &at.expr else {
        return None;
    };
    let test: FilterTest = call.func_name.parse().ok()?;
    let operator = FilterOperator::of(test, negated)?;
    let arguments: Vec<&IdedExpr> = call
        .target
        .as_deref()
        .into_iter()
        .chain(&call.args)
        .collect();
    let (name, value) = match arguments.as_slice() {
        [name] if !operator.has_value() => (name, String::new()),
        [name, value] if operator.has_value() => match &value.expr {
            Expr::Literal(LiteralValue::String(value)) => (name, value.inner().to_owned()),
            _ => return None,
        },
        _ => return None,
    };
    let Expr::Ident(attribute) = &name.expr else {
        return None;
    };
    Some(Condition {
        attribute: attribute.clone(),
        operator,
        value,
    })
}

/// The rule, where it can be in plain form and is the same there: a pattern keeps its white space, a
/// text that is compared has none around it.
fn stands(object_type: ObjectType, rule: FilterRule) -> Option<FilterRule> {
    let mut filters = Filters::default();
    *filters.of_mut(object_type)? = FilterRules {
        exclude: vec![rule],
        ..FilterRules::default()
    };
    let mut checked = filters.checked().ok()?;
    checked.of_mut(object_type)?.exclude.pop()
}
