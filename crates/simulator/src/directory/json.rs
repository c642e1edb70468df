//! Objects straight into a byte buffer: no tree of values on the way.

use uuid::Uuid;

use super::object::{Object, Value};
use super::schema::Schema;

/// Appends `text` as a JSON string.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[plain..at]);
        plain = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            _ => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
        }
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

/// `text` as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    push_text(&mut out, text);
    String::from_utf8(out).expect("a quoted text is UTF-8 as the text was")
}

/// Appends `id` as a JSON string.
pub(crate) fn push_id(out: &mut Vec<u8>, id: Uuid) {
    let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
    out.push(b'"');
    out.extend_from_slice(id.hyphenated().encode_lower(&mut buffer).as_bytes());
    out.push(b'"');
}

/// Appends a property's value.
pub(crate) fn push_value(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Unset | Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Text(text) => push_text(out, text),
        Value::Id(id) => push_id(out, *id),
        Value::List(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                push_text(out, item);
            }
            out.push(b']');
        }
        Value::Json(json) => out.extend_from_slice(json.as_bytes()),
    }
}

/// How an object is to be written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Style {
    /// Begin with `@odata.type`.
    pub typed: bool,
    /// Leave out what was never set, as delta does.
    pub omit_unset: bool,
    /// Only `id`, the rest null: what a reader without the permission for this type gets.
    pub limited: bool,
}

/// Appends the members of `object` for `properties` (positions in the schema), without braces;
/// at least one member must follow from the arguments or nothing is written.
pub(crate) fn push_members(
    out: &mut Vec<u8>,
    object: &Object,
    schema: &Schema,
    properties: &[usize],
    style: Style,
) {
    let start = out.len();
    if style.typed {
        out.extend_from_slice(b"\"@odata.type\":\"#");
        out.extend_from_slice(schema.type_name.as_bytes());
        out.push(b'"');
    }
    for &position in properties {
        let property = &schema.properties[position];
        let value = object.value(property.slot);
        let value = match value {
            Value::Unset if style.omit_unset => continue,
            Value::Id(_) => value,
            _ if style.limited => Value::Null,
            value => value,
        };
        if out.len() > start {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(property.name.as_bytes());
        out.extend_from_slice(b"\":");
        push_value(out, &value);
    }
}
